// SPDX-License-Identifier: MIT
//
// A binary mask as runs of pixels. Coordinates are integer pixels of whatever
// frame the holder says (a window or the series grid); they may be negative,
// so that a mask can be moved from a window to the grid and back.
#pragma once

#include "core/geometry.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::tracking {

// Pixels (col, row) with begin <= col < end.
struct Run {
  int32_t row = 0;
  int32_t begin = 0;
  int32_t end = 0;
  auto operator<=>(const Run&) const = default;
};

// Immutable value. Runs are sorted by (row, begin), disjoint, and not touching
// within a row, so equal masks have equal runs.
class Mask {
 public:
  Mask() = default;
  // Any runs, in any order, overlapping or not.
  static Mask FromRuns(std::vector<Run> runs);
  // Non-zero pixels of a CV_8UC1 image; pixel (0, 0) of it lies at `origin`.
  static Mask FromImage(const cv::Mat& image, cv::Point origin = {0, 0});
  // Pixels of `labels` (CV_32SC1) inside `box` that equal `label`.
  static Mask FromLabels(const cv::Mat& labels, int32_t label, cv::Rect box);
  // Pixels whose centre (col + 0.5, row + 0.5) lies inside, by the even-odd
  // rule over all rings of all polygons; coordinates in pixels, y down. A
  // centre on an edge belongs to what lies right of or below the edge, so that
  // polygons which share an edge share no pixel. Throws Error{kBadInput} on
  // coordinates that are not finite or beyond a billion pixels.
  static Mask FromPolygons(const MultiPolygon& polygons);

  bool IsEmpty() const { return runs_.empty(); }
  int64_t Area() const { return area_; }
  // Tight bounds; empty for an empty mask.
  cv::Rect Bounds() const { return bounds_; }
  const std::vector<Run>& Runs() const { return runs_; }
  bool Contains(int col, int row) const;
  // Mean of the pixel centres; {0, 0} for an empty mask.
  Point2d Centroid() const;

  Mask Translated(int dx, int dy) const;
  Mask Clipped(cv::Rect box) const;
  Mask Union(const Mask& other) const;
  Mask Intersection(const Mask& other) const;
  Mask Difference(const Mask& other) const;
  // Of this mask, moved by `shift`, with the other.
  int64_t IntersectionArea(const Mask& other, cv::Point shift = {}) const;

  // Sets `value` in a CV_8UC1 or CV_32SC1 image whose pixel (0, 0) lies at
  // `origin`; pixels outside the image are left out.
  void Paint(cv::Mat& image, int value, cv::Point origin = {0, 0}) const;

  // Compact bytes for storage, and back; Deserialise throws Error{kDatabase}
  // on anything that Serialise does not write. One byte of version, then
  // LEB128 numbers: the count of runs and for each the rows since the run
  // before, its begin against that run, and its length.
  std::string Serialise() const;
  static Mask Deserialise(const std::string& bytes);

  bool operator==(const Mask& other) const { return runs_ == other.runs_; }

 private:
  // `runs` already in the order and form described above.
  static Mask FromSortedRuns(std::vector<Run> runs);

  std::vector<Run> runs_;
  int64_t area_ = 0;
  cv::Rect bounds_;
};

// Intersection over union; 0 when both are empty.
double IoU(const Mask& a, const Mask& b);

}  // namespace mapweave::tracking
