// SPDX-License-Identifier: MIT
#include "pipelines/world_footprints.h"

#include "core/error.h"
#include "core/log.h"
#include "geo/polygon_ops.h"
#include "geo/vector_io.h"
#include "pipelines/project.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr int64_t kMaxSidePx = 20000;

// A life with its known ends.
struct Span {
  std::optional<DateRange> start;
  std::optional<DateRange> end;

  bool Stands(const DateRange& survey) const {
    return (!start || start->from <= survey.to) &&
           (!end || survey.from <= end->to);
  }
};

[[noreturn]] void ThrowBad(const FootprintOptions& options,
                           const std::string& fault, const std::string& hint) {
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}': {}", options.path, fault), hint);
}

void RequireField(const FootprintOptions& options,
                  const geo::VectorLayer& layer, const std::string& field) {
  if (std::find(layer.fields.begin(), layer.fields.end(), field) !=
      layer.fields.end()) {
    return;
  }
  ThrowBad(options,
           fmt::format("layer \"{}\" has no field \"{}\"", layer.name, field),
           layer.fields.empty()
               ? "It has no fields at all."
               : fmt::format("It has: {}.", fmt::join(layer.fields, ", ")));
}

// None for a field that is null or blank.
std::optional<DateRange> ReadDate(const FootprintOptions& options,
                                  const geo::VectorFeature& feature,
                                  const std::string& field, size_t record) {
  const auto found = feature.attributes.find(field);
  if (found == feature.attributes.end() ||
      found->second.find_first_not_of(" \t") == std::string::npos) {
    return std::nullopt;
  }
  try {
    return ParseDateRange(found->second);
  } catch (const Error&) {
    ThrowBad(options,
             fmt::format("record {}: \"{}\" in field \"{}\" is no date",
                         record + 1, found->second, field),
             "Write years or dates such as 1882-05, and leave unknown ones "
             "null.");
  }
}

geo::VectorLayer ReadLayer(const FootprintOptions& options) {
  geo::ReadVectorOptions read;
  read.layer = options.layer;
  read.transform = ResultTransform();
  geo::VectorLayer layer = geo::ReadPolygons(options.path, read);
  if (layer.features.empty()) {
    ThrowBad(options, fmt::format("layer \"{}\" holds no polygons", layer.name),
             "Give the file with the outlines of buildings.");
  }
  if (layer.crs.IsGeographic()) {
    const Box box = geo::Bounds(layer.features.front().geometry);
    read.target = geo::Crs::UtmAt((box.min_x + box.max_x) / 2,
                                  (box.min_y + box.max_y) / 2);
    layer = geo::ReadPolygons(options.path, read);
  }
  if (layer.skipped > 0) {
    LogWarning("footprints: {} records of '{}' have no area and are left out",
               layer.skipped, options.path);
  }
  return layer;
}

bool LiesIn(const MultiPolygon& outline, const std::optional<Box>& bbox) {
  if (!bbox) return true;
  const Box box = geo::Bounds(outline);
  const double x = (box.min_x + box.max_x) / 2;
  const double y = (box.min_y + box.max_y) / 2;
  return x >= bbox->min_x && x <= bbox->max_x && y >= bbox->min_y &&
         y <= bbox->max_y;
}

// Pixels that hold all outlines, on multiples of the resolution.
geo::Grid GridAround(const std::vector<MultiPolygon>& outlines,
                     const geo::Crs& crs, const WorldSeriesOptions& options) {
  Box box = geo::Bounds(outlines.front());
  for (const MultiPolygon& outline : outlines) {
    const Box own = geo::Bounds(outline);
    box = {std::min(box.min_x, own.min_x), std::min(box.min_y, own.min_y),
           std::max(box.max_x, own.max_x), std::max(box.max_y, own.max_y)};
  }
  geo::Grid grid;
  grid.crs = crs;
  const geo::GroundScale scale = geo::ScaleAt(
      crs, {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2});
  grid.resolution = options.metres_per_px / scale.Length();
  const double left = std::floor(box.min_x / grid.resolution);
  const double top = std::ceil(box.max_y / grid.resolution);
  const int margin = options.footprints->margin_px;
  grid.width =
      std::llround(std::ceil(box.max_x / grid.resolution) - left) + 2 * margin;
  grid.height =
      std::llround(top - std::floor(box.min_y / grid.resolution)) + 2 * margin;
  grid.origin_x = (left - margin) * grid.resolution;
  grid.origin_y = (top + margin) * grid.resolution;
  if (grid.width > kMaxSidePx || grid.height > kMaxSidePx) {
    ThrowBad(*options.footprints,
             fmt::format("the buildings fill {} x {} pixels, more than {} a "
                         "side",
                         grid.width, grid.height, kMaxSidePx),
             "Choose more --metres-per-px, or a part with --bbox.");
  }
  return grid;
}

void WarnOfUnknownDates(const WorldSeriesOptions& options,
                        const FootprintCounts& counts) {
  if (counts.unknown_starts > 0) {
    LogWarning(
        "footprints: {} of {} records have no \"{}\": taken to stand before {}",
        counts.unknown_starts, counts.taken, options.footprints->start_field,
        options.editions.front());
  }
  if (counts.unknown_ends > 0) {
    LogWarning(
        "footprints: {} of {} records have no \"{}\": taken to stand after {}",
        counts.unknown_ends, counts.taken, options.footprints->end_field,
        options.editions.back());
  }
}

}  // namespace

RealTown ReadRealTown(const WorldSeriesOptions& options) {
  const FootprintOptions& from = *options.footprints;
  const geo::VectorLayer layer = ReadLayer(from);
  RequireField(from, layer, from.start_field);
  RequireField(from, layer, from.end_field);
  std::vector<DateRange> surveys;
  for (const std::string& edition : options.editions) {
    surveys.push_back(ParseDateRange(edition));
  }
  RealTown town;
  FootprintCounts& counts = town.counts;
  std::vector<MultiPolygon> outlines;  // on the ground
  for (size_t i = 0; i < layer.features.size(); ++i) {
    const geo::VectorFeature& feature = layer.features[i];
    if (!LiesIn(feature.geometry, from.bbox)) continue;
    const Span span = {ReadDate(from, feature, from.start_field, i),
                       ReadDate(from, feature, from.end_field, i)};
    if (span.start && span.end && span.end->to < span.start->from) {
      ThrowBad(from,
               fmt::format("record {} ends ({}) before it starts ({})", i + 1,
                           span.end->edtf, span.start->edtf),
               "Check whether --start and --end name the right fields.");
    }
    ++counts.taken;
    counts.unknown_starts += span.start ? 0 : 1;
    counts.unknown_ends += span.end ? 0 : 1;
    synth::FootprintLife life;
    for (const DateRange& survey : surveys) {
      life.stands.push_back(span.Stands(survey));
    }
    if (std::find(life.stands.begin(), life.stands.end(), true) ==
        life.stands.end()) {
      continue;
    }
    ++counts.standing;
    outlines.push_back(feature.geometry);
    town.lives.push_back(std::move(life));
  }
  if (town.lives.empty()) {
    ThrowBad(from,
             counts.taken == 0 ? "no building lies in the --bbox"
                               : "no building stands on any edition",
             counts.taken == 0
                 ? fmt::format("Give it in the units of {}.", layer.crs.Label())
                 : "Choose other --editions.");
  }
  town.grid = GridAround(outlines, layer.crs, options);
  for (size_t i = 0; i < outlines.size(); ++i) {
    town.lives[i].outline = geo::PixelsFromGround(outlines[i], town.grid);
  }
  WarnOfUnknownDates(options, counts);
  return town;
}

}  // namespace mapweave::pipelines
