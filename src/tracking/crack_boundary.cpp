// SPDX-License-Identifier: MIT
#include "tracking/crack_boundary.h"

#include "core/error.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace mapweave::tracking {
namespace {

// 4-connected parts, in the order of their first runs.
std::vector<Mask> SplitIntoParts(const Mask& mask) {
  const std::vector<Run>& runs = mask.Runs();
  std::vector<size_t> parent(runs.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto find = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  // `above` walks along the row above; the lower index becomes the root, so
  // that a part's root is its first run.
  size_t above = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    while (above < i && (runs[above].row < runs[i].row - 1 ||
                         (runs[above].row == runs[i].row - 1 &&
                          runs[above].end <= runs[i].begin))) {
      ++above;
    }
    for (size_t j = above;
         j < i && runs[j].row == runs[i].row - 1 && runs[j].begin < runs[i].end;
         ++j) {
      const size_t a = find(i);
      const size_t b = find(j);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<std::vector<Run>> runs_of_root(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    runs_of_root[find(i)].push_back(runs[i]);
  }
  std::vector<Mask> parts;
  for (std::vector<Run>& part : runs_of_root) {
    if (!part.empty()) parts.push_back(Mask::FromRuns(std::move(part)));
  }
  return parts;
}

// Steps along cracks; the next higher one is a turn to the left.
enum Step { kDown = 0, kRight = 1, kUp = 2, kLeft = 3 };

// Follows the cracks of one part.
class CrackFollower {
 public:
  explicit CrackFollower(const Mask& part)
      : origin_(part.Bounds().tl() - cv::Point(1, 1)) {
    // A rim of one pixel saves all checks for the image's edge.
    inside_ = cv::Mat_<uint8_t>::zeros(part.Bounds().height + 2,
                                       part.Bounds().width + 2);
    part.Paint(inside_, 1, origin_);
    followed_ = cv::Mat_<uint8_t>::zeros(inside_.size());
  }

  // All rings; several visits of one corner are not yet taken apart.
  std::vector<CrackRing> Rings() {
    std::vector<CrackRing> rings;
    for (int y = 1; y + 1 < inside_.rows; ++y) {
      for (int x = 1; x + 1 < inside_.cols; ++x) {
        // Every ring goes down somewhere.
        if (HasCrack({x, y}, kDown) && followed_(y, x) == 0) {
          rings.push_back(Follow({x, y}));
        }
      }
    }
    return rings;
  }

 private:
  // Is there a crack from this corner that has the part on its left?
  bool HasCrack(cv::Point corner, int step) const {
    const int x = corner.x;
    const int y = corner.y;
    switch (step) {
      case kDown:
        return inside_(y, x) != 0 && inside_(y, x - 1) == 0;
      case kRight:
        return inside_(y - 1, x) != 0 && inside_(y, x) == 0;
      case kUp:
        return inside_(y - 1, x - 1) != 0 && inside_(y - 1, x) == 0;
      default:
        return inside_(y, x - 1) != 0 && inside_(y - 1, x - 1) == 0;
    }
  }

  CrackRing Follow(cv::Point start) {
    const cv::Point moves[] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    CrackRing ring;
    cv::Point corner = start;
    int step = kDown;
    do {
      ring.push_back(corner + origin_);
      if (step == kDown) followed_(corner) = 1;
      corner += moves[step];
      // Left first: where two pixels meet in a corner only, stay with the
      // pixel we come along.
      for (const int turn : {1, 0, 3}) {
        if (HasCrack(corner, (step + turn) % 4)) {
          step = (step + turn) % 4;
          break;
        }
      }
    } while (corner != start || step != kDown);
    return ring;
  }

  cv::Point origin_;
  cv::Mat_<uint8_t> inside_;
  cv::Mat_<uint8_t> followed_;  // steps down that a ring has taken
};

// Cuts a ring that comes to a corner twice into rings that do not.
std::vector<CrackRing> SplitAtRepeats(const CrackRing& ring) {
  const auto key = [](cv::Point corner) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(corner.y)) << 32) |
           static_cast<uint32_t>(corner.x);
  };
  std::vector<CrackRing> simple;
  CrackRing path;
  std::unordered_map<uint64_t, size_t> position;
  for (const cv::Point& corner : ring) {
    const auto seen = position.find(key(corner));
    if (seen != position.end()) {
      const auto begin = path.begin() + static_cast<ptrdiff_t>(seen->second);
      for (auto it = begin + 1; it != path.end(); ++it) {
        position.erase(key(*it));
      }
      simple.emplace_back(begin, path.end());
      path.erase(begin + 1, path.end());
      continue;
    }
    position[key(corner)] = path.size();
    path.push_back(corner);
  }
  simple.push_back(std::move(path));
  return simple;
}

// Sign of the area that the ring encloses; see SignedArea.
bool IsShell(const CrackRing& ring) {
  int64_t twice = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const cv::Point& a = ring[i];
    const cv::Point& b = ring[(i + 1) % ring.size()];
    twice += int64_t{a.x} * b.y - int64_t{b.x} * a.y;
  }
  return twice < 0;
}

}  // namespace

std::vector<CrackPart> CrackBoundary(const Mask& mask) {
  std::vector<CrackPart> parts;
  for (Mask& part_mask : SplitIntoParts(mask)) {
    CrackPart part;
    for (const CrackRing& ring : CrackFollower(part_mask).Rings()) {
      for (CrackRing& simple : SplitAtRepeats(ring)) {
        if (!IsShell(simple)) {
          part.holes.push_back(std::move(simple));
          continue;
        }
        MAPWEAVE_CHECK(part.shell.empty());
        part.shell = std::move(simple);
      }
    }
    part.mask = std::move(part_mask);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace mapweave::tracking
