// SPDX-License-Identifier: MIT
#include "tracking/mask.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::tracking {
namespace {

// Where a ring crosses the line through the pixel centres of a row.
struct Crossing {
  int32_t row;
  double x;
  auto operator<=>(const Crossing&) const = default;
};

// Wider than any grid, and bounds still fit 32 bits.
constexpr double kFarthest = 1e9;

// The first pixel whose centre is at or after `x`.
int32_t FirstCentreFrom(double x) {
  return static_cast<int32_t>(std::ceil(x - 0.5));
}

void AddCrossings(const Ring& ring, std::vector<Crossing>& crossings) {
  for (size_t i = 0; i < ring.size(); ++i) {
    Point2d top = ring[i];
    Point2d bottom = ring[(i + 1) % ring.size()];
    if (!(std::abs(top.x) <= kFarthest && std::abs(top.y) <= kFarthest)) {
      throw Error(ErrorCode::kBadInput,
                  "a polygon has a coordinate that is no usable number",
                  "check the geometry and its coordinate reference system");
    }
    // Same arithmetic for an edge in either direction: neighbours who share it
    // get the very same crossings.
    if (std::pair(bottom.y, bottom.x) < std::pair(top.y, top.x)) {
      std::swap(top, bottom);
    }
    const int32_t last = FirstCentreFrom(bottom.y);
    for (int32_t row = FirstCentreFrom(top.y); row < last; ++row) {
      const double share = (row + 0.5 - top.y) / (bottom.y - top.y);
      crossings.push_back({row, top.x + share * (bottom.x - top.x)});
    }
  }
}

// Position of the first run at or below `row`.
size_t FirstRunFrom(const std::vector<Run>& runs, int32_t row) {
  const auto it = std::lower_bound(
      runs.begin(), runs.end(), row,
      [](const Run& run, int32_t wanted) { return run.row < wanted; });
  return static_cast<size_t>(it - runs.begin());
}

// Calls visit(row, begin, end) for each stretch of pixels in both, `a` moved by
// `shift`.
template <typename Visit>
void VisitIntersection(const Mask& a, const Mask& b, cv::Point shift,
                       Visit visit) {
  const cv::Rect common = (a.Bounds() + shift) & b.Bounds();
  if (common.empty()) return;
  const std::vector<Run>& runs_a = a.Runs();
  const std::vector<Run>& runs_b = b.Runs();
  size_t i = FirstRunFrom(runs_a, common.y - shift.y);
  size_t j = FirstRunFrom(runs_b, common.y);
  while (i < runs_a.size() && j < runs_b.size()) {
    const Run run_a = {runs_a[i].row + shift.y, runs_a[i].begin + shift.x,
                       runs_a[i].end + shift.x};
    const Run& run_b = runs_b[j];
    if (run_a.row != run_b.row) {
      run_a.row < run_b.row ? ++i : ++j;
      continue;
    }
    const int32_t begin = std::max(run_a.begin, run_b.begin);
    const int32_t end = std::min(run_a.end, run_b.end);
    if (begin < end) visit(run_a.row, begin, end);
    run_a.end < run_b.end ? ++i : ++j;
  }
}

constexpr char kFormatVersion = 1;

void PutVarint(std::string& bytes, uint64_t value) {
  while (value >= 0x80) {
    bytes.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<char>(value));
}

// Small magnitudes of either sign become small numbers.
uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^
         static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

[[noreturn]] void ThrowDamaged(const char* what) {
  throw Error(ErrorCode::kDatabase,
              std::string("a stored mask is damaged: ") + what,
              "check the file with `mapweave db check` and segment the window "
              "again");
}

class VarintReader {
 public:
  VarintReader(const std::string& bytes, size_t start)
      : bytes_(bytes), position_(start) {}

  size_t Remaining() const { return bytes_.size() - position_; }

  uint64_t Next() {
    // Everything that is stored fits 34 bits: 5 groups of 7.
    uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (Remaining() == 0) ThrowDamaged("it ends too early");
      const uint8_t byte = static_cast<uint8_t>(bytes_[position_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        if (byte == 0 && shift > 0) ThrowDamaged("a number is overlong");
        return value;
      }
    }
    ThrowDamaged("a number is too long");
  }

 private:
  const std::string& bytes_;
  size_t position_;
};

int32_t CheckedCoordinate(int64_t value) {
  if (std::abs(static_cast<double>(value)) > kFarthest) {
    ThrowDamaged("a coordinate is out of range");
  }
  return static_cast<int32_t>(value);
}

}  // namespace

Mask Mask::FromSortedRuns(std::vector<Run> runs) {
  Mask mask;
  mask.runs_ = std::move(runs);
  if (mask.runs_.empty()) return mask;
  int32_t left = mask.runs_.front().begin;
  int32_t right = mask.runs_.front().end;
  for (const Run& run : mask.runs_) {
    left = std::min(left, run.begin);
    right = std::max(right, run.end);
    mask.area_ += int64_t{run.end} - run.begin;
  }
  const int32_t top = mask.runs_.front().row;
  mask.bounds_ = {left, top, right - left, mask.runs_.back().row + 1 - top};
  return mask;
}

Mask Mask::FromRuns(std::vector<Run> runs) {
  std::erase_if(runs, [](const Run& run) { return run.end <= run.begin; });
  std::sort(runs.begin(), runs.end());
  size_t kept = 0;
  for (size_t i = 1; i < runs.size(); ++i) {
    Run& last = runs[kept];
    if (runs[i].row == last.row && runs[i].begin <= last.end) {
      last.end = std::max(last.end, runs[i].end);
    } else {
      runs[++kept] = runs[i];
    }
  }
  if (!runs.empty()) runs.resize(kept + 1);
  return FromSortedRuns(std::move(runs));
}

Mask Mask::FromImage(const cv::Mat& image, cv::Point origin) {
  MAPWEAVE_CHECK(image.empty() || image.type() == CV_8UC1);
  std::vector<Run> runs;
  for (int row = 0; row < image.rows; ++row) {
    const uint8_t* pixels = image.ptr<uint8_t>(row);
    for (int col = 0; col < image.cols;) {
      if (pixels[col] == 0) {
        ++col;
        continue;
      }
      const int begin = col;
      while (col < image.cols && pixels[col] != 0) ++col;
      runs.push_back({row + origin.y, begin + origin.x, col + origin.x});
    }
  }
  return FromSortedRuns(std::move(runs));
}

Mask Mask::FromLabels(const cv::Mat& labels, int32_t label, cv::Rect box) {
  MAPWEAVE_CHECK(labels.empty() || labels.type() == CV_32SC1);
  box &= cv::Rect(0, 0, labels.cols, labels.rows);
  std::vector<Run> runs;
  for (int row = box.y; row < box.y + box.height; ++row) {
    const int32_t* pixels = labels.ptr<int32_t>(row);
    const int right = box.x + box.width;
    for (int col = box.x; col < right;) {
      if (pixels[col] != label) {
        ++col;
        continue;
      }
      const int begin = col;
      while (col < right && pixels[col] == label) ++col;
      runs.push_back({row, begin, col});
    }
  }
  return FromSortedRuns(std::move(runs));
}

Mask Mask::FromPolygons(const MultiPolygon& polygons) {
  std::vector<Crossing> crossings;
  for (const Polygon& polygon : polygons) {
    AddCrossings(polygon.shell, crossings);
    for (const Ring& hole : polygon.holes) AddCrossings(hole, crossings);
  }
  std::sort(crossings.begin(), crossings.end());
  // Rings are closed, so every row has an even number of crossings.
  std::vector<Run> runs;
  for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
    runs.push_back({crossings[i].row, FirstCentreFrom(crossings[i].x),
                    FirstCentreFrom(crossings[i + 1].x)});
  }
  return FromRuns(std::move(runs));
}

bool Mask::Contains(int col, int row) const {
  if (!bounds_.contains({col, row})) return false;
  for (size_t i = FirstRunFrom(runs_, row);
       i < runs_.size() && runs_[i].row == row && runs_[i].begin <= col; ++i) {
    if (col < runs_[i].end) return true;
  }
  return false;
}

Point2d Mask::Centroid() const {
  if (IsEmpty()) return {};
  // Summed from the corner of the bounds, so that a mask far from the origin
  // loses no digits.
  double sum_x = 0.0;
  double sum_y = 0.0;
  for (const Run& run : runs_) {
    const double length = static_cast<double>(run.end) - run.begin;
    const double middle = (run.begin - bounds_.x) + length / 2.0;
    sum_x += length * middle;
    sum_y += length * (run.row - bounds_.y + 0.5);
  }
  const double area = static_cast<double>(area_);
  return {bounds_.x + sum_x / area, bounds_.y + sum_y / area};
}

Mask Mask::Translated(int dx, int dy) const {
  Mask moved = *this;
  for (Run& run : moved.runs_) {
    run = {run.row + dy, run.begin + dx, run.end + dx};
  }
  if (!IsEmpty()) moved.bounds_ += cv::Point(dx, dy);
  return moved;
}

Mask Mask::Clipped(cv::Rect box) const {
  if ((box & bounds_) == bounds_) return *this;
  std::vector<Run> runs;
  for (size_t i = FirstRunFrom(runs_, box.y);
       i < runs_.size() && runs_[i].row < box.y + box.height; ++i) {
    const int32_t begin = std::max(runs_[i].begin, box.x);
    const int32_t end = std::min(runs_[i].end, box.x + box.width);
    if (begin < end) runs.push_back({runs_[i].row, begin, end});
  }
  return FromSortedRuns(std::move(runs));
}

Mask Mask::Union(const Mask& other) const {
  std::vector<Run> runs = runs_;
  runs.insert(runs.end(), other.runs_.begin(), other.runs_.end());
  return FromRuns(std::move(runs));
}

Mask Mask::Intersection(const Mask& other) const {
  std::vector<Run> runs;
  VisitIntersection(*this, other, {},
                    [&](int32_t row, int32_t begin, int32_t end) {
                      runs.push_back({row, begin, end});
                    });
  return FromSortedRuns(std::move(runs));
}

Mask Mask::Difference(const Mask& other) const {
  if ((bounds_ & other.bounds_).empty()) return *this;
  std::vector<Run> runs;
  size_t j = FirstRunFrom(other.runs_, bounds_.y);
  for (Run rest : runs_) {
    while (j < other.runs_.size() && (other.runs_[j].row < rest.row ||
                                      (other.runs_[j].row == rest.row &&
                                       other.runs_[j].end <= rest.begin))) {
      ++j;
    }
    // A run of `other` may reach into the next run, so `j` itself stays.
    for (size_t k = j;
         k < other.runs_.size() && other.runs_[k].row == rest.row &&
         other.runs_[k].begin < rest.end;
         ++k) {
      const Run& cut = other.runs_[k];
      if (rest.begin < cut.begin) {
        runs.push_back({rest.row, rest.begin, cut.begin});
      }
      rest.begin = std::max(rest.begin, cut.end);
    }
    if (rest.begin < rest.end) runs.push_back(rest);
  }
  return FromSortedRuns(std::move(runs));
}

int64_t Mask::IntersectionArea(const Mask& other, cv::Point shift) const {
  int64_t area = 0;
  VisitIntersection(
      *this, other, shift,
      [&](int32_t, int32_t begin, int32_t end) { area += end - begin; });
  return area;
}

void Mask::Paint(cv::Mat& image, int value, cv::Point origin) const {
  MAPWEAVE_CHECK(image.type() == CV_8UC1 || image.type() == CV_32SC1);
  const Mask visible = Clipped(cv::Rect(origin, image.size()));
  for (const Run& run : visible.runs_) {
    const int begin = run.begin - origin.x;
    const int count = run.end - run.begin;
    if (image.type() == CV_8UC1) {
      std::fill_n(image.ptr<uint8_t>(run.row - origin.y) + begin, count,
                  cv::saturate_cast<uint8_t>(value));
    } else {
      std::fill_n(image.ptr<int32_t>(run.row - origin.y) + begin, count, value);
    }
  }
}

std::string Mask::Serialise() const {
  std::string bytes(1, kFormatVersion);
  PutVarint(bytes, runs_.size());
  Run last;
  for (size_t i = 0; i < runs_.size(); ++i) {
    const Run& run = runs_[i];
    const int64_t rows = int64_t{run.row} - last.row;
    PutVarint(bytes, i == 0 ? ZigZag(rows) : static_cast<uint64_t>(rows));
    // Runs of one row leave a gap of at least one pixel; the first run of a
    // row usually begins near where the row above begins.
    if (i > 0 && rows == 0) {
      PutVarint(bytes,
                static_cast<uint64_t>(int64_t{run.begin} - last.end - 1));
    } else {
      PutVarint(bytes, ZigZag(int64_t{run.begin} - last.begin));
    }
    PutVarint(bytes, static_cast<uint64_t>(int64_t{run.end} - run.begin - 1));
    last = run;
  }
  return bytes;
}

Mask Mask::Deserialise(const std::string& bytes) {
  if (bytes.empty()) ThrowDamaged("it is empty");
  if (bytes[0] != kFormatVersion) ThrowDamaged("its version is unknown");
  VarintReader reader(bytes, 1);
  const uint64_t count = reader.Next();
  if (count > reader.Remaining() / 3) ThrowDamaged("it ends too early");
  std::vector<Run> runs;
  runs.reserve(count);
  Run last;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t coded_rows = reader.Next();
    const int64_t rows =
        i == 0 ? UnZigZag(coded_rows) : static_cast<int64_t>(coded_rows);
    const uint64_t coded_begin = reader.Next();
    const int64_t begin =
        i > 0 && rows == 0
            ? int64_t{last.end} + 1 + static_cast<int64_t>(coded_begin)
            : int64_t{last.begin} + UnZigZag(coded_begin);
    const int64_t end = begin + static_cast<int64_t>(reader.Next()) + 1;
    last = {CheckedCoordinate(last.row + rows), CheckedCoordinate(begin),
            CheckedCoordinate(end)};
    runs.push_back(last);
  }
  if (reader.Remaining() != 0) ThrowDamaged("bytes follow its end");
  return FromSortedRuns(std::move(runs));
}

double IoU(const Mask& a, const Mask& b) {
  const int64_t both = a.IntersectionArea(b);
  const int64_t either = a.Area() + b.Area() - both;
  return either == 0 ? 0.0
                     : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace mapweave::tracking
