// SPDX-License-Identifier: MIT
#include "models/vis/trainer.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/progress.h"
#include "models/vis/batch_loader.h"
#include "models/vis/checkpoint.h"
#include "models/vis/segmenter.h"
#include "tests/models/rectangle_clips.h"
#include "tests/support/temp_dir.h"
#include "tracking/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace mapweave::vis {
namespace {

using ::testing::HasSubstr;
using testing::RectangleClips;
using testing::TempDir;
using tracking::ClipSource;
using tracking::LabelledClip;

// Cancels when clip `index` is asked for.
class CancellingClips : public ClipSource {
 public:
  CancellingClips(const ClipSource& clips, uint64_t index, CancelToken& token)
      : clips_(clips), index_(index), token_(token) {}
  LabelledClip Get(uint64_t index) const override {
    if (index == index_) token_.Cancel();
    return clips_.Get(index);
  }

 private:
  const ClipSource& clips_;
  uint64_t index_;
  CancelToken& token_;
};

class TrainerTest : public ::testing::Test {
 protected:
  TrainOptions Options(int64_t steps) {
    TrainOptions options;
    options.steps = steps;
    options.frames_per_step = 6;
    options.warmup_steps = 2;
    options.output = (dir_.Path() / "model.safetensors").string();
    options.curves_csv = (dir_.Path() / "curves.csv").string();
    options.validation_clips = 2;
    return options;
  }
  TrainResult Run(const ClipSource& train, const ClipSource* validation,
                  const TrainOptions& options) {
    Progress progress;
    RunContext context{progress, cancel_};
    return Train(train, validation, options, context);
  }
  // Step, learning rate and losses of every row: what does not depend on time.
  static std::vector<std::string> Curve(const std::string& path) {
    std::istringstream stream(ReadFile(path));
    std::vector<std::string> rows;
    std::string line;
    std::getline(stream, line);
    while (std::getline(stream, line)) {
      const size_t seconds = line.find(',');
      const size_t rate = line.find(',', seconds + 1);
      const size_t speed = line.rfind(',', line.rfind(',') - 1);
      rows.push_back(line.substr(0, seconds) + line.substr(rate, speed - rate));
    }
    return rows;
  }

  static std::vector<double> Losses(const std::string& path) {
    std::vector<double> losses;
    for (const std::string& row : Curve(path)) {
      const size_t loss = row.find(',', row.find(',') + 1) + 1;
      losses.push_back(std::stod(row.substr(loss)));
    }
    return losses;
  }

  TempDir dir_;
  CancelToken cancel_;
};

TEST_F(TrainerTest, LearnsTwoClipsByHeart) {
  const RectangleClips source(2);
  TrainOptions options = Options(120);
  options.min_editions = 3;
  options.max_editions = 3;
  options.learning_rate = 3e-3;
  options.warmup_steps = 10;
  options.ema_decay = 0.9;
  options.validate_every = 0;
  options.augment = {.rotate = false,
                     .flip = false,
                     .reverse_time = false,
                     .permute_colours = false,
                     .gain = 0.0,
                     .offset = 0.0,
                     .noise = 0.0,
                     .blur = 0.0};

  const TrainResult result = Run(source, &source, options);

  EXPECT_EQ(result.steps, 120);
  ASSERT_TRUE(result.validated);
  EXPECT_GT(result.validation.detection_f1, 0.95);
  EXPECT_GT(result.validation.link_f1, 0.9);
  EXPECT_LT(result.loss, 1.5);

  // The saved checkpoint finds the buildings too.
  const auto segmenter = LoadSegmenter(options.output);
  const LabelledClip labelled = source.Get(1);
  const tracking::Measures measures = tracking::Evaluate(
      segmenter->Segment(labelled.clip).tracks,
      tracking::TracksFromLabels(labelled.labels), tracking::MeasureOptions{});
  EXPECT_GT(measures.link_f1, 0.9);
  EXPECT_GT(measures.track_f1, 0.9);

  // Thresholds can be chosen anew without a change of the weights.
  const auto weights = nn::ReadSafetensors(options.output).tensors;
  const ValidationScores again = Calibrate(options.output, source, 2, "cpu");
  EXPECT_EQ(again.detection_f1, result.validation.detection_f1);
  for (const auto& [name, tensor] :
       nn::ReadSafetensors(options.output).tensors) {
    EXPECT_TRUE(torch::equal(tensor, weights.at(name))) << name;
  }

  // Nothing on uncovered paper, whatever the image shows.
  tracking::Clip uncovered = labelled.clip;
  for (cv::Mat& coverage : uncovered.coverage) {
    coverage = cv::Mat::zeros(coverage.size(), CV_8UC1);
  }
  EXPECT_TRUE(segmenter->Segment(uncovered).tracks.empty());
  uncovered.coverage[0](cv::Rect(0, 0, 32, 64)) = 1;
  for (const tracking::Track& track : segmenter->Segment(uncovered).tracks) {
    EXPECT_TRUE(track.masks[1].IsEmpty());
    EXPECT_LE(track.masks[0].Bounds().br().x, 32);
  }
}

TEST_F(TrainerTest, AResumedRunGivesTheCurveOfAnUninterruptedOne) {
  const RectangleClips source;
  const TrainOptions whole = Options(8);
  Run(source, nullptr, whole);
  const std::vector<std::string> expected = Curve(whole.curves_csv);
  ASSERT_EQ(expected.size(), 8u);
  const std::string weights = ReadFile(whole.output + ".state");

  TrainOptions parts = Options(8);
  parts.output = (dir_.Path() / "parts.safetensors").string();
  parts.curves_csv = (dir_.Path() / "parts.csv").string();
  parts.loader_threads = 2;
  try {
    Run(CancellingClips(source, 12, cancel_), nullptr, parts);
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kInterrupted);
  }
  const size_t before = Curve(parts.curves_csv).size();
  EXPECT_LT(before, 8u);
  parts.resume = true;
  Progress progress;
  const CancelToken fresh;
  RunContext context{progress, fresh};
  Train(source, nullptr, parts, context);

  EXPECT_EQ(Curve(parts.curves_csv), expected);
  const auto tensors = [](const std::string& path) {
    return nn::ReadSafetensors(path).tensors;
  };
  const auto a = tensors(whole.output);
  const auto b = tensors(parts.output);
  for (const auto& [name, tensor] : a) {
    EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  }
}

TEST_F(TrainerTest, RefusesToResumeWithAnotherRecipe) {
  const RectangleClips source;
  TrainOptions options = Options(1);
  Run(source, nullptr, options);
  options.resume = true;
  options.learning_rate = 5e-4;

  try {
    Run(source, nullptr, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_THAT(error.Message(), HasSubstr("learning_rate"));
  }
}

TEST_F(TrainerTest, StopsOnDivergenceAndKeepsTheLastCheckpoint) {
  const RectangleClips source;
  TrainOptions options = Options(1);
  Run(source, nullptr, options);
  const Checkpoint damaged = LoadCheckpoint(options.output);
  {
    const torch::NoGradGuard no_grad;
    damaged.network->Module().named_parameters()["head_out.bias"].fill_(3e38f);
  }
  options.init_checkpoint = (dir_.Path() / "damaged.safetensors").string();
  SaveCheckpoint(options.init_checkpoint, damaged);
  const std::string before = ReadFile(options.output);

  try {
    Run(source, nullptr, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kFailure);
    EXPECT_THAT(error.Message(), HasSubstr("diverged at step 0"));
  }
  EXPECT_EQ(ReadFile(options.output), before);
}

TEST_F(TrainerTest, StopsOnALossThatHasLeftWhatWasLearned) {
  const RectangleClips source(4);
  TrainOptions options = Options(2000);
  // Rises until every step throws the weights about more than the one before:
  // once rate times decay is above 2, decay overshoots zero and they grow.
  options.learning_rate = 1.0;
  options.weight_decay = 10.0;
  options.warmup_steps = 100;
  options.frames_per_step = 3;
  options.validate_every = 0;
  options.checkpoint_every = 5;
  options.divergence.window = 10;
  options.divergence.patience = 10;

  try {
    Run(source, nullptr, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kFailure);
    EXPECT_THAT(error.Message(), HasSubstr("training diverged at step"));
    EXPECT_THAT(error.Message(), HasSubstr("at its best it was"));
    EXPECT_FALSE(error.Hint().empty());
  }

  // The checkpoint is of before: where it was written, losses were good.
  const Checkpoint kept = LoadCheckpoint(options.output);
  const auto saved = kept.training["steps"].get<size_t>();
  const std::vector<double> losses = Losses(options.curves_csv);
  ASSERT_GT(saved, 0u);
  ASSERT_LT(saved + 10, losses.size());
  std::vector<double> before(
      losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(saved));
  const double worst = *std::max_element(
      before.end() - std::min<std::ptrdiff_t>(5, before.size()), before.end());
  EXPECT_LT(worst, 3.0 * losses[0]);
  EXPECT_LT(kept.training["loss"].get<double>(), 1.5 * losses[0]);
}

// As another source, with a pause before each clip and a group for each.
class SlowClips : public ClipSource {
 public:
  explicit SlowClips(int milliseconds) : milliseconds_(milliseconds) {}
  LabelledClip Get(uint64_t index) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds_));
    LabelledClip labelled = RectangleClips(8, 2, 32).Get(index);
    labelled.groups = {index % 3 == 0 ? "rare" : "common", "common"};
    return labelled;
  }

 private:
  int milliseconds_;
};

TEST_F(TrainerTest, TellsHowLongTheNetworkWaitsForClips) {
  TrainOptions options = Options(15);
  options.max_editions = 2;
  options.frames_per_step = 2;
  const TrainResult fast = Run(SlowClips(0), nullptr, options);
  // Clips that take three times as long as a step does on this machine.
  const double step_ms = 1000.0 * fast.seconds / 15.0;
  options.steps = 60;
  ::testing::internal::CaptureStderr();
  const TrainResult slow =
      Run(SlowClips(static_cast<int>(3.0 * step_ms) + 20), nullptr, options);
  const std::string log = ::testing::internal::GetCapturedStderr();

  EXPECT_GT(slow.waiting_share, 0.2);
  EXPECT_LT(slow.waiting_share, 1.0);
  EXPECT_LT(fast.waiting_share, 0.5 * slow.waiting_share);
  const std::string warning = "raise --loader-threads, now 1";
  ASSERT_THAT(log, HasSubstr(warning));
  // Once is enough.
  EXPECT_EQ(log.find(warning), log.rfind(warning));
  std::istringstream curves(ReadFile(options.curves_csv));
  std::string header;
  std::getline(curves, header);
  EXPECT_THAT(header, ::testing::EndsWith(",waiting_share"));
}

TEST_F(TrainerTest, KeepsLossesApartByGroup) {
  TrainOptions options = Options(4);
  options.max_editions = 2;
  options.validate_every = 2;
  const TrainResult whole = Run(SlowClips(0), nullptr, options);

  // Three clips a step, twelve in all.
  ASSERT_TRUE(whole.groups.Find("rare"));
  EXPECT_EQ(whole.groups.Find("rare")->count, 4);
  EXPECT_EQ(whole.groups.Find("common")->count, 12);
  EXPECT_GT(whole.groups.Find("common")->loss, 0.1);
  const std::string path = (dir_.Path() / "curves.groups.csv").string();
  const std::string table = ReadFile(path);
  EXPECT_THAT(table, ::testing::StartsWith("step,group,loss,clips\n2,common,"));
  EXPECT_THAT(table, HasSubstr("\n4,rare,"));
  EXPECT_THAT(table, HasSubstr("\n4,(micro),"));
  EXPECT_THAT(table, HasSubstr("\n4,(macro),"));

  // A resumed run goes on with what it had.
  options.resume = true;
  options.steps = 6;
  const TrainResult more = Run(SlowClips(0), nullptr, options);
  EXPECT_EQ(more.groups.Find("rare")->count, 6);
  EXPECT_THAT(ReadFile(path), HasSubstr("\n2,rare,"));
}

TEST_F(TrainerTest, GoesOnFromAnotherCheckpoint) {
  const RectangleClips source;
  TrainOptions options = Options(20);
  const TrainResult first = Run(source, nullptr, options);
  options.init_checkpoint = options.output;
  options.output = (dir_.Path() / "second.safetensors").string();
  options.steps = 2;
  options.learning_rate = 1e-5;

  const TrainResult second = Run(source, nullptr, options);

  const std::vector<std::string> curve = Curve(options.curves_csv);
  EXPECT_EQ(curve.size(), 2u);
  EXPECT_LT(second.loss, first.loss);
}

TEST_F(TrainerTest, TrainsQueriesOnADenseTrunkLikeAnyOtherNetwork) {
  const RectangleClips source(4, 2, 48);
  TrainOptions dense = Options(1);
  Run(source, nullptr, dense);
  TrainOptions options = Options(2);
  options.preset = "query-small";
  options.trunk = dense.output;
  options.freeze_trunk = true;
  options.queries = 12;
  options.frames_per_step = 2;
  options.output = (dir_.Path() / "query.safetensors").string();

  Run(source, &source, options);

  const CheckpointInfo info = InspectCheckpoint(options.output);
  EXPECT_EQ(info.family, "query");
  EXPECT_EQ(info.preset, "query-small");
  EXPECT_EQ(info.config["config"]["queries"], 12);
  const auto trunk = nn::ReadSafetensors(dense.output).tensors;
  const auto whole = nn::ReadSafetensors(options.output).tensors;
  for (const auto& [name, tensor] : trunk) {
    EXPECT_TRUE(torch::equal(tensor, whole.at("pixels.trunk." + name))) << name;
  }
  const tracking::Clip clip = source.Get(0).clip;
  const auto segmenter = LoadSegmenter(options.output);
  EXPECT_EQ(segmenter->Segment(clip).tracks.size(),
            segmenter->Clone()->Segment(clip).tracks.size());
  EXPECT_EQ(Curve(options.curves_csv).size(), 2u);

  options.resume = true;
  options.freeze_trunk = false;
  try {
    Run(source, nullptr, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_THAT(error.Message(), HasSubstr("freeze_trunk"));
  }
}

TEST_F(TrainerTest, PassesOnWhatTheClipSourceThrows) {
  class Broken : public ClipSource {
   public:
    LabelledClip Get(uint64_t index) const override {
      LabelledClip labelled = RectangleClips().Get(index);
      if (index == 3) labelled.labels.pop_back();
      return labelled;
    }
  };

  try {
    Run(Broken(), nullptr, Options(50));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  }
}

TEST_F(TrainerTest, NamesTheOptionThatIsOutOfRange) {
  const RectangleClips source;
  TrainOptions options = Options(5);
  options.learning_rate = -1.0;
  try {
    Run(source, nullptr, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_THAT(error.Message(), HasSubstr("learning_rate"));
  }
  options = Options(0);
  EXPECT_THROW(Run(source, nullptr, options), Error);
  options = Options(5);
  options.preset = "enormous";
  EXPECT_THROW(Run(source, nullptr, options), Error);
}

TEST_F(TrainerTest, TheFirstStepsDoNotDependOnTheNumberOfLoadingThreads) {
  const RectangleClips source;
  TrainOptions options = Options(3);
  Run(source, nullptr, options);
  const std::vector<std::string> expected = Curve(options.curves_csv);
  options.loader_threads = 3;

  Run(source, nullptr, options);

  EXPECT_EQ(Curve(options.curves_csv), expected);
}

TEST(Augment, MovesImagesAndLabelsTogether) {
  // The frame repeats the labels, so that they must still agree afterwards.
  AugmentOptions options;
  options.permute_colours = false;
  options.gain = options.offset = options.noise = options.blur = 0.0;
  for (uint64_t i = 0; i < 16; ++i) {
    LabelledClip labelled = RectangleClips(1000, 2, 48).Get(i);
    for (size_t t = 0; t < 2; ++t) {
      for (int row = 0; row < 48; ++row) {
        for (int col = 0; col < 48; ++col) {
          const int label = labelled.labels[t].at<int32_t>(row, col);
          labelled.clip.frames[t].at<cv::Vec3b>(row, col) =
              cv::Vec3b::all(static_cast<uint8_t>(10 * label));
          labelled.clip.coverage[t].at<uint8_t>(row, col) = label != 0;
        }
      }
    }
    Rng rng(1, i);

    Augment(labelled, options, rng);

    for (size_t t = 0; t < 2; ++t) {
      for (int row = 0; row < 48; ++row) {
        for (int col = 0; col < 48; ++col) {
          const int label = labelled.labels[t].at<int32_t>(row, col);
          ASSERT_EQ(labelled.clip.frames[t].at<cv::Vec3b>(row, col)[1],
                    10 * label);
          ASSERT_EQ(labelled.clip.coverage[t].at<uint8_t>(row, col),
                    label != 0);
        }
      }
    }
  }
}

TEST(MakeBatch, AsksNothingWhereNobodyHasLabelled) {
  LabelledClip labelled = RectangleClips(1000, 2, 32).Get(0);
  labelled.labels[1](cv::Rect(0, 0, 16, 32)) = -1;
  labelled.clip.coverage[1].row(31) = 0;

  const Batch batch = MakeBatch({labelled}, TargetKind::kDense);

  const auto at = [&](size_t edition, size_t row, size_t col) {
    return edition * 32 * 32 + row * 32 + col;
  };
  const auto& flags = batch.dense->flags;
  EXPECT_TRUE(flags[at(0, 5, 5)] & kValidFlag);
  EXPECT_EQ(flags[at(1, 5, 5)], 0);
  EXPECT_TRUE(flags[at(1, 5, 16)] & kValidFlag);
  EXPECT_EQ(flags[at(1, 31, 16)], 0);
  EXPECT_EQ(batch.labels[at(1, 5, 5)], 0);
  // The network is shown the paper all the same.
  EXPECT_EQ(batch.pixels[4 * at(1, 5, 5) + 3], 1);
  EXPECT_EQ(batch.pixels[4 * at(1, 31, 16) + 3], 0);
}

}  // namespace
}  // namespace mapweave::vis
