// SPDX-License-Identifier: MIT
//
// Tiles with known factors for tests of experiments: squares on paper, without
// towns. The factors are those of map tiles.
#pragma once

#include "core/random.h"
#include "models/ssl/tile_supply.h"

#include <opencv2/imgproc.hpp>

#include <vector>

namespace mapweave::testing {

class DrawnTiles : public ssl::TileSupply {
 public:
  std::vector<Factor> Factors() const override {
    return {{"hand", 3},
            {"density", 4},
            {"scale", 4},
            {"year", 4},
            {"hatch_angle", 0}};
  }

  // hand: colour of the ink; density: how many squares; scale: their size;
  // year: shade of the paper; hatch_angle: by how much they are turned.
  ssl::FactorTile Draw(const ssl::TileRequest& request,
                       int64_t index) const override {
    Rng rng = Rng(request.seed, static_cast<uint64_t>(index));
    const int64_t hand = rng.Int(0, 2);
    const int64_t density = rng.Int(0, 3);
    const int64_t scale = rng.Int(0, 3);
    const int64_t year = rng.Int(0, 3);
    const double degrees = rng.Uniform(0.0, 90.0);
    const int side = request.side_px;
    ssl::FactorTile tile;
    tile.rgb = cv::Mat(side, side, CV_8UC3,
                       cv::Scalar::all(255.0 - 25.0 * double(year)));
    cv::Scalar ink = cv::Scalar::all(0);
    ink[static_cast<int>(hand)] = 160;
    for (int64_t i = 0; i <= density; ++i) {
      const cv::RotatedRect square(
          cv::Point2f(float(rng.Uniform(0, side)), float(rng.Uniform(0, side))),
          cv::Size2f(float(3 + 3 * scale), float(3 + 3 * scale)),
          float(degrees));
      cv::Point2f corners[4];
      square.points(corners);
      std::vector<cv::Point> ring(corners, corners + 4);
      cv::fillConvexPoly(tile.rgb, ring, ink);
    }
    tile.factors = {{"hand", double(hand)},
                    {"density", double(density)},
                    {"scale", double(scale)},
                    {"year", double(year)},
                    {"hatch_angle", degrees}};
    return tile;
  }
};

}  // namespace mapweave::testing
