// SPDX-License-Identifier: MIT
#include "tracking/coco_rle.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr int kBitsPerCharacter = 5;
constexpr int64_t kValueBits = 0x1f;
constexpr int64_t kSignBit = 0x10;
constexpr int64_t kMoreBit = 0x20;
constexpr char kFirstCharacter = '0';

// COCO looks at a polygon's outline on pixels a fifth as wide.
constexpr double kOutlineScale = 5.0;

[[noreturn]] void ThrowBadMask(const std::string& fault) {
  throw Error(ErrorCode::kBadInput, fault,
              "The file does not hold masks as COCO writes them.");
}

// Rows between two neighbouring columns at which the mask begins or ends,
// given the same of either column: what is in one list only.
std::vector<int32_t> Changes(const std::vector<int32_t>& a,
                             const std::vector<int32_t>& b) {
  std::vector<int32_t> changes;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(),
                                std::back_inserter(changes));
  return changes;
}

// Rows become columns. Takes time and memory by the length of the outline and
// the longest run, not by the area.
Mask Transposed(const Mask& mask) {
  const cv::Rect box = mask.Bounds();
  const std::vector<Run>& runs = mask.Runs();
  // Where the run that is open at a column began; -1 = none is.
  std::vector<int32_t> opened(static_cast<size_t>(box.width), -1);
  std::vector<Run> result;
  std::vector<int32_t> before;
  size_t next = 0;
  for (int32_t row = box.y; row <= box.y + box.height; ++row) {
    std::vector<int32_t> edges;
    for (; next < runs.size() && runs[next].row == row; ++next) {
      edges.push_back(runs[next].begin);
      edges.push_back(runs[next].end);
    }
    const std::vector<int32_t> changes = Changes(before, edges);
    for (size_t i = 0; i + 1 < changes.size(); i += 2) {
      for (int32_t col = changes[i]; col < changes[i + 1]; ++col) {
        int32_t& begin = opened[static_cast<size_t>(col - box.x)];
        if (begin < 0) {
          begin = row;
        } else {
          result.push_back({col, begin, row});
          begin = -1;
        }
      }
    }
    before = std::move(edges);
  }
  return Mask::FromRuns(std::move(result));
}

void CheckSize(cv::Size size) {
  if (size.width < 1 || size.height < 1 || size.width > kMaxFrameSide ||
      size.height > kMaxFrameSide) {
    ThrowBadMask(fmt::format("a frame of {} x {} pixels (1 to {} a side)",
                             size.width, size.height, kMaxFrameSide));
  }
}

struct Pixel {
  int64_t x = 0;
  int64_t y = 0;
};

// Appends the pixels of the segment from `a` to `b`, both included: one per
// step along the longer axis, always computed from its lower end.
void AppendSegment(Pixel a, Pixel b, std::vector<Pixel>& outline) {
  const int64_t dx = std::abs(b.x - a.x);
  const int64_t dy = std::abs(b.y - a.y);
  const bool flat = dx >= dy;
  const bool backwards = flat ? a.x > b.x : a.y > b.y;
  if (backwards) std::swap(a, b);
  const int64_t length = std::max(dx, dy);
  const double slope = length == 0
                           ? 0.0
                           : static_cast<double>(flat ? b.y - a.y : b.x - a.x) /
                                 static_cast<double>(length);
  for (int64_t step = 0; step <= length; ++step) {
    const int64_t along = backwards ? length - step : step;
    const double across = static_cast<double>(flat ? a.y : a.x) +
                          slope * static_cast<double>(along) + 0.5;
    const auto rounded = static_cast<int64_t>(across);
    outline.push_back(flat ? Pixel{a.x + along, rounded}
                           : Pixel{rounded, a.y + along});
  }
}

// The outline on the fine pixels, closed.
std::vector<Pixel> FineOutline(std::span<const double> coordinates) {
  std::vector<Pixel> vertices;
  for (size_t i = 0; i + 1 < coordinates.size(); i += 2) {
    const double x = coordinates[i];
    const double y = coordinates[i + 1];
    if (!(std::abs(x) <= 2.0 * kMaxFrameSide &&
          std::abs(y) <= 2.0 * kMaxFrameSide)) {
      ThrowBadMask(fmt::format("a polygon's vertex at ({}, {})", x, y));
    }
    vertices.push_back({static_cast<int64_t>(kOutlineScale * x + 0.5),
                        static_cast<int64_t>(kOutlineScale * y + 0.5)});
  }
  std::vector<Pixel> outline;
  for (size_t i = 0; i < vertices.size(); ++i) {
    AppendSegment(vertices[i], vertices[(i + 1) % vertices.size()], outline);
  }
  return outline;
}

}  // namespace

std::vector<uint32_t> RleCounts(const Mask& mask, cv::Size size) {
  CheckSize(size);
  const Mask columns =
      Transposed(mask.Clipped({0, 0, size.width, size.height}));
  std::vector<uint32_t> counts;
  int64_t position = 0;
  int64_t mask_length = 0;
  for (const Run& run : columns.Runs()) {
    const int64_t begin = int64_t{run.row} * size.height + run.begin;
    const int64_t length = int64_t{run.end} - run.begin;
    if (mask_length > 0 && begin == position) {
      // Goes on from the foot of the column before.
      mask_length += length;
    } else {
      if (mask_length > 0) counts.push_back(static_cast<uint32_t>(mask_length));
      counts.push_back(static_cast<uint32_t>(begin - position));
      mask_length = length;
    }
    position = begin + length;
  }
  if (mask_length > 0) counts.push_back(static_cast<uint32_t>(mask_length));
  const int64_t rest = int64_t{size.width} * size.height - position;
  if (rest > 0) counts.push_back(static_cast<uint32_t>(rest));
  return counts;
}

Mask MaskFromRleCounts(std::span<const uint32_t> counts, cv::Size size) {
  CheckSize(size);
  const int64_t area = int64_t{size.width} * size.height;
  std::vector<Run> columns;
  int64_t position = 0;
  bool inside = false;
  for (const uint32_t count : counts) {
    const int64_t end = position + int64_t{count};
    if (end > area) break;
    while (inside && position < end) {
      const int64_t column = position / size.height;
      const int64_t foot = std::min(end, (column + 1) * size.height);
      columns.push_back({static_cast<int32_t>(column),
                         static_cast<int32_t>(position - column * size.height),
                         static_cast<int32_t>(foot - column * size.height)});
      position = foot;
    }
    position = end;
    inside = !inside;
  }
  int64_t sum = 0;
  for (const uint32_t count : counts) sum += int64_t{count};
  if (sum != area) {
    ThrowBadMask(
        fmt::format("run lengths that add up to {}, for a frame of {} x {} "
                    "pixels",
                    sum, size.width, size.height));
  }
  return Transposed(Mask::FromRuns(std::move(columns)));
}

std::string PackRleCounts(std::span<const uint32_t> counts) {
  std::string packed;
  for (size_t i = 0; i < counts.size(); ++i) {
    int64_t value = counts[i];
    if (i > 2) value -= int64_t{counts[i - 2]};
    bool more = true;
    while (more) {
      int64_t group = value & kValueBits;
      value >>= kBitsPerCharacter;
      more = (group & kSignBit) != 0 ? value != -1 : value != 0;
      if (more) group |= kMoreBit;
      packed.push_back(static_cast<char>(kFirstCharacter + group));
    }
  }
  return packed;
}

std::vector<uint32_t> UnpackRleCounts(const std::string& packed) {
  std::vector<uint32_t> counts;
  for (size_t at = 0; at < packed.size();) {
    int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      if (at == packed.size()) ThrowBadMask("a \"counts\" text ends too early");
      const int64_t group = packed[at] - kFirstCharacter;
      if (group < 0 || group > (kMoreBit | kValueBits) ||
          shift > 7 * kBitsPerCharacter) {
        ThrowBadMask(fmt::format(
            "a \"counts\" text that is no run lengths at character {}", at));
      }
      ++at;
      value |= (group & kValueBits) << shift;
      shift += kBitsPerCharacter;
      more = (group & kMoreBit) != 0;
      if (!more && (group & kSignBit) != 0) value -= int64_t{1} << shift;
    }
    const size_t i = counts.size();
    if (i > 2) value += int64_t{counts[i - 2]};
    if (value < 0 || value > int64_t{kMaxFrameSide} * kMaxFrameSide) {
      ThrowBadMask(fmt::format("a \"counts\" text with a run of {}", value));
    }
    counts.push_back(static_cast<uint32_t>(value));
  }
  return counts;
}

Mask MaskFromCocoPolygon(std::span<const double> coordinates, cv::Size size) {
  CheckSize(size);
  if (coordinates.size() < 6 || coordinates.size() % 2 != 0) {
    ThrowBadMask(
        fmt::format("a polygon of {} numbers (x, y of three or more vertices)",
                    coordinates.size()));
  }
  const std::vector<Pixel> outline = FineOutline(coordinates);
  // Along a column's centre the inside is between the first and the second
  // crossing, the third and the fourth ...
  std::vector<std::pair<int32_t, int32_t>> crossings;  // column, row
  const double height = size.height;
  for (size_t i = 1; i < outline.size(); ++i) {
    const Pixel& a = outline[i - 1];
    const Pixel& b = outline[i];
    if (a.x == b.x) continue;
    const double column =
        (static_cast<double>(std::min(a.x, b.x)) + 0.5) / kOutlineScale - 0.5;
    if (column != std::floor(column) || column < 0.0 ||
        column > size.width - 1) {
      continue;
    }
    const double row =
        (static_cast<double>(std::min(a.y, b.y)) + 0.5) / kOutlineScale - 0.5;
    crossings.emplace_back(
        static_cast<int32_t>(column),
        static_cast<int32_t>(std::ceil(std::clamp(row, 0.0, height))));
  }
  std::sort(crossings.begin(), crossings.end());
  std::vector<Run> columns;
  for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
    columns.push_back(
        {crossings[i].first, crossings[i].second, crossings[i + 1].second});
  }
  return Transposed(Mask::FromRuns(std::move(columns)));
}

}  // namespace mapweave::tracking
