// SPDX-License-Identifier: MIT
#include "models/vis/segmenter.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "models/vis/checkpoint.h"
#include "models/vis/dense_network.h"
#include "models/vis/device.h"
#include "tests/models/rectangle_clips.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <string>
#include <thread>

namespace mapweave::vis {
namespace {

using ::testing::HasSubstr;
using testing::RectangleClips;
using testing::TempDir;
using tracking::Clip;

Checkpoint RandomCheckpoint() {
  Checkpoint checkpoint;
  checkpoint.network = MakeNetwork({.preset = "small", .norm = "", .seed = 11});
  checkpoint.network->Module().eval();
  checkpoint.decode = checkpoint.network->CheckDecode({{"min_score", 0.625}});
  checkpoint.training = {{"steps", 3}};
  return checkpoint;
}

bool SameMaps(const DenseMaps& a, const DenseMaps& b) {
  const auto same = [](const std::vector<cv::Mat>& x,
                       const std::vector<cv::Mat>& y) {
    for (size_t t = 0; t < x.size(); ++t) {
      if (x[t].size() != y[t].size() || cv::countNonZero(x[t] != y[t]) > 0) {
        return false;
      }
    }
    return x.size() == y.size();
  };
  return same(a.foreground, b.foreground) && same(a.interior, b.interior) &&
         same(a.offset_x, b.offset_x) && same(a.offset_y, b.offset_y);
}

DenseMaps Maps(const Checkpoint& checkpoint, const Clip& clip,
               const Compute& compute = {}) {
  auto& network = dynamic_cast<DenseNetwork&>(*checkpoint.network);
  return PredictMaps(network.Net(), clip, compute);
}

class CheckpointTest : public ::testing::Test {
 protected:
  // The message of the error that loading the file throws.
  std::string LoadingError() {
    try {
      LoadSegmenter(path_.string());
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDevice);
      EXPECT_THAT(error.Message(), HasSubstr(path_.string()));
      return error.Message();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_.Path() / "model.safetensors";
};

TEST_F(CheckpointTest, ReloadedNetworkGivesIdenticalMaps) {
  const Checkpoint saved = RandomCheckpoint();
  const Clip clip = RectangleClips().Get(0).clip;

  SaveCheckpoint(path_, saved);
  const Checkpoint loaded = LoadCheckpoint(path_);

  EXPECT_TRUE(SameMaps(Maps(saved, clip), Maps(loaded, clip)));
  EXPECT_EQ(loaded.decode, saved.decode);
  EXPECT_EQ(loaded.training, saved.training);
}

TEST_F(CheckpointTest, SaysWhatItHoldsWithoutLoadingIt) {
  const Checkpoint saved = RandomCheckpoint();
  SaveCheckpoint(path_, saved);

  const CheckpointInfo info = InspectCheckpoint(path_.string());

  int64_t parameters = 0;
  for (const auto& parameter : saved.network->Module().parameters()) {
    parameters += parameter.numel();
  }
  EXPECT_EQ(info.family, "dense");
  EXPECT_EQ(info.preset, "small");
  EXPECT_EQ(info.parameters, parameters);
  EXPECT_EQ(info.config["config"]["norm"], "batch");
  EXPECT_EQ(info.config["training"]["steps"], 3);
}

TEST_F(CheckpointTest, RefusesFilesThatAreNoCheckpoint) {
  LoadingError();  // missing
  WriteFileAtomically(path_, "not a checkpoint at all", Overwrite::kAllow);
  EXPECT_THAT(LoadingError(), HasSubstr("is not a safetensors file"));
  nn::WriteSafetensors(path_, {{{"format", "pt"}}, {{"x", torch::ones(3)}}});
  EXPECT_THAT(LoadingError(), HasSubstr("not a checkpoint of this program"));
  EXPECT_THROW(InspectCheckpoint(path_.string()), Error);
}

TEST_F(CheckpointTest, RefusesTensorsThatDoNotFitTheConfiguration) {
  SaveCheckpoint(path_, RandomCheckpoint());
  const nn::Safetensors good = nn::ReadSafetensors(path_);

  nn::Safetensors content = good;
  content.tensors.erase("head_out.bias");
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("no tensor \"head_out.bias\""));

  content = good;
  content.tensors["head_out.bias"] = torch::zeros({17});
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("does not fit"));

  content = good;
  content.tensors["surplus"] = torch::zeros({1});
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("surplus"));

  content = good;
  content.tensors["head_out.bias"] =
      torch::full({16}, std::numeric_limits<float>::quiet_NaN());
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("no numbers"));

  content = good;
  content.metadata["config"] = "{\"widths\": [1]}";
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("widths"));

  content = good;
  content.metadata["decode"] = "{\"min_score\": 7}";
  nn::WriteSafetensors(path_, content);
  EXPECT_THAT(LoadingError(), HasSubstr("min_score"));
}

TEST(PredictMaps, KeepsTheClipsSizeWhateverItIs) {
  const Checkpoint checkpoint = RandomCheckpoint();
  for (const auto& size : {cv::Size(1, 1), cv::Size(37, 50)}) {
    Clip clip;
    clip.frames = {cv::Mat(size, CV_8UC3, cv::Scalar(9, 99, 199))};
    clip.coverage = {cv::Mat::ones(size, CV_8UC1)};

    const DenseMaps maps = Maps(checkpoint, clip);

    ASSERT_EQ(maps.foreground.size(), 1u);
    EXPECT_EQ(maps.foreground[0].size(), size);
    EXPECT_EQ(maps.offset_y[0].size(), size);
  }
}

TEST(PredictMaps, DoesNotDependOnThreads) {
  const Checkpoint checkpoint = RandomCheckpoint();
  const Clip clip = RectangleClips(10, 4, 96).Get(0).clip;
  SetTorchThreads(1);
  const DenseMaps expected = Maps(checkpoint, clip);

  SetTorchThreads(2);
  const DenseMaps with_two = Maps(checkpoint, clip);
  SetTorchThreads(1);
  // Side by side, sharing the weights.
  std::vector<DenseMaps> side_by_side(3);
  std::vector<std::thread> threads;
  for (DenseMaps& maps : side_by_side) {
    threads.emplace_back([&] { maps = Maps(checkpoint, clip); });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(SameMaps(expected, with_two));
  for (const DenseMaps& maps : side_by_side) {
    EXPECT_TRUE(SameMaps(expected, maps));
  }
}

TEST(PredictMaps, RefusesClipsWhoseImagesDoNotFitTogether) {
  const Checkpoint checkpoint = RandomCheckpoint();
  Clip clip = RectangleClips().Get(0).clip;
  clip.coverage.pop_back();
  EXPECT_THROW(Maps(checkpoint, clip), Error);
  EXPECT_THROW(Maps(checkpoint, Clip{}), Error);
}

Clip Transposed(const Clip& clip) {
  Clip turned = clip;
  for (auto* images : {&turned.frames, &turned.coverage}) {
    for (cv::Mat& image : *images) image = cv::Mat(image.t());
  }
  return turned;
}

Clip MirroredInX(const Clip& clip) {
  Clip turned = clip;
  for (auto* images : {&turned.frames, &turned.coverage}) {
    for (cv::Mat& image : *images) {
      cv::Mat flipped;  // the images are shared with `clip`
      cv::flip(image, flipped, 1);
      image = flipped;
    }
  }
  return turned;
}

double FarthestApart(const std::vector<cv::Mat>& a,
                     const std::vector<cv::Mat>& b) {
  double largest = 0.0;
  for (size_t t = 0; t < a.size(); ++t) {
    largest = std::max(largest, cv::norm(a[t], b[t], cv::NORM_INF));
  }
  return largest;
}

TEST(PredictMaps, EightLooksMakeItTheSameWhicheverWayTheMapLies) {
  const Checkpoint checkpoint = RandomCheckpoint();
  const Clip clip = RectangleClips(10, 2, 64).Get(0).clip;
  Compute eight;
  eight.looks = 8;
  const DenseMaps maps = Maps(checkpoint, clip, eight);

  DenseMaps transposed = Maps(checkpoint, Transposed(clip), eight);
  DenseMaps mirrored = Maps(checkpoint, MirroredInX(clip), eight);
  for (size_t t = 0; t < maps.foreground.size(); ++t) {
    for (cv::Mat* map : {&transposed.interior[t], &transposed.offset_x[t],
                         &transposed.offset_y[t]}) {
      *map = cv::Mat(map->t());
    }
    for (cv::Mat* map : {&mirrored.interior[t], &mirrored.offset_x[t]}) {
      cv::flip(map->clone(), *map, 1);
    }
    mirrored.offset_x[t] *= -1.0;
  }

  EXPECT_LT(FarthestApart(maps.interior, transposed.interior), 1e-4);
  EXPECT_LT(FarthestApart(maps.offset_x, transposed.offset_y), 1e-3);
  EXPECT_LT(FarthestApart(maps.offset_y, transposed.offset_x), 1e-3);
  EXPECT_LT(FarthestApart(maps.interior, mirrored.interior), 1e-4);
  EXPECT_LT(FarthestApart(maps.offset_x, mirrored.offset_x), 1e-3);
  // One look does care.
  const DenseMaps once = Maps(checkpoint, clip);
  DenseMaps turned = Maps(checkpoint, Transposed(clip));
  for (cv::Mat& map : turned.interior) map = cv::Mat(map.t());
  EXPECT_GT(FarthestApart(once.interior, turned.interior), 1e-3);
}

TEST(PredictMaps, ZoomAddsWhatTheMagnifiedMapSays) {
  const Checkpoint checkpoint = RandomCheckpoint();
  const Clip clip = RectangleClips(10, 2, 48).Get(0).clip;
  Clip magnified = clip;
  for (cv::Mat& frame : magnified.frames) {
    cv::Mat smooth;
    frame.convertTo(smooth, CV_32F);
    cv::resize(smooth, smooth, {}, 2.0, 2.0, cv::INTER_LINEAR);
    smooth.convertTo(frame, CV_8U);
  }
  for (cv::Mat& coverage : magnified.coverage) {
    cv::resize(coverage, coverage, {}, 2.0, 2.0, cv::INTER_NEAREST);
  }
  Compute twice;
  twice.zoom = 2.0;

  const DenseMaps maps = Maps(checkpoint, clip, twice);

  const DenseMaps near = Maps(checkpoint, clip);
  const DenseMaps large = Maps(checkpoint, magnified);
  for (size_t t = 0; t < maps.interior.size(); ++t) {
    cv::Mat interior;
    cv::Mat offset;
    cv::resize(large.interior[t], interior, {}, 0.5, 0.5, cv::INTER_LINEAR);
    cv::resize(large.offset_x[t], offset, {}, 0.5, 0.5, cv::INTER_LINEAR);
    interior = 0.5 * (interior + near.interior[t]);
    offset = 0.5 * (0.5 * offset + near.offset_x[t]);
    EXPECT_LT(cv::norm(maps.interior[t], interior, cv::NORM_INF), 1e-3);
    EXPECT_LT(cv::norm(maps.offset_x[t], offset, cv::NORM_INF), 1e-2);
    EXPECT_GT(cv::norm(maps.interior[t], near.interior[t], cv::NORM_INF), 1e-2);
  }
}

TEST_F(CheckpointTest, ZoomLiesBetweenOneAndThree) {
  SaveCheckpoint(path_, RandomCheckpoint());
  for (const double zoom : {0.5, 3.5, std::nan("")}) {
    EXPECT_THROW(LoadSegmenter(path_.string(), {.zoom = zoom}), Error);
  }
}

TEST_F(CheckpointTest, LooksAreOneTwoFourOrEight) {
  SaveCheckpoint(path_, RandomCheckpoint());
  for (const int looks : {0, 3, 16, -1}) {
    EXPECT_THROW(LoadSegmenter(path_.string(), {.looks = looks}), Error);
  }
  EXPECT_NE(LoadSegmenter(path_.string(), {.looks = 2}), nullptr);
}

TEST(Device, AutoIsAlwaysThere) {
  const std::string device = ResolveDevice("auto");
  EXPECT_EQ(ResolveDevice(device), device);
  EXPECT_EQ(ResolveDevice("cpu"), "cpu");
  EXPECT_FALSE(ListDevices().empty());
}

TEST(Device, RefusesWhatIsNotThere) {
  for (const char* name : {"cuda:99", "tpu", "cuda:x", "cuda:", ""}) {
    try {
      ResolveDevice(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDevice);
    }
  }
}

// 8 bits of mantissa: 0.004 of a value, in every layer.
TEST(PredictMaps, HardlyDependsOnThePrecision) {
  if (ResolvePrecision("auto", "cpu") != "bf16") {
    GTEST_SKIP() << "no bfloat16 arithmetic";
  }
  const Checkpoint checkpoint =
      LoadCheckpoint(MAPWEAVE_WEIGHTS_DIR "/small.safetensors");
  const Clip clip = RectangleClips(10, 4, 96).Get(0).clip;
  const DenseMaps exact = Maps(checkpoint, clip);
  const DenseMaps maps = Maps(checkpoint, clip, ToCompute("cpu", "bf16"));
  for (size_t t = 0; t < maps.foreground.size(); ++t) {
    for (const auto& [a, b] :
         {std::pair{maps.foreground[t], exact.foreground[t]},
          std::pair{maps.interior[t], exact.interior[t]}}) {
      const double pixels = static_cast<double>(a.total());
      EXPECT_LT(cv::norm(a, b, cv::NORM_L1) / pixels, 5e-3);
      // Which side of a threshold they lie on.
      EXPECT_LT(cv::countNonZero((a > 0.5) != (b > 0.5)) / pixels, 5e-3);
    }
  }
}

TEST(Device, RefusesAPrecisionThatIsNone) {
  EXPECT_EQ(ResolvePrecision("fp32", "cpu"), "fp32");
  EXPECT_THROW(ResolvePrecision("fp16", "cpu"), Error);
  EXPECT_THROW(ResolvePrecision("", "cpu"), Error);
}

TEST(PredictMaps, GivesOnTheGpuWhatItGivesOnTheCpu) {
  if (!torch::cuda::is_available()) {
    GTEST_SKIP() << "no CUDA device";
  }
  Checkpoint checkpoint = RandomCheckpoint();
  const Clip clip = RectangleClips().Get(0).clip;
  const DenseMaps expected = Maps(checkpoint, clip);
  checkpoint.network->Module().to(torch::kCUDA);

  const DenseMaps maps = Maps(checkpoint, clip, {torch::kCUDA});

  for (size_t t = 0; t < maps.foreground.size(); ++t) {
    EXPECT_LT(
        cv::norm(maps.foreground[t], expected.foreground[t], cv::NORM_INF),
        1e-2);
  }
}

}  // namespace
}  // namespace mapweave::vis
