// SPDX-License-Identifier: MIT
#include "pipelines/building_states.h"

#include "geo/polygon_ops.h"

#include <algorithm>
#include <chrono>

namespace mapweave::pipelines {
namespace {

Date DayBefore(const Date& date) {
  using namespace std::chrono;
  const year_month_day day(
      sys_days(year(date.year) / static_cast<unsigned>(date.month) /
               static_cast<unsigned>(date.day)) -
      days(1));
  return {static_cast<int>(day.year()),
          static_cast<int>(static_cast<unsigned>(day.month())),
          static_cast<int>(static_cast<unsigned>(day.day()))};
}

}  // namespace

bool BeginsState(tracking::LineageKind kind) {
  switch (kind) {
    case tracking::LineageKind::kAppear:
    case tracking::LineageKind::kEnlarge:
    case tracking::LineageKind::kReduce:
    case tracking::LineageKind::kReshape:
    case tracking::LineageKind::kSplit:
    case tracking::LineageKind::kMerge:
    case tracking::LineageKind::kRecompose:
    case tracking::LineageKind::kRebuild:
      return true;
    case tracking::LineageKind::kPersist:
    case tracking::LineageKind::kDisappear:
    case tracking::LineageKind::kRedrawn:
    case tracking::LineageKind::kGap:
      return false;
  }
  return false;
}

std::vector<db::BuildingStateRow> BuildingStates(
    const std::string& track_id, const std::vector<BuildingSight>& sights,
    const geo::GroundMeasure& ground) {
  std::vector<db::BuildingStateRow> states;
  Date last_seen;
  for (const BuildingSight& sight : sights) {
    if (sight.shape.empty()) continue;
    std::optional<std::string> kind;
    for (const tracking::LineageKind leading : sight.kinds) {
      if (BeginsState(leading)) kind = tracking::LineageKindName(leading);
    }
    if (kind || states.empty()) {
      if (!states.empty()) {
        // Surveys may begin on one day; a state never ends before it starts.
        db::BuildingStateRow& before = states.back();
        before.end_date =
            std::max(*before.start_date, DayBefore(sight.date.StatedFrom()));
      }
      db::BuildingStateRow state;
      state.track_id = track_id;
      state.edition = sight.edition;
      state.start_date = sight.date.StatedFrom();
      state.kind = kind;
      state.geometry = sight.shape;
      state.area_m2 = geo::AreaM2(sight.shape, ground);
      states.push_back(std::move(state));
    }
    last_seen = sight.date.to;
  }
  if (!states.empty()) states.back().end_date = last_seen;
  return states;
}

}  // namespace mapweave::pipelines
