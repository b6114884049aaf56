// SPDX-License-Identifier: MIT
#include "pipelines/image_inputs.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/random.h"
#include "drawn_series.h"
#include "fixture.h"
#include "pipelines/image_file.h"
#include "pipelines/ssl.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

// Noise, which no border of a scan looks like.
cv::Mat Picture(int width, int height, uint64_t seed) {
  cv::Mat rgb(height, width, CV_8UC3);
  Rng rng(seed);
  for (size_t i = 0; i < rgb.total() * 3; ++i) {
    rgb.data[i] = static_cast<uint8_t>(rng.Int(0, 255));
  }
  return rgb;
}

class ImageInputs : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return (dir_.Path() / name).string();
  }
  std::string Write(const std::string& name, int width, int height) {
    fs::create_directories(fs::path(Path(name)).parent_path());
    WriteImage(Path(name), Picture(width, height, 3), Overwrite::kAllow);
    return Path(name);
  }
  std::vector<synth::MapSheet> Read(const std::vector<std::string>& inputs) {
    return ReadImageInputs(inputs, {}, context_);
  }
  static std::string MessageOf(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      EXPECT_NE(error.Hint(), "");
      return error.Message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  TempDir dir_;
  Progress progress_;
  CancelToken cancel_;
  RunContext context_{progress_, cancel_};
};

TEST_F(ImageInputs, FoldersAndListsOfPlainPictures) {
  const std::string b = Write("pictures/b.png", 70, 50);
  const std::string a = Write("pictures/a.JPG", 64, 64);
  const std::string c = Write("elsewhere/c.tif", 48, 48);
  WriteFileAtomically(Path("pictures/notes.md"), "no picture",
                      Overwrite::kRefuse);
  WriteFileAtomically(Path("list.txt"),
                      "elsewhere/c.tif\n\npictures/b.png \r\n",
                      Overwrite::kRefuse);
  EXPECT_THAT(ImageFiles({Path("pictures")}), ElementsAre(a, b));
  EXPECT_THAT(ImageFiles({a, Path("list.txt")}), ElementsAre(a, c, b));
  const auto sheets = Read({Path("pictures"), c});
  ASSERT_EQ(sheets.size(), 3u);
  EXPECT_EQ(sheets[1].rgb.size(), cv::Size(70, 50));
  EXPECT_EQ(cv::norm(sheets[1].rgb, Picture(70, 50, 3), cv::NORM_INF), 0.0)
      << "red is red";
}

TEST_F(ImageInputs, WhatIsNoneIsSaidByName) {
  fs::create_directories(Path("empty"));
  EXPECT_THAT(MessageOf([&] { Read({Path("empty")}); }),
              HasSubstr("empty' holds no images"));
  WriteFileAtomically(Path("empty.txt"), "\n", Overwrite::kRefuse);
  EXPECT_THAT(MessageOf([&] { Read({Path("empty.txt")}); }),
              HasSubstr("empty.txt' names no images"));
  EXPECT_THAT(MessageOf([&] { Read({Path("none.txt")}); }),
              HasSubstr("none.txt' cannot be read"));
  EXPECT_THAT(MessageOf([&] { Read({Path("none.png")}); }),
              HasSubstr("none.png"));
  WriteFileAtomically(Path("broken.png"), "\x89PNG but no more",
                      Overwrite::kRefuse);
  EXPECT_THAT(MessageOf([&] { Read({Path("broken.png")}); }),
              HasSubstr("broken.png"));
}

TEST_F(ImageInputs, PicturesSmallerThanATileAreErrors) {
  const std::string large = Write("large.png", 80, 80);
  const std::string small = Write("small.png", 80, 40);
  MapTileOptions tiles;
  tiles.side_px = 64;
  EXPECT_NO_THROW(SheetTiles(Read({large}), tiles));
  const std::string message = MessageOf([&] {
    SheetTiles(Read({large, small}), tiles);
  });
  EXPECT_THAT(message, HasSubstr("small.png"));
  EXPECT_THAT(message, HasSubstr("80 x 40 px"));
  EXPECT_THAT(MessageOf([&] { SheetTiles({}, tiles); }), HasSubstr("no paper"));
}

TEST_F(ImageInputs, ProjectFilesGiveTheAlignedGridOfEveryEdition) {
  const DrawnSeries series(dir_.Path());
  const std::string project = series.MakeProject(context_).string();
  const auto sheets = Read({project});
  ASSERT_EQ(sheets.size(), 2u);
  const cv::Rect& building = series.Buildings()[9];
  const cv::Rect inside(building.x + 2, building.y + 2, building.width - 4,
                        building.height - 4);
  for (const synth::MapSheet& sheet : sheets) {
    EXPECT_EQ(sheet.name, project);
    // The older sheet was drawn six pixels off: the grid holds both.
    EXPECT_EQ(sheet.rgb.size(), cv::Size(262, 256));
    EXPECT_EQ(sheet.coverage.size(), sheet.rgb.size());
  }
  // It lies right now.
  EXPECT_LT(
      cv::norm(sheets[0].rgb(inside), sheets[1].rgb(inside), cv::NORM_INF),
      2.0);
  MapSheetOptions half;
  half.downsample = 2;
  EXPECT_EQ(ReadImageInputs({project}, half, context_)[0].rgb.size(),
            cv::Size(131, 128));
  const std::string plain = Write("plain.png", 64, 64);
  EXPECT_EQ(Read({project, plain}).size(), 3u);
}

TEST_F(ImageInputs, PretrainingTakesAFolder) {
  Write("pictures/a.png", 64, 64);
  Write("pictures/b.png", 64, 48);
  SslPretrainOptions options;
  options.sheets = {Path("pictures")};
  options.tiles.count = 8;
  options.tiles.side_px = 32;
  options.training.encoder = "vit-micro";
  options.training.steps = 1;
  options.training.batch = 4;
  options.training.output = Path("e.safetensors");
  EXPECT_EQ(PretrainEncoder(options, context_).result.images, 8);
}

}  // namespace
}  // namespace mapweave::pipelines
