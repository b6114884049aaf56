// SPDX-License-Identifier: MIT
//
// Stage 2: finds how each edition has to be moved, place by place, to lie on
// the newest one where their georeferences disagree, and stores that as a
// smooth field.
#pragma once

#include "core/geometry.h"
#include "core/json.h"
#include "core/progress.h"
#include "db/store.h"

#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct AlignOptions {
  // Farthest shift that is looked for, in ground metres.
  double max_shift_m = 150.0;
  // Shifts that are less certain are refused: the edition stays where its
  // georeference puts it and is flagged. In [0, 1].
  double min_confidence = 0.5;
  // Side in pixels to which the editions are reduced for the search.
  int overview_px = 1536;
  // One affine map per edition instead of a smooth field.
  bool coarse = false;
  // Give up buildings that were found with another alignment.
  bool replace_result = false;
  // The result does not depend on it.
  int threads = 1;

  // Throws Error{kUsage} naming the option.
  void Validate() const;
  Json ToJson() const;
};

// A place that was recognised on two editions and that the fit did not see.
struct PlaceError {
  Point2d at;  // as the edition's sheets state it, coordinates of the grid
  // Where the other edition shows it, less where the fit puts it.
  double east_m = 0.0;
  double north_m = 0.0;
};

struct EditionAlignment {
  std::string edition;
  // Ground metres to add to what the edition's sheets say, x east, y north:
  // the mean of the field.
  double shift_x_m = 0.0;
  double shift_y_m = 0.0;
  double confidence = 0.0;  // in [0, 1]
  bool aligned = false;     // false: refused, nothing is applied
  // How far the field departs from its mean, root mean square in metres.
  double local_m = 0.0;
  // Median distance in ground metres between where places were recognised and
  // where a field that did not see them puts them; unset without such places.
  std::optional<double> residual_m;
  int64_t held_out_points = 0;
  // Of the windows that this and another edition cover, the part that was
  // recognised on both; not kept in the project.
  std::optional<double> matched_share;
  // The places themselves; the project keeps only their number and median.
  std::vector<PlaceError> errors;
};

// Writes the editions' displacements into `store` in one transaction. A second
// call replaces the first one's result. One edition alone is aligned by itself.
// Throws Error{kUsage} where that would make the buildings in the project stale,
// unless the options give them up.
std::vector<EditionAlignment> Align(db::Store& store,
                                    const AlignOptions& options,
                                    RunContext& context);

// What Align wrote, without the errors at single places.
std::vector<EditionAlignment> StoredAlignment(const db::Store& store);

Json ToJson(const std::vector<EditionAlignment>& editions);

}  // namespace mapweave::pipelines
