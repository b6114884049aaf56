// SPDX-License-Identifier: MIT
//
// Private to src/geo: which of PROJ's coordinate operations is used between two
// CRS, and what it costs if that is not the best one. GDAL's own choice falls
// back in silence on ballpark operations and does not say which grid was
// missing, so the candidates are asked one by one.
#pragma once

#include "core/geometry.h"
#include "geo/crs.h"
#include "geo/gdal_handles.h"

#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

struct CoordinateOperation {
  // In traditional axis order; null if PROJ knows none that works here.
  PjPtr target_from_source;
  std::string name;  // in the authority's register
  bool ballpark = false;
  std::optional<double> accuracy_m;  // as stated; none for ballpark
  // Of the best operation; empty if the chosen one is stated as accurate.
  std::vector<std::string> missing_grids;
  // The names that their publishers gave them.
  std::vector<std::string> published_grids;
  // Installed files of such a name but for upper and lower case.
  std::vector<std::string> similar_grids;
  std::optional<double> at_stake_m = 0.0;  // see Transformer::AtStakeMetres
};

// The first usable one of those that PROJ finds, ranked as if every grid were
// installed. `area` in units of `source`. Neither logs nor refuses.
CoordinateOperation ChooseOperation(PJ_CONTEXT* context, const Crs& source,
                                    const Crs& target,
                                    const std::optional<Box>& area);

}  // namespace mapweave::geo
