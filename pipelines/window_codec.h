// SPDX-License-Identifier: MIT
//
// What one window gave, as bytes for the project file's work table.
#pragma once

#include "tracking/succession.h"
#include "tracking/track.h"

#include <string>
#include <vector>

namespace mapweave::pipelines {

// All masks in grid pixels.
struct WindowResult {
  tracking::TrackSet tracks;
  // Per edition: pixels of the window's core where no sheet can be read.
  std::vector<tracking::Mask> uncovered;
  // Opinions on drawings, of which the older one's pixel lies in the core.
  std::vector<tracking::Relation> relations;

  bool operator==(const WindowResult& other) const;
};

std::string EncodeWindow(const WindowResult& result);
// Throws Error{kDatabase} on anything that EncodeWindow did not write.
WindowResult DecodeWindow(const std::string& bytes);

}  // namespace mapweave::pipelines
