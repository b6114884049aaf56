// SPDX-License-Identifier: MIT
#include "models/ssl/affine_regions.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::ssl {
namespace {

// Corners this close to a line lie on it, relative to the line's slope times
// the domain: cutting there would only make slivers.
constexpr double kOnLine = 1e-12;

// An affine function of the plane: a x + b y + c.
struct PlaneFunction {
  double a = 0.0;
  double b = 0.0;
  double c = 0.0;
  double operator()(Point2d p) const { return a * p.x + b * p.y + c; }
};

// A polygon with the affine functions that the layers so far are on it.
struct Cell {
  Ring polygon;
  std::vector<PlaneFunction> values;
};

std::vector<PlaneFunction> Apply(const AffineLayer& layer,
                                 const std::vector<PlaneFunction>& in) {
  std::vector<PlaneFunction> out(static_cast<size_t>(layer.outputs));
  const double* weight = layer.weight.data();
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].c = layer.bias[i];
    for (const PlaneFunction& f : in) {
      out[i].a += *weight * f.a;
      out[i].b += *weight * f.b;
      out[i].c += *weight * f.c;
      ++weight;
    }
  }
  return out;
}

struct Halves {
  Ring positive;
  Ring negative;
};

// Cuts a convex polygon along f = 0; a half may be empty.
Halves Cut(const Ring& polygon, const PlaneFunction& f, double reach) {
  const double tolerance =
      kOnLine * ((std::abs(f.a) + std::abs(f.b)) * reach + std::abs(f.c));
  std::vector<double> value(polygon.size());
  bool has_positive = false;
  bool has_negative = false;
  for (size_t i = 0; i < polygon.size(); ++i) {
    value[i] = f(polygon[i]);
    if (std::abs(value[i]) <= tolerance) value[i] = 0.0;
    has_positive = has_positive || value[i] > 0.0;
    has_negative = has_negative || value[i] < 0.0;
  }
  if (!has_negative) return {polygon, {}};
  if (!has_positive) return {{}, polygon};
  Halves halves;
  for (size_t i = 0; i < polygon.size(); ++i) {
    const size_t j = (i + 1) % polygon.size();
    const Point2d p = polygon[i];
    if (value[i] >= 0.0) halves.positive.push_back(p);
    if (value[i] <= 0.0) halves.negative.push_back(p);
    if (value[i] * value[j] < 0.0) {
      const double t = value[i] / (value[i] - value[j]);
      const Point2d q = polygon[j];
      const Point2d cut{p.x + t * (q.x - p.x), p.y + t * (q.y - p.y)};
      halves.positive.push_back(cut);
      halves.negative.push_back(cut);
    }
  }
  return halves;
}

// All cells that the lines of `functions` cut a polygon into.
std::vector<Ring> CutAll(const Ring& polygon,
                         const std::vector<PlaneFunction>& functions,
                         double reach) {
  std::vector<Ring> cells = {polygon};
  for (const PlaneFunction& f : functions) {
    std::vector<Ring> next;
    next.reserve(cells.size() + 8);
    for (const Ring& cell : cells) {
      Halves halves = Cut(cell, f, reach);
      if (halves.positive.size() >= 3) {
        next.push_back(std::move(halves.positive));
      }
      if (halves.negative.size() >= 3) {
        next.push_back(std::move(halves.negative));
      }
    }
    cells = std::move(next);
  }
  return cells;
}

void CheckNet(const PiecewiseAffineNet& net, const PlaneRectangle& domain) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::kBadInput, "affine regions: " + what);
  };
  if (!(domain.min_x < domain.max_x && domain.min_y < domain.max_y)) {
    fail("the rectangle is empty");
  }
  if (!(net.negative_slope >= 0.0 && net.negative_slope < 1.0)) {
    fail("the negative slope must be in [0, 1)");
  }
  if (net.layers.empty()) fail("the network has no layer");
  int inputs = 2;
  const auto finite = [](double x) { return std::isfinite(x); };
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const AffineLayer& layer = net.layers[i];
    const auto outputs = static_cast<size_t>(std::max(layer.outputs, 0));
    if (layer.inputs != inputs || outputs == 0 ||
        layer.weight.size() != outputs * static_cast<size_t>(inputs) ||
        layer.bias.size() != outputs) {
      fail(fmt::format("layer {} does not take {} inputs", i, inputs));
    }
    if (!std::ranges::all_of(layer.weight, finite) ||
        !std::ranges::all_of(layer.bias, finite)) {
      fail(fmt::format("layer {} holds values that are no numbers", i));
    }
    inputs = layer.outputs;
  }
}

}  // namespace

std::vector<double> PiecewiseAffineNet::Evaluate(Point2d x) const {
  std::vector<double> values = {x.x, x.y};
  for (size_t i = 0; i < layers.size(); ++i) {
    const AffineLayer& layer = layers[i];
    std::vector<double> next = layer.bias;
    for (size_t o = 0; o < next.size(); ++o) {
      for (size_t k = 0; k < values.size(); ++k) {
        next[o] += layer.weight[o * values.size() + k] * values[k];
      }
      if (i + 1 < layers.size() && next[o] < 0.0) next[o] *= negative_slope;
    }
    values = std::move(next);
  }
  return values;
}

std::vector<bool> PiecewiseAffineNet::Pattern(Point2d x) const {
  std::vector<bool> pattern;
  std::vector<double> values = {x.x, x.y};
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    const AffineLayer& layer = layers[i];
    std::vector<double> next = layer.bias;
    for (size_t o = 0; o < next.size(); ++o) {
      for (size_t k = 0; k < values.size(); ++k) {
        next[o] += layer.weight[o * values.size() + k] * values[k];
      }
      pattern.push_back(next[o] > 0.0);
      if (next[o] < 0.0) next[o] *= negative_slope;
    }
    values = std::move(next);
  }
  return pattern;
}

std::vector<AffineRegion> AffineRegions(const PiecewiseAffineNet& net,
                                        const PlaneRectangle& domain) {
  CheckNet(net, domain);
  const double reach =
      std::max({std::abs(domain.min_x), std::abs(domain.min_y),
                std::abs(domain.max_x), std::abs(domain.max_y)});
  std::vector<Cell> cells = {{{{domain.min_x, domain.min_y},
                               {domain.max_x, domain.min_y},
                               {domain.max_x, domain.max_y},
                               {domain.min_x, domain.max_y}},
                              {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}}};
  for (size_t i = 0; i + 1 < net.layers.size(); ++i) {
    std::vector<Cell> next;
    for (const Cell& cell : cells) {
      const std::vector<PlaneFunction> before =
          Apply(net.layers[i], cell.values);
      for (Ring& polygon : CutAll(cell.polygon, before, reach)) {
        // The sign is constant inside, where the middle of the corners is.
        const Point2d middle = PolygonMiddle(polygon);
        std::vector<PlaneFunction> after = before;
        for (PlaneFunction& f : after) {
          if (f(middle) >= 0.0) continue;
          f.a *= net.negative_slope;
          f.b *= net.negative_slope;
          f.c *= net.negative_slope;
        }
        next.push_back({std::move(polygon), std::move(after)});
      }
    }
    cells = std::move(next);
  }
  std::vector<AffineRegion> regions;
  regions.reserve(cells.size());
  for (Cell& cell : cells) {
    AffineRegion region;
    for (const PlaneFunction& f : Apply(net.layers.back(), cell.values)) {
      region.slope.push_back(f.a);
      region.slope.push_back(f.b);
      region.offset.push_back(f.c);
    }
    region.polygon = std::move(cell.polygon);
    regions.push_back(std::move(region));
  }
  return regions;
}

double PolygonArea(const Ring& polygon) {
  double twice = 0.0;
  for (size_t i = 0; i < polygon.size(); ++i) {
    const Point2d& p = polygon[i];
    const Point2d& q = polygon[(i + 1) % polygon.size()];
    twice += p.x * q.y - q.x * p.y;
  }
  return std::abs(twice) / 2.0;
}

Point2d PolygonMiddle(const Ring& polygon) {
  Point2d sum{0.0, 0.0};
  for (const Point2d& p : polygon) {
    sum.x += p.x;
    sum.y += p.y;
  }
  const auto n = static_cast<double>(polygon.size());
  return {sum.x / n, sum.y / n};
}

std::string RegionsSvg(const std::vector<AffineRegion>& regions,
                       const PlaneRectangle& domain, int side_px) {
  const double width = domain.max_x - domain.min_x;
  const double height = domain.max_y - domain.min_y;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
      "height=\"{0}\">\n",
      side_px);
  for (const AffineRegion& region : regions) {
    // Hue by the direction of the first output's slope, darker where steep.
    const double angle = std::atan2(region.slope[1], region.slope[0]);
    const double steep = std::hypot(region.slope[0], region.slope[1]);
    svg += fmt::format(
        "<polygon fill=\"hsl({:.0f},60%,{:.0f}%)\" stroke=\"#333\" "
        "stroke-width=\"0.4\" points=\"",
        angle * 180.0 / 3.141592653589793 + 180.0,
        90.0 - 50.0 * steep / (1.0 + steep));
    for (const Point2d& p : region.polygon) {
      svg +=
          fmt::format("{:.2f},{:.2f} ", (p.x - domain.min_x) / width * side_px,
                      (domain.max_y - p.y) / height * side_px);
    }
    svg += "\"/>\n";
  }
  return svg + "</svg>\n";
}

}  // namespace mapweave::ssl
