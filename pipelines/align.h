// SPDX-License-Identifier: MIT
//
// Stage 2: finds the whole-sheet shift that each edition's georeference leaves
// against the newest edition, and stores it.
#pragma once

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

  // Throws Error{kUsage} naming the option.
  void Validate() const;
  Json ToJson() const;
};

struct EditionAlignment {
  std::string edition;
  // Ground metres to add to what the edition's sheets say, x east, y north.
  double shift_x_m = 0.0;
  double shift_y_m = 0.0;
  double confidence = 0.0;  // in [0, 1]
  bool aligned = false;     // false: refused, nothing is applied
  // Median distance in ground metres between the local shift at places that
  // the estimate did not see and the estimate; unset without such places.
  std::optional<double> residual_m;
  int64_t held_out_points = 0;
};

// Writes the editions' shifts into `store` in one transaction. A second call
// replaces the first one's result. One edition alone is aligned by itself.
std::vector<EditionAlignment> Align(db::Store& store,
                                    const AlignOptions& options,
                                    RunContext& context);

Json ToJson(const std::vector<EditionAlignment>& editions);

}  // namespace mapweave::pipelines
