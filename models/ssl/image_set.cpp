// SPDX-License-Identifier: MIT
#include "models/ssl/image_set.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

// Any image of a source, to be copied before the next one is asked for.
class OneByOne : public ImageSource {
 public:
  OneByOne(const TileSupply& supply, const TileRequest& request, int64_t count,
           Bag& factors)
      : supply_(supply), request_(request), count_(count), factors_(factors) {}
  int64_t Size() const override { return count_; }
  ImageSample Get(int64_t index) const override {
    const FactorTile tile = supply_.Draw(request_, index);
    for (auto& [name, values] : factors_) {
      values[index] =
          static_cast<int64_t>(std::llround(tile.factors.at(name)));
    }
    return {tile.rgb, -1};
  }

 private:
  const TileSupply& supply_;
  TileRequest request_;
  int64_t count_;
  Bag& factors_;
};

}  // namespace

Dataset ReadImages(const ImageSource& source) {
  const int64_t count = source.Size();
  Dataset data;
  data.label = torch::full({count}, -1, torch::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const ImageSample sample = source.Get(i);
    const cv::Mat rgb =
        sample.rgb.isContinuous() ? sample.rgb : sample.rgb.clone();
    if (i == 0) {
      data.images = torch::empty({count, 3, rgb.rows, rgb.cols}, torch::kUInt8);
    }
    if (rgb.type() != CV_8UC3 || rgb.rows != data.images.size(2) ||
        rgb.cols != data.images.size(3)) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("image {} is no colour image of the first one's "
                              "size",
                              i),
                  "cut all images to one size");
    }
    // Copied before the pixels go.
    data.images[i].copy_(
        torch::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, torch::kUInt8)
            .permute({2, 0, 1}));
    data.label[i] = sample.label;
  }
  if (count == 0) throw Error(ErrorCode::kBadInput, "there are no images");
  return data;
}

Dataset ReadTiles(const TileSupply& supply, const TileRequest& request,
                  int64_t count) {
  Bag factors;
  for (const TileSupply::Factor& factor : supply.Factors()) {
    if (factor.values > 0) {
      factors[factor.name] = torch::zeros({count}, torch::kLong);
    }
  }
  Dataset data = ReadImages(OneByOne(supply, request, count, factors));
  data.metadata = factors;
  return data;
}

}  // namespace mapweave::ssl
