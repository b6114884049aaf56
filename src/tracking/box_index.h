// SPDX-License-Identifier: MIT
//
// Finds which of many boxes overlap a given one, by a hash of square cells.
// Memory grows with the boxes, not with the plane they lie in.
#pragma once

#include <opencv2/core.hpp>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace mapweave::tracking {

class BoxIndex {
 public:
  // `cell_px`: about the side of a usual box, or a little more.
  explicit BoxIndex(int cell_px = 64);

  // Empty boxes are never found.
  void Insert(int id, cv::Rect box);
  // Ids of the boxes that share a pixel with `box`, each once, ascending.
  std::vector<int> Overlapping(cv::Rect box) const;

 private:
  struct Entry {
    int id;
    cv::Rect box;
  };

  template <typename Visit>
  void VisitCells(cv::Rect box, Visit visit) const;

  int cell_px_;
  std::unordered_map<uint64_t, std::vector<Entry>> cells_;
};

}  // namespace mapweave::tracking
