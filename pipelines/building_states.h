// SPDX-License-Identifier: MIT
//
// The rows of `building_state`: the shapes of one building from one change to
// the next, with the dates between which each is shown. They are conservative:
// a state is shown only while the building certainly stood, from the first to
// the last edition that shows it; a new shape holds from the edition that shows
// it first.
#pragma once

#include "core/date.h"
#include "core/geometry.h"
#include "db/rows.h"
#include "geo/crs.h"
#include "tracking/lineage.h"

#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// One building on one edition of its series.
struct BuildingSight {
  std::string edition;  // label
  DateRange date;
  MultiPolygon shape;  // empty: not seen
  // What led to this sight; none if nothing is known to have.
  std::vector<tracking::LineageKind> kinds;
};

// True for what begins a new state: appearing, and whatever changes the
// outline.
bool BeginsState(tracking::LineageKind kind);

// `sights`: one per edition, oldest first.
std::vector<db::BuildingStateRow> BuildingStates(
    const std::string& track_id, const std::vector<BuildingSight>& sights,
    const geo::GroundMeasure& ground);

}  // namespace mapweave::pipelines
