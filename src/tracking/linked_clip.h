// SPDX-License-Identifier: MIT
//
// Labelled clips of which it is known, too, what became of each building: what
// a linker learns from.
#pragma once

#include "tracking/clip.h"
#include "tracking/lineage.h"

#include <cstdint>
#include <vector>

namespace mapweave::tracking {

// What became of one drawing, or where another came from. Labels as in
// LabelledClip; 0 = nothing (kAppear has no `from`, kDisappear no `to`). A
// building that goes on through a split, a merger or a recomposition has that
// kind with from == to.
struct LabelLink {
  int32_t from = 0;
  int32_t to = 0;
  int from_edition = 0;
  int to_edition = 0;  // > from_edition
  LineageKind kind = LineageKind::kPersist;
  auto operator<=>(const LabelLink&) const = default;
};

struct LinkedClip {
  LabelledClip labelled;
  // Between drawings that the clip shows; sorted.
  std::vector<LabelLink> links;
};

// As ClipSource.
class LinkedClipSource {
 public:
  virtual ~LinkedClipSource() = default;
  virtual LinkedClip GetLinked(uint64_t index) const = 0;
};

}  // namespace mapweave::tracking
