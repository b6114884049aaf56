// SPDX-License-Identifier: MIT
//
// When a place was surveyed on each edition. The sheets of an edition need not
// be of one date, and what is drawn at a place dates from the sheet that
// covers it.
#pragma once

#include "core/date.h"
#include "core/geometry.h"
#include "pipelines/project.h"

#include <vector>

namespace mapweave::pipelines {

class SheetDates {
 public:
  // Copies what it needs. Throws as SheetInfo::FootprintIn.
  explicit SheetDates(const Project& project);

  // One date per edition, for a place that the polygons (in the grid's CRS)
  // mark together. Where rasters of several dates cover it, from the first to
  // the last day of all of them; where none does, the edition's date.
  std::vector<DateRange> At(const std::vector<MultiPolygon>& place) const;

 private:
  struct Sheet {
    DateRange date;
    MultiPolygon outline;  // in the grid's CRS, displaced as alignment found
    Box bounds;
  };
  struct Edition {
    DateRange date;
    // Empty if all of its sheets are of `date`.
    std::vector<Sheet> sheets;
  };
  std::vector<Edition> editions_;
};

}  // namespace mapweave::pipelines
