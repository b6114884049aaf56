// SPDX-License-Identifier: MIT
#include "models/nn/transformer.h"

#include "core/error.h"
#include "models/nn/resnet.h"
#include "models/nn/safetensors.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <string>

namespace mapweave::nn {
namespace {

using ::testing::HasSubstr;

constexpr double kPi = std::numbers::pi;

TEST(SineCode, HoldsSinesAndCosinesOfSlowerAndSlowerWaves) {
  const torch::Tensor code = SineCode(torch::tensor({0.0f, 1.5f}), 4);

  ASSERT_EQ(code.sizes(), (std::vector<int64_t>{2, 4}));
  const std::vector<double> expected = {std::sin(1.5), std::cos(1.5),
                                        std::sin(0.015), std::cos(0.015)};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(code[0][i].item<double>(), i % 2 == 0 ? 0.0 : 1.0, 1e-6);
    EXPECT_NEAR(code[1][i].item<double>(), expected[static_cast<size_t>(i)],
                1e-6);
  }
}

TEST(GridCode, RunsToTwoPiAlongYThenXThenEditions) {
  const GridShape shape{2, 4, 2};
  const torch::Tensor grid = GridCode(shape, 8, torch::kFloat);
  const torch::Tensor editions = EditionCode(shape, 8, torch::kFloat);

  ASSERT_EQ(grid.sizes(), (std::vector<int64_t>{16, 8}));
  // Edition 1, row 2, column 0 is token 8 + 2 * 2: y is 3 of 4, x is 1 of 2.
  EXPECT_NEAR(grid[12][0].item<double>(), std::sin(1.5 * kPi), 1e-5);
  EXPECT_NEAR(grid[12][1].item<double>(), std::cos(1.5 * kPi), 1e-5);
  EXPECT_NEAR(grid[12][4].item<double>(), std::sin(kPi), 1e-5);
  EXPECT_NEAR(grid[12][5].item<double>(), std::cos(kPi), 1e-5);
  EXPECT_NEAR(editions[12][1].item<double>(), 1.0, 1e-5);  // t is 2 of 2
  EXPECT_NEAR(editions[7][1].item<double>(), -1.0, 1e-5);  // t is 1 of 2
}

TEST(PixelCode, TurnsByTheSameAngleWhereverTheShiftIsMade) {
  const auto code = [](float x, float y) {
    return PixelCode(torch::tensor({x, y}), 8);
  };
  const auto agreement = [&](float x) {
    return (code(x, 5.0f) * code(x + 7.0f, 5.0f)).sum().item<double>();
  };
  EXPECT_NEAR(agreement(3.0f), agreement(403.0f), 1e-3);
  EXPECT_TRUE(torch::allclose(code(32.0f, 0.0f).slice(0, 4, 6),
                              code(0.0f, 0.0f).slice(0, 4, 6), 1e-4, 1e-4));
}

// Bilinear value of channel `c` of map [C, h, w] at x, y in pixels, centres at
// halves, zero outside.
double Bilinear(const torch::Tensor& map, int64_t c, double x, double y) {
  const auto at = [&](int64_t col, int64_t row) {
    if (col < 0 || row < 0 || col >= map.size(2) || row >= map.size(1)) {
      return 0.0;
    }
    return map[c][row][col].item<double>();
  };
  const double left = std::floor(x - 0.5);
  const double top = std::floor(y - 0.5);
  const double u = x - 0.5 - left;
  const double v = y - 0.5 - top;
  const auto col = static_cast<int64_t>(left);
  const auto row = static_cast<int64_t>(top);
  return (1 - v) * ((1 - u) * at(col, row) + u * at(col + 1, row)) +
         v * ((1 - u) * at(col, row + 1) + u * at(col + 1, row + 1));
}

TEST(DeformableAttention, GivesWhatItsDefinitionSays) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  DeformableAttention attention(DeformableAttentionImpl::Shape{8, 2, 2, 3});
  Rng rng(4);
  InitialiseLinear(*attention, rng);
  auto weights = attention->named_parameters();
  weights["offsets.weight"].uniform_(-0.5, 0.5);
  weights["weights.weight"].uniform_(-1.0, 1.0);
  const std::vector<std::array<int64_t, 2>> sizes = {{2, 3}, {4, 5}};
  const torch::Tensor query = torch::randn({1, 26, 8});
  const torch::Tensor value = torch::randn({1, 26, 8});
  const torch::Tensor places = torch::rand({26, 2});

  const torch::Tensor result = attention(query, value, places, sizes);

  const auto linear = [&](const std::string& name, const torch::Tensor& x) {
    return torch::matmul(x, weights[name + ".weight"].t()) +
           weights[name + ".bias"];
  };
  const torch::Tensor offsets =
      linear("offsets", query[0]).view({26, 2, 2, 3, 2});
  const torch::Tensor shares =
      linear("weights", query[0]).view({26, 2, 6}).softmax(-1);
  const torch::Tensor values = linear("value", value[0]);  // [26, 8]
  torch::Tensor mixed = torch::zeros({26, 8});
  for (int64_t q = 0; q < 26; ++q) {
    for (int64_t head = 0; head < 2; ++head) {
      for (int64_t level = 0; level < 2; ++level) {
        const auto [h, w] = sizes[static_cast<size_t>(level)];
        const torch::Tensor map = values.slice(0, level * 6, level * 6 + h * w)
                                      .t()
                                      .reshape({8, h, w});
        for (int64_t point = 0; point < 3; ++point) {
          const torch::Tensor offset = offsets[q][head][level][point];
          const double x =
              places[q][0].item<double>() * static_cast<double>(w) +
              offset[0].item<double>();
          const double y =
              places[q][1].item<double>() * static_cast<double>(h) +
              offset[1].item<double>();
          const double share =
              shares[q][head][level * 3 + point].item<double>();
          for (int64_t c = head * 4; c < head * 4 + 4; ++c) {
            mixed[q][c] += share * Bilinear(map, c, x, y);
          }
        }
      }
    }
  }
  EXPECT_TRUE(torch::allclose(result[0], linear("out", mixed), 1e-4, 1e-4));
}

TEST(DeformableAttention, LooksOneTwoThreeFourPixelsFarAtFirst) {
  DeformableAttention attention(DeformableAttentionImpl::Shape{8, 4, 1, 4});
  Rng rng(1);
  InitialiseLinear(*attention, rng);

  const torch::Tensor bias =
      attention->named_parameters()["offsets.bias"].view({4, 4, 2});

  for (int64_t point = 0; point < 4; ++point) {
    const float far = static_cast<float>(point + 1);
    EXPECT_TRUE(torch::allclose(
        bias.select(1, point),
        torch::tensor({{far, 0.0f}, {0.0f, far}, {-far, 0.0f}, {0.0f, -far}}),
        1e-5, 1e-5));
  }
}

TEST(Attention, DoesNotSeeWhatIsHidden) {
  torch::manual_seed(1);
  Attention attention(8, 2);
  const torch::Tensor x = torch::randn({1, 3, 8});
  torch::Tensor memory = torch::randn({1, 4, 8});
  torch::Tensor hidden = torch::zeros({1, 3, 4}, torch::kBool);
  hidden.select(2, 2).fill_(true);
  const auto attend = [&] {
    return attention(AttentionImpl::Input{x, x, memory, memory, hidden});
  };
  const torch::Tensor before = attend();

  memory.select(1, 2).fill_(7.0f);
  EXPECT_TRUE(torch::equal(before, attend()));
  memory.select(1, 1).fill_(7.0f);
  EXPECT_FALSE(torch::allclose(before, attend()));
}

TEST(ResNet50, BearsTorchvisionsNamesAndLoadsItsWeights) {
  ResNet50 net(ResNetNorm::kFrozen);
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& item : net->named_parameters()) {
    tensors[item.key()] = torch::full_like(item.value(), 0.01);
  }
  for (const auto& item : net->named_buffers()) {
    tensors[item.key()] = torch::full_like(item.value(), 0.5);
  }
  // A sample of the names in torchvision's state_dict, with shapes.
  const std::map<std::string, std::vector<int64_t>> expected = {
      {"conv1.weight", {64, 3, 7, 7}},
      {"bn1.running_var", {64}},
      {"layer1.0.downsample.0.weight", {256, 64, 1, 1}},
      {"layer1.0.downsample.1.bias", {256}},
      {"layer2.0.conv2.weight", {128, 128, 3, 3}},
      {"layer3.5.bn3.running_mean", {1024}},
      {"layer4.2.conv3.weight", {2048, 512, 1, 1}}};
  for (const auto& [name, sizes] : expected) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).sizes(), sizes) << name;
  }
  // 53 convolutions with four tensors of their norms each.
  EXPECT_EQ(tensors.size(), 53u * 5u);

  const testing::TempDir dir;
  const auto path = dir.Path() / "resnet50.safetensors";
  tensors["fc.weight"] = torch::zeros({10, 2048});
  WriteSafetensors(path, {{}, tensors});
  LoadTorchvisionWeights(path, net);
  EXPECT_EQ(
      net->named_parameters()["layer4.2.conv3.weight"].min().item<float>(),
      0.01f);

  tensors.erase("layer2.0.conv2.weight");
  WriteSafetensors(path, {{}, tensors});
  try {
    LoadTorchvisionWeights(path, net);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kDevice);
    EXPECT_THAT(error.Message(), HasSubstr("layer2.0.conv2.weight"));
  }
}

}  // namespace
}  // namespace mapweave::nn
