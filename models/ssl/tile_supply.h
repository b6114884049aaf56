// SPDX-License-Identifier: MIT
//
// Tiles of simulated maps whose factors are known, for experiments that ask
// what an encoder has learned of them. Who draws them is the caller's affair:
// no part of models knows of worlds. No Torch here.
#pragma once

#include <opencv2/core.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct FactorTile {
  cv::Mat rgb;  // CV_8UC3, R, G, B
  // Value by the factor's name; all tiles of a supply have the same names.
  std::map<std::string, double> factors;
};

struct TileRequest {
  uint64_t seed = 1;  // sets of different seeds share no town
  int side_px = 64;
};

class TileSupply {
 public:
  virtual ~TileSupply() = default;
  // A factor, and how many values it takes (0, 1, 2 ...); 0 = it is continuous.
  struct Factor {
    std::string name;
    int64_t values = 0;
  };
  virtual std::vector<Factor> Factors() const = 0;
  // A pure function of its arguments; may be called from several threads.
  virtual FactorTile Draw(const TileRequest& request, int64_t index) const = 0;
};

}  // namespace mapweave::ssl
