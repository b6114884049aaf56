// SPDX-License-Identifier: MIT
#include "geo/collar.h"

#include "core/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace mapweave::geo {
namespace {

using Colour = std::array<int, 3>;
using Bits = std::vector<uint8_t>;  // one per pixel, row-major

struct Size {
  int width;
  int height;
  size_t Area() const {
    return static_cast<size_t>(width) * static_cast<size_t>(height);
  }
};

// A background colour and which pixels count as being of it.
struct Background {
  Colour colour;
  int tolerance;    // largest difference in a channel
  bool is_filling;  // of a warped raster, not something that was scanned
  bool is_painted;  // around the sheet in one shade, which scans never have
};

int Difference(const Colour& a, const uint8_t* pixel) {
  int largest = 0;
  for (size_t c = 0; c < 3; ++c) {
    largest = std::max(largest, std::abs(a[c] - static_cast<int>(pixel[c])));
  }
  return largest;
}

void ForNeighbours(const Size& size, size_t index,
                   const std::function<void(size_t)>& visit) {
  const size_t width = static_cast<size_t>(size.width);
  const size_t col = index % width;
  if (col > 0) visit(index - 1);
  if (col + 1 < width) visit(index + 1);
  if (index >= width) visit(index - width);
  if (index + width < size.Area()) visit(index + width);
}

// Valid pixels at the raster's border or beside a pixel without data: where
// background begins if there is any.
std::vector<size_t> Frontier(const Size& size, const Bits& valid) {
  std::vector<size_t> frontier;
  const size_t width = static_cast<size_t>(size.width);
  for (size_t i = 0; i < valid.size(); ++i) {
    if (!valid[i]) continue;
    const size_t col = i % width;
    const size_t row = i / width;
    bool outer = col == 0 || row == 0 || col + 1 == width ||
                 row + 1 == static_cast<size_t>(size.height);
    ForNeighbours(size, i, [&](size_t n) { outer = outer || !valid[n]; });
    if (outer) frontier.push_back(i);
  }
  return frontier;
}

// The commonest colour of the chosen pixels, to a bin of 16 levels, and how
// many of them fall into that bin.
struct Mode {
  Colour colour{};
  size_t count = 0;
};

template <typename Include>
Mode CommonestColour(const ImageU8& rgb, size_t pixels, Include&& include) {
  constexpr size_t kBins = 16;
  std::vector<size_t> counts(kBins * kBins * kBins);
  std::vector<std::array<size_t, 3>> sums(counts.size());
  for (size_t i = 0; i < pixels; ++i) {
    const std::optional<size_t> index = include(i);
    if (!index) continue;
    const uint8_t* p = &rgb.data[*index * 3];
    const size_t bin =
        (p[0] / kBins * kBins + p[1] / kBins) * kBins + p[2] / kBins;
    ++counts[bin];
    for (size_t c = 0; c < 3; ++c) sums[bin][c] += p[c];
  }
  const auto best = std::max_element(counts.begin(), counts.end());
  Mode mode;
  mode.count = *best;
  if (mode.count == 0) return mode;
  const auto& sum = sums[static_cast<size_t>(best - counts.begin())];
  for (size_t c = 0; c < 3; ++c) {
    mode.colour[c] = static_cast<int>(sum[c] / mode.count);
  }
  return mode;
}

// True if most of the frontier has one colour to within a level.
bool IsOneShade(const ImageU8& rgb, const std::vector<size_t>& frontier,
                const Colour& colour) {
  constexpr double kMost = 0.9;
  const auto same = std::count_if(
      frontier.begin(), frontier.end(),
      [&](size_t i) { return Difference(colour, &rgb.data[i * 3]) <= 1; });
  return static_cast<double>(same) >=
         kMost * static_cast<double>(frontier.size());
}

// White and black as fillings of warped rasters, and the commonest colour of
// the frontier as the scanner's bed or as a border that was painted on.
std::vector<Background> Candidates(const ImageU8& rgb,
                                   const std::vector<size_t>& frontier) {
  std::vector<Background> candidates{{{255, 255, 255}, 10, true, false},
                                     {{0, 0, 0}, 16, true, false}};
  const Mode bed = CommonestColour(rgb, frontier.size(), [&frontier](size_t i) {
    return std::optional<size_t>(frontier[i]);
  });
  constexpr double kShareOfFrontier = 0.3;
  constexpr int kBedTolerance = 12;
  constexpr int kPaintTolerance = 2;
  const bool common = static_cast<double>(bed.count) >=
                      kShareOfFrontier * static_cast<double>(frontier.size());
  const uint8_t bed_pixel[] = {static_cast<uint8_t>(bed.colour[0]),
                               static_cast<uint8_t>(bed.colour[1]),
                               static_cast<uint8_t>(bed.colour[2])};
  const bool known = std::any_of(
      candidates.begin(), candidates.end(), [&bed_pixel](const Background& b) {
        return Difference(b.colour, bed_pixel) <= b.tolerance;
      });
  if (!common || known) return candidates;
  const bool is_painted = IsOneShade(rgb, frontier, bed.colour);
  candidates.push_back({bed.colour,
                        is_painted ? kPaintTolerance : kBedTolerance, false,
                        is_painted});
  return candidates;
}

// What is reached from `seeds` over pixels that `allowed` holds.
Bits Flood(const Size& size, const std::vector<size_t>& seeds,
           const Bits& allowed) {
  Bits reached(size.Area(), 0);
  std::vector<size_t> stack;
  const auto visit = [&](size_t i) {
    if (!allowed[i] || reached[i]) return;
    reached[i] = 1;
    stack.push_back(i);
  };
  for (const size_t seed : seeds) visit(seed);
  while (!stack.empty()) {
    const size_t i = stack.back();
    stack.pop_back();
    ForNeighbours(size, i, visit);
  }
  return reached;
}

// Square erosion by `radius`; what lies outside the image counts as set.
Bits Eroded(const Size& size, const Bits& bits, int radius) {
  const auto pass = [radius](const Bits& in, Bits& out, size_t start,
                             size_t stride, int length) {
    // Distance since the last unset pixel, looking `radius` ahead.
    int next_free = 0;
    for (int i = 0; i < std::min(radius, length); ++i) {
      if (!in[start + static_cast<size_t>(i) * stride])
        next_free = i + radius + 1;
    }
    for (int i = 0; i < length; ++i) {
      const int ahead = i + radius;
      if (ahead < length && !in[start + static_cast<size_t>(ahead) * stride]) {
        next_free = ahead + radius + 1;
      }
      out[start + static_cast<size_t>(i) * stride] = i >= next_free ? 1 : 0;
    }
  };
  Bits rows(bits.size());
  Bits result(bits.size());
  const size_t width = static_cast<size_t>(size.width);
  for (size_t row = 0; row < static_cast<size_t>(size.height); ++row) {
    pass(bits, rows, row * width, 1, size.width);
  }
  for (size_t col = 0; col < width; ++col) {
    pass(rows, result, col, width, size.height);
  }
  return result;
}

Bits Inverted(Bits bits) {
  for (uint8_t& bit : bits) bit = bit ? 0 : 1;
  return bits;
}

// Dilation is erosion of the complement, with nothing set outside.
Bits Dilated(const Size& size, const Bits& bits, int radius) {
  return Inverted(Eroded(size, Inverted(bits), radius));
}

size_t Count(const Bits& bits) {
  return static_cast<size_t>(std::count(bits.begin(), bits.end(), 1));
}

// The connected parts of `bits`, each as the positions of its pixels.
std::vector<std::vector<size_t>> PartsOf(const Size& size, Bits bits) {
  std::vector<std::vector<size_t>> parts;
  for (size_t i = 0; i < bits.size(); ++i) {
    if (!bits[i]) continue;
    bits[i] = 0;
    std::vector<size_t> part{i};
    for (size_t next = 0; next < part.size(); ++next) {
      ForNeighbours(size, part[next], [&](size_t n) {
        if (!bits[n]) return;
        bits[n] = 0;
        part.push_back(n);
      });
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

size_t LargestPart(const Size& size, const Bits& bits) {
  size_t largest = 0;
  for (const auto& part : PartsOf(size, bits)) {
    largest = std::max(largest, part.size());
  }
  return largest;
}

// Compression leaves specks in a plain background, each of which would cost
// its surroundings in the opening.
void FillSpecks(const Size& size, Bits& bits) {
  constexpr size_t kSpeck = 16;
  for (const auto& part : PartsOf(size, Inverted(bits))) {
    if (part.size() > kSpeck) continue;
    for (const size_t i : part) bits[i] = 1;
  }
}

// The background of one colour, or nothing if it looks like part of the map.
Bits CollarOf(const Size& size, const ImageU8& rgb, const Bits& valid,
              const std::vector<size_t>& frontier,
              const Background& background) {
  const Bits none(size.Area(), 0);
  Bits allowed(size.Area(), 0);
  for (size_t i = 0; i < allowed.size(); ++i) {
    // Areas without data join the background on their sides.
    allowed[i] = !valid[i] || Difference(background.colour, &rgb.data[i * 3]) <=
                                  background.tolerance;
  }
  Bits collar = Flood(size, frontier, allowed);
  FillSpecks(size, collar);
  // Wider than any street: about 1/80 of the sheet, both sides together.
  const int radius = std::max(2, std::max(size.width, size.height) / 160);
  collar = Dilated(size, Eroded(size, collar, radius), radius);
  collar = Flood(size, frontier, collar);
  if (Count(collar) == 0) return none;

  Bits rest(size.Area(), 0);
  for (size_t i = 0; i < rest.size(); ++i) rest[i] = valid[i] && !collar[i];
  const size_t rest_area = Count(rest);
  const Mode paper = CommonestColour(rgb, rest.size(), [&rest](size_t i) {
    return rest[i] ? std::optional<size_t>(i) : std::nullopt;
  });
  // Background and nothing else: the filling of an empty tile, or else a plain
  // sheet.
  if (paper.count == 0) return background.is_filling ? collar : none;
  const uint8_t paper_pixel[] = {static_cast<uint8_t>(paper.colour[0]),
                                 static_cast<uint8_t>(paper.colour[1]),
                                 static_cast<uint8_t>(paper.colour[2])};
  constexpr int kContrast = 16;
  constexpr double kOneSheet = 0.9;
  if (background.is_painted) {
    // Paper of one shade, as maps are drawn with by programs, is all over.
    constexpr double kStray = 0.01;
    size_t same = 0;
    for (size_t i = 0; i < rest.size(); ++i) same += rest[i] && allowed[i];
    if (static_cast<double>(same) > kStray * static_cast<double>(rest_area)) {
      return none;
    }
  } else if (Difference(background.colour, paper_pixel) < kContrast) {
    return none;
  }
  if (static_cast<double>(LargestPart(size, rest)) <
      kOneSheet * static_cast<double>(rest_area)) {
    return none;
  }
  return collar;
}

}  // namespace

ImageU8 FindPaper(const ImageU8& rgb, const ImageU8& valid) {
  MAPWEAVE_CHECK(rgb.channels == 3 && valid.channels == 1);
  MAPWEAVE_CHECK(rgb.width == valid.width && rgb.height == valid.height);
  const Size size{rgb.width, rgb.height};
  ImageU8 paper = valid;
  const std::vector<size_t> frontier = Frontier(size, valid.data);
  if (frontier.empty()) return paper;
  for (const Background& background : Candidates(rgb, frontier)) {
    const Bits collar = CollarOf(size, rgb, valid.data, frontier, background);
    for (size_t i = 0; i < collar.size(); ++i) {
      if (collar[i]) paper.data[i] = 0;
    }
  }
  return paper;
}

}  // namespace mapweave::geo
