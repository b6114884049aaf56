// SPDX-License-Identifier: MIT
#include "tracking/bit_image.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mapweave::tracking {
namespace {

constexpr int kWordBits = 64;
// A shift one pixel farther from the middle must correlate this much better.
constexpr double kReluctance = 0.004;
constexpr int kCoarseStep = 2;

// The lowest `count` bits, for count >= 1.
uint64_t LowBits(int count) {
  return count >= kWordBits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

double Phi(const BitImage& a, const BitImage& b, cv::Rect box, cv::Point shift,
           int64_t drawn) {
  const BitImage::Overlap overlap = a.OverlapWith(b, box, shift);
  const double n = static_cast<double>(box.area());
  const double na = static_cast<double>(drawn);
  const double nb = static_cast<double>(overlap.other);
  const double spread = na * (n - na) * nb * (n - nb);
  if (spread <= 0.0) return 0.0;
  return (n * static_cast<double>(overlap.both) - na * nb) / std::sqrt(spread);
}

}  // namespace

BitImage::BitImage(const Mask& mask, cv::Rect frame)
    : frame_(frame),
      words_per_row_((frame.width + kWordBits - 1) / kWordBits),
      words_(static_cast<size_t>(words_per_row_) *
             static_cast<size_t>(frame.height)) {
  for (const Run& run : mask.Runs()) {
    const int row = run.row - frame.y;
    if (row < 0 || row >= frame.height) continue;
    int col = std::max(run.begin - frame.x, 0);
    const int end = std::min(run.end - frame.x, frame.width);
    uint64_t* line =
        &words_[static_cast<size_t>(row) * static_cast<size_t>(words_per_row_)];
    while (col < end) {
      const int bit = col % kWordBits;
      const int count = std::min(end - col, kWordBits - bit);
      line[col / kWordBits] |= LowBits(count) << bit;
      col += count;
    }
  }
}

uint64_t BitImage::Word(int row, int col) const {
  row -= frame_.y;
  col -= frame_.x;
  if (row < 0 || row >= frame_.height || col <= -kWordBits ||
      col >= frame_.width) {
    return 0;
  }
  const uint64_t* line =
      &words_[static_cast<size_t>(row) * static_cast<size_t>(words_per_row_)];
  if (col < 0) return line[0] << -col;
  const int word = col / kWordBits;
  const int bit = col % kWordBits;
  uint64_t value = line[word] >> bit;
  if (bit > 0 && word + 1 < words_per_row_) {
    value |= line[word + 1] << (kWordBits - bit);
  }
  return value;
}

int64_t BitImage::Count(cv::Rect box) const {
  return OverlapWith(*this, box, {0, 0}).other;
}

BitImage::Overlap BitImage::OverlapWith(const BitImage& other, cv::Rect box,
                                        cv::Point shift) const {
  Overlap overlap;
  for (int row = box.y; row < box.br().y; ++row) {
    for (int col = box.x; col < box.br().x; col += kWordBits) {
      const uint64_t theirs =
          other.Word(row + shift.y, col + shift.x) & LowBits(box.br().x - col);
      if (theirs == 0) continue;
      overlap.other += std::popcount(theirs);
      overlap.both += std::popcount(theirs & Word(row, col));
    }
  }
  return overlap;
}

double CorrelationAt(const BitImage& a, const BitImage& b, cv::Rect box,
                     cv::Point shift) {
  return Phi(a, b, box, shift, a.Count(box));
}

BoxShift FindShift(const BitImage& a, const BitImage& b, cv::Rect box,
                   cv::Point middle, int reach) {
  const int64_t drawn = a.Count(box);
  BoxShift best{middle, Phi(a, b, box, middle, drawn)};
  if (drawn == 0) return best;
  double best_value = best.correlation;
  const auto look = [&](int dx, int dy) {
    if (std::max(std::abs(dx), std::abs(dy)) > reach) return;
    const cv::Point shift = middle + cv::Point(dx, dy);
    const double correlation = Phi(a, b, box, shift, drawn);
    const double value = correlation - kReluctance * std::hypot(dx, dy);
    if (value <= best_value) return;
    best_value = value;
    best = {shift, correlation};
  };
  const int coarse = reach - reach % kCoarseStep;
  for (int dy = -coarse; dy <= coarse; dy += kCoarseStep) {
    for (int dx = -coarse; dx <= coarse; dx += kCoarseStep) look(dx, dy);
  }
  const cv::Point around = best.shift - middle;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) look(around.x + dx, around.y + dy);
  }
  return best;
}

}  // namespace mapweave::tracking
