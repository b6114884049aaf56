// SPDX-License-Identifier: MIT
#include "pipelines/sheet_dates.h"

#include "geo/polygon_ops.h"

#include <algorithm>
#include <optional>

namespace mapweave::pipelines {
namespace {

MultiPolygon Displaced(MultiPolygon polygons, const DisplacementField& field) {
  if (field.IsEmpty()) return polygons;
  for (Polygon& polygon : polygons) {
    for (Point2d& point : polygon.shell) point = field.Apply(point);
    for (Ring& hole : polygon.holes) {
      for (Point2d& point : hole) point = field.Apply(point);
    }
  }
  return polygons;
}

bool Touch(const Box& a, const Box& b) {
  return a.min_x < b.max_x && b.min_x < a.max_x && a.min_y < b.max_y &&
         b.min_y < a.max_y;
}

}  // namespace

SheetDates::SheetDates(const Project& project) {
  for (const ProjectEdition& source : project.editions) {
    Edition edition{source.date, {}};
    const std::vector<DateRange>& dates = source.sheet_dates;
    const bool is_uniform = std::all_of(
        dates.begin(), dates.end(),
        [&](const DateRange& date) { return date == dates.front(); });
    if (is_uniform && !dates.empty()) {
      edition.date = dates.front();
    } else {
      for (size_t i = 0; i < dates.size(); ++i) {
        Sheet sheet;
        sheet.date = dates[i];
        sheet.outline =
            Displaced(source.sheets[i].FootprintIn(project.grid.crs),
                      source.displacement);
        sheet.bounds = geo::Bounds(sheet.outline);
        edition.sheets.push_back(std::move(sheet));
      }
    }
    editions_.push_back(std::move(edition));
  }
}

std::vector<DateRange> SheetDates::At(
    const std::vector<MultiPolygon>& place) const {
  std::vector<DateRange> dates;
  for (const Edition& edition : editions_) {
    std::optional<DateRange> found;
    for (const Sheet& sheet : edition.sheets) {
      const bool covers = std::any_of(
          place.begin(), place.end(), [&sheet](const MultiPolygon& part) {
            return !part.empty() && Touch(geo::Bounds(part), sheet.bounds) &&
                   geo::IntersectionArea(part, sheet.outline) > 0.0;
          });
      if (covers) found = found ? Hull(*found, sheet.date) : sheet.date;
    }
    dates.push_back(found.value_or(edition.date));
  }
  return dates;
}

}  // namespace mapweave::pipelines
