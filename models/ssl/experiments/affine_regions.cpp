// SPDX-License-Identifier: MIT
//
// Affine regions against counts that were come by otherwise: the Euler formula
// of a line arrangement for one layer, a dense grid of activation patterns for
// three.
#include "models/ssl/affine_regions.h"

#include "core/random.h"
#include "models/ssl/experiments/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mapweave::ssl {
namespace {

PiecewiseAffineNet RandomNet(const std::vector<int>& widths, double slope,
                             Rng rng) {
  PiecewiseAffineNet net;
  net.negative_slope = slope;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    AffineLayer layer;
    layer.inputs = widths[i];
    layer.outputs = widths[i + 1];
    const double sigma = std::sqrt(2.0 / widths[i]);
    for (int k = 0; k < widths[i] * widths[i + 1]; ++k) {
      layer.weight.push_back(rng.Normal(0.0, sigma));
    }
    for (int k = 0; k < widths[i + 1]; ++k) {
      layer.bias.push_back(rng.Normal(0.0, 0.3));
    }
    net.layers.push_back(std::move(layer));
  }
  return net;
}

// Regions that the first layer's lines cut the square (-1, 1)^2 into: one more
// than the lines that meet it plus their crossings inside it.
int64_t ArrangementCount(const AffineLayer& layer) {
  int64_t count = 1;
  const auto n = static_cast<size_t>(layer.outputs);
  const auto a = [&](size_t i) { return layer.weight[2 * i]; };
  const auto b = [&](size_t i) { return layer.weight[2 * i + 1]; };
  for (size_t i = 0; i < n; ++i) {
    const double reach = std::abs(a(i)) + std::abs(b(i));
    if (std::abs(layer.bias[i]) < reach) ++count;
    for (size_t j = 0; j < i; ++j) {
      const double det = a(i) * b(j) - a(j) * b(i);
      const double x = (b(i) * layer.bias[j] - b(j) * layer.bias[i]) / det;
      const double y = (a(j) * layer.bias[i] - a(i) * layer.bias[j]) / det;
      if (std::abs(x) < 1.0 && std::abs(y) < 1.0) ++count;
    }
  }
  return count;
}

int64_t GridCount(const PiecewiseAffineNet& net, int side) {
  std::set<std::vector<bool>> patterns;
  for (int row = 0; row < side; ++row) {
    for (int col = 0; col < side; ++col) {
      patterns.insert(net.Pattern(
          {(2.0 * col + 1.0) / side - 1.0, (2.0 * row + 1.0) / side - 1.0}));
    }
  }
  return static_cast<int64_t>(patterns.size());
}

struct Faults {
  double area = 0.0;
  double affine = 0.0;
};

Faults Check(const PiecewiseAffineNet& net,
             const std::vector<AffineRegion>& regions) {
  Faults faults;
  double area = 0.0;
  for (const AffineRegion& region : regions) {
    area += PolygonArea(region.polygon);
    const Point2d x = PolygonMiddle(region.polygon);
    const std::vector<double> y = net.Evaluate(x);
    for (size_t i = 0; i < y.size(); ++i) {
      const double affine = region.slope[2 * i] * x.x +
                            region.slope[2 * i + 1] * x.y + region.offset[i];
      faults.affine = std::max(faults.affine, std::abs(affine - y[i]));
    }
  }
  faults.area = std::abs(area - 4.0);
  return faults;
}

}  // namespace

ExperimentReport AffineRegionsExperiment(const ExperimentOptions& options,
                                         RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  const int grid = options.smoke ? 60 : 400;
  ExperimentReport report;
  report.settings = {{"seeds", seeds}, {"grid", grid}};
  report.table.columns = {
      "widths",     "slope",       "seed", "regions", "counted otherwise",
      "area error", "affine error"};
  double area = 0.0;
  double affine = 0.0;
  double one_layer = 0.0;
  double below_grid = 0.0;
  for (int s = 0; s < seeds; ++s) {
    for (const double slope : {0.0, 0.1}) {
      for (const std::vector<int>& widths :
           {std::vector<int>{2, 24, 3}, std::vector<int>{2, 24, 24, 24, 3}}) {
        context.cancel.ThrowIfCancelled();
        const uint64_t seed = options.seed + static_cast<uint64_t>(s);
        const PiecewiseAffineNet net =
            RandomNet(widths, slope, Rng(seed, widths.size()));
        const std::vector<AffineRegion> regions = AffineRegions(net, {});
        const Faults faults = Check(net, regions);
        const bool single = widths.size() == 3;
        const auto found = static_cast<int64_t>(regions.size());
        const int64_t other =
            single ? ArrangementCount(net.layers[0]) : GridCount(net, grid);
        area = std::max(area, faults.area);
        affine = std::max(affine, faults.affine);
        const auto difference = static_cast<double>(other - found);
        if (!single && report.figures.empty()) {
          report.figures.push_back(
              {"regions.svg", RegionsSvg(regions, {}, 600)});
        }
        if (single) one_layer = std::max(one_layer, std::abs(difference));
        if (!single) below_grid = std::max(below_grid, difference);
        report.table.rows.push_back(
            {fmt::format("{}", fmt::join(widths, "-")),
             fmt::format("{}", slope), fmt::format("{}", seed),
             fmt::format("{}", found),
             fmt::format("{}{}", single ? "" : "at least ", other),
             fmt::format("{:.1e}", faults.area),
             fmt::format("{:.1e}", faults.affine)});
      }
    }
  }
  using Sense = Criterion::Sense;
  report.criteria = {
      {"largest error of the area", area, Sense::kAtMost, 1e-9},
      {"largest error of the affine map", affine, Sense::kAtMost, 1e-10},
      {"one layer: difference to the line arrangement", one_layer,
       Sense::kAtMost, 0.0},
      {"three layers: regions that a grid saw and the polygons lack",
       below_grid, Sense::kAtMost, 0.0}};
  report.measures = {{0, "area_error", area}, {0, "affine_error", affine}};
  return report;
}

}  // namespace mapweave::ssl
