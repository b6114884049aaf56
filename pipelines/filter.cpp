// SPDX-License-Identifier: MIT
#include "pipelines/filter.h"

#include "core/error.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/export.h"

namespace mapweave::pipelines {
namespace {

constexpr int kNearest = 10;

MultiPolygon ReadArea(const std::string& path, const db::Store& store) {
  geo::ReadVectorOptions options;
  options.target = ProjectCrs(store);
  std::vector<MultiPolygon> parts;
  for (geo::VectorFeature& feature :
       geo::ReadPolygons(path, options).features) {
    parts.push_back(std::move(feature.geometry));
  }
  return geo::UnionAll(parts);
}

std::optional<std::string> Given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

db::QueryFilter ParseFilter(const FilterText& text, const db::Store& store) {
  db::QueryFilter filter;
  filter.layer = text.layer == "observation" ? db::QueryLayer::kObservation
                                             : db::QueryLayer::kBuildingState;
  filter.standing =
      text.possible ? db::Standing::kPossible : db::Standing::kCertain;
  if (!text.at.empty()) filter.at = ParseDateRange(text.at);
  if (text.between.size() == 2) {
    filter.between = {ParseDateRange(text.between[0]),
                      ParseDateRange(text.between[1])};
  }
  if (text.bbox.size() == 4) {
    filter.bbox = Box{text.bbox[0], text.bbox[1], text.bbox[2], text.bbox[3]};
  }
  if (!text.within.empty()) filter.within = ReadArea(text.within, store);
  filter.kind = Given(text.kind);
  filter.track = Given(text.track);
  filter.edition = Given(text.edition);
  if (text.near.size() >= 2) {
    db::NearFilter near;
    near.point = {text.near[0], text.near[1]};
    if (text.near.size() == 3) {
      near.radius = text.near[2];
    } else {
      near.nearest = kNearest;
    }
    filter.near = near;
  }
  filter.min_area_m2 = text.min_area_m2;
  filter.where = Given(text.where);
  filter.Validate();
  return filter;
}

}  // namespace mapweave::pipelines
