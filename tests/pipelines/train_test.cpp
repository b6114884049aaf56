// SPDX-License-Identifier: MIT
#include "pipelines/train.h"

#include "core/error.h"
#include "fixture.h"
#include "models/vis/segmenter.h"
#include "pipelines/image_file.h"
#include "pipelines/segment.h"
#include "tests/support/temp_dir.h"
#include "tests/synth/video_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Pretrain : public ::testing::Test {
 protected:
  Pretrain() {
    options_.sheets = {folder_.File("sheet.png")};
    WriteImage(options_.sheets.front(), synth::DrawVideoSheet(),
               Overwrite::kRefuse);
    options_.clips.size_px = 64;
    options_.training.steps = 2;
    options_.training.validation_clips = 2;
    // An untrained network takes long to calibrate.
    options_.training.init_checkpoint = DefaultCheckpoint();
    options_.training.output = folder_.File("mine.safetensors");
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
  VideoTrainOptions options_;
};

TEST_F(Pretrain, WritesACheckpointThatSaysWhatItIsFrom) {
  const TrainReport report = PretrainOnSheets(options_, quiet_.context);
  EXPECT_EQ(report.result.steps, 2);
  EXPECT_TRUE(report.result.validated);
  const vis::CheckpointInfo info = vis::InspectCheckpoint(report.checkpoint);
  const Json& notes = info.config.at("training").at("notes");
  EXPECT_THAT(notes.at("data"), HasSubstr("unlabelled"));
  EXPECT_GT(notes.at("pseudo_instances"), 40);
}

TEST_F(Pretrain, NamesASheetThatCannotBeRead) {
  options_.sheets.push_back(folder_.File("gone.tif"));
  const Error error =
      ErrorOf([&] { PretrainOnSheets(options_, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("gone.tif"));
  EXPECT_FALSE(fs::exists(options_.training.output));
}

TEST_F(Pretrain, RefusesSheetsWithHardlyABuilding) {
  WriteImage(options_.sheets.front(),
             synth::DrawVideoSheet()(cv::Rect(0, 0, 96, 84)),
             Overwrite::kAllow);
  const Error error =
      ErrorOf([&] { PretrainOnSheets(options_, quiet_.context); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("too few"));
  EXPECT_THAT(error.Hint(), HasSubstr("--downsample"));
}

}  // namespace
}  // namespace mapweave::pipelines
