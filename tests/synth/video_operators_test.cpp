// SPDX-License-Identifier: MIT
#include "synth/video_operators.h"

#include "synth/video_stock.h"
#include "tests/synth/video_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace mapweave::synth {
namespace {

const StockSheet& Sheet() {
  static const StockSheet sheet =
      MakeStockSheet({"sheet", DrawVideoSheet(), {}}, {});
  return sheet;
}

Plate TestPlate(int i) {
  return CutPlate(Sheet(), {130 + 30 * (i % 6), 130 + 20 * (i % 5)}, 170);
}

std::set<int> Identities(const cv::Mat& labels) {
  std::set<int> found;
  for (const uint16_t k : cv::Mat_<uint16_t>(labels)) found.insert(k);
  found.erase(0);
  return found;
}

// Before and after of every building that an edit changes.
struct Change {
  Plate plate;
  Edit edit;
  std::set<int> before;
  std::set<int> after;
  cv::Mat old_labels;
};

std::vector<Change> Changes(VideoOperator op, int count) {
  std::vector<Change> changes;
  for (int i = 0; i < 40 && static_cast<int>(changes.size()) < count; ++i) {
    Change change{TestPlate(i), {}, {}, {}, {}};
    Rng rng(11, static_cast<uint64_t>(i));
    VideoEditor editor(change.plate, Sheet().sprites);
    std::optional<Edit> edit = editor.Make(op, rng);
    if (!edit) continue;
    change.edit = *edit;
    change.old_labels = change.plate.labels(edit->box);
    change.before = Identities(change.old_labels);
    change.after = Identities(edit->labels);
    changes.push_back(std::move(change));
  }
  return changes;
}

class EveryOperator : public ::testing::TestWithParam<VideoOperator> {};

TEST_P(EveryOperator, FindsPlacesAndWritesNowhereElse) {
  const std::vector<Change> changes = Changes(GetParam(), 5);
  ASSERT_GE(changes.size(), 3U);
  for (const Change& change : changes) {
    EXPECT_EQ(change.edit.op, GetParam());
    const cv::Mat before = change.plate.rgb(change.edit.box);
    cv::Mat difference;
    cv::absdiff(before, change.edit.rgb, difference);
    cv::Mat kept = change.edit.changed == 0;
    difference.setTo(0, change.edit.changed);
    EXPECT_EQ(cv::norm(difference, cv::NORM_INF), 0.0);
    EXPECT_EQ(cv::norm(change.old_labels, change.edit.labels, cv::NORM_INF,
                       kept & (change.old_labels == 0)),
              0.0);
  }
}

// Houses are found by colour in what the operator drew.
TEST_P(EveryOperator, LabelsWhatItDraws) {
  const std::set<VideoOperator> black = {VideoOperator::kBlackBlock,
                                         VideoOperator::kBlockOverlap,
                                         VideoOperator::kBlackMerge};
  if (black.count(GetParam()) == 1) return;  // black is no house's colour
  for (const Change& change : Changes(GetParam(), 5)) {
    EXPECT_GT(ImageIoU(HousePixels(change.edit.rgb), change.edit.labels != 0),
              0.8);
  }
}

TEST_P(EveryOperator, IsAFunctionOfItsStream) {
  const std::vector<Change> a = Changes(GetParam(), 2);
  const std::vector<Change> b = Changes(GetParam(), 2);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].edit.box, b[i].edit.box);
    EXPECT_EQ(cv::norm(a[i].edit.rgb, b[i].edit.rgb, cv::NORM_INF), 0.0);
    EXPECT_EQ(cv::norm(a[i].edit.labels, b[i].edit.labels, cv::NORM_INF), 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(VideoEditor, EveryOperator,
                         ::testing::ValuesIn(AllVideoOperators()),
                         [](const auto& parameter) {
                           std::string name =
                               VideoOperatorName(parameter.param);
                           std::erase(name, '-');
                           return name;
                         });

double AreaOf(const cv::Mat& labels, int k) {
  return cv::countNonZero(labels == k);
}

// The one identity whose mask the edit changes.
int Edited(const Change& change) {
  int found = 0;
  for (const int k : change.before) {
    if (cv::countNonZero((change.old_labels == k) !=
                         (change.edit.labels == k)) > 0)
      found = k;
  }
  return found;
}

TEST(VideoEditor, KeepsIdentityOfWhatOnlyChangesItsOutline) {
  for (const VideoOperator op :
       {VideoOperator::kShift, VideoOperator::kEnlarge, VideoOperator::kReduce,
        VideoOperator::kReshape, VideoOperator::kRedraw}) {
    for (const Change& change : Changes(op, 5)) {
      EXPECT_EQ(change.before, change.after) << VideoOperatorName(op);
      const int k = Edited(change);
      ASSERT_NE(k, 0);
      const double before = AreaOf(change.old_labels, k);
      const double after = AreaOf(change.edit.labels, k);
      if (op == VideoOperator::kEnlarge) {
        EXPECT_GT(after, 1.05 * before);
      }
      if (op == VideoOperator::kReduce) {
        EXPECT_LT(after, 0.95 * before);
      }
      if (op == VideoOperator::kShift) {
        EXPECT_NEAR(after, before, 1.0);
      }
    }
  }
}

TEST(VideoEditor, BeginsAndEndsIdentities) {
  for (const Change& change : Changes(VideoOperator::kDisappear, 5))
    EXPECT_EQ(change.before.size(), change.after.size() + 1);
  for (const Change& change : Changes(VideoOperator::kAppear, 5)) {
    EXPECT_EQ(change.after.size(), change.before.size() + 1);
    EXPECT_GT(*change.after.rbegin(),
              static_cast<int>(change.plate.buildings.size()));
  }
  for (const Change& change : Changes(VideoOperator::kReplace, 5)) {
    const int gone = Edited(change);
    EXPECT_EQ(change.after.count(gone), 0U);
    EXPECT_EQ(change.after.size(), change.before.size());
    EXPECT_GT(*change.after.rbegin(),
              static_cast<int>(change.plate.buildings.size()));
  }
  for (const VideoOperator op :
       {VideoOperator::kPutBack, VideoOperator::kGroundPatch}) {
    for (const Change& change : Changes(op, 5)) {
      EXPECT_EQ(cv::norm(change.old_labels, change.edit.labels, cv::NORM_INF),
                0.0);
      EXPECT_GT(cv::countNonZero(change.edit.changed), 0);
    }
  }
}

// Identity goes on in a part or a whole with IoU above one half.
TEST(VideoEditor, PassesIdentityThroughSplitAndMergeByOverlap) {
  int kept = 0;
  for (const Change& change : Changes(VideoOperator::kSplit, 8)) {
    const int parent = Edited(change);
    const cv::Mat old_mask = change.old_labels == parent;
    EXPECT_EQ(change.after.size(),
              change.before.size() + 1);  // one part more
    for (const int k : change.after) {
      const cv::Mat part = (change.edit.labels == k) & old_mask;
      if (cv::countNonZero(part) == 0) continue;
      const bool same = ImageIoU(change.edit.labels == k, old_mask) > 0.5;
      EXPECT_EQ(k == parent, same);
      kept += same ? 1 : 0;
    }
  }
  EXPECT_GT(kept, 0);
  for (const Change& change : Changes(VideoOperator::kMerge, 8)) {
    EXPECT_EQ(change.after.size(), change.before.size() - 1);
    for (const int k : change.before) {
      const cv::Mat old_mask = change.old_labels == k;
      const cv::Mat same_place = change.edit.labels.clone();
      int now = 0;
      for (int y = 0; y < old_mask.rows && now == 0; ++y)
        for (int x = 0; x < old_mask.cols && now == 0; ++x)
          if (old_mask.at<uint8_t>(y, x) != 0)
            now = same_place.at<uint16_t>(y, x);
      if (AreaOf(change.edit.labels, now) == AreaOf(change.old_labels, k))
        continue;  // not part of the merge
      EXPECT_EQ(now == k, ImageIoU(change.edit.labels == now, old_mask) > 0.5);
    }
  }
}

TEST(VideoEditor, EditsDoNotTouchOneAnother) {
  const Plate plate = TestPlate(0);
  VideoEditor editor(plate, Sheet().sprites);
  Rng rng(5);
  cv::Mat touched = cv::Mat::zeros(plate.rgb.size(), CV_8UC1);
  int edits = 0;
  for (int i = 0; i < 60; ++i) {
    const std::vector<VideoOperator> all = AllVideoOperators();
    const auto edit = editor.Make(rng.Pick(all), rng);
    if (!edit) continue;
    ++edits;
    EXPECT_EQ(cv::countNonZero(touched(edit->box) & edit->changed), 0);
    touched(edit->box) |= edit->changed;
  }
  EXPECT_GT(edits, 6);
}

TEST(VideoEditor, EditsCanBeAppliedInAnyOrder) {
  const Plate plate = TestPlate(0);
  VideoEditor editor(plate, Sheet().sprites);
  Rng rng(6);
  const std::vector<VideoOperator> operators = AllVideoOperators();
  std::vector<Edit> edits;
  for (int i = 0; i < 60; ++i) {
    if (auto edit = editor.Make(rng.Pick(operators), rng))
      edits.push_back(std::move(*edit));
  }
  ASSERT_GT(edits.size(), 6u);
  const auto apply = [&](const std::vector<Edit>& order) {
    std::pair<cv::Mat, cv::Mat> frame{plate.rgb.clone(), plate.labels.clone()};
    for (const Edit& edit : order) Apply(edit, frame.first, frame.second);
    return frame;
  };
  const auto [rgb, labels] = apply(edits);
  for (const Edit& edit : edits) {
    EXPECT_EQ(cv::norm(rgb(edit.box), edit.rgb, cv::NORM_INF, edit.changed),
              0.0);
    EXPECT_EQ(
        cv::norm(labels(edit.box), edit.labels, cv::NORM_INF, edit.changed),
        0.0);
  }
  std::reverse(edits.begin(), edits.end());
  const auto [rgb_back, labels_back] = apply(edits);
  EXPECT_EQ(cv::norm(rgb, rgb_back, cv::NORM_INF), 0.0);
  EXPECT_EQ(cv::norm(labels, labels_back, cv::NORM_INF), 0.0);
}

// Energy of what a blur takes away, which seams and smooth fills would change.
double HighPass(const cv::Mat& rgb, const cv::Mat& where) {
  cv::Mat smooth;
  cv::GaussianBlur(rgb, smooth, {5, 5}, 1.0);
  cv::Mat residual;
  cv::absdiff(rgb, smooth, residual);
  const cv::Scalar mean = cv::mean(residual, where);
  return (mean[0] + mean[1] + mean[2]) / 3.0;
}

// Neither seams nor smoothness give away where ground was filled.
TEST(VideoEditor, FilledGroundIsAsRoughAsUntouchedGround) {
  for (const VideoOperator op :
       {VideoOperator::kDisappear, VideoOperator::kGroundPatch}) {
    double filled = 0.0;
    double untouched = 0.0;
    const std::vector<Change> changes = Changes(op, 12);
    ASSERT_GE(changes.size(), 8U);
    for (const Change& change : changes) {
      // Away from houses, whose edges are rough anyway.
      const cv::Mat houses =
          (change.edit.labels != 0) | (HousePixels(change.edit.rgb) != 0);
      cv::Mat near;
      cv::dilate(houses, near, cv::Mat(), {-1, -1}, 4);
      cv::Mat seam;
      cv::dilate(change.edit.changed, seam, cv::Mat(), {-1, -1}, 1);
      filled += HighPass(change.edit.rgb, seam & ~near);
      // Where ground covers ground, the same place before; else what is left.
      untouched +=
          op == VideoOperator::kGroundPatch
              ? HighPass(change.plate.rgb(change.edit.box), seam & ~near)
              : HighPass(change.edit.rgb, ~seam & ~near);
    }
    EXPECT_NEAR(filled / untouched, 1.0, 0.25) << VideoOperatorName(op);
  }
}

}  // namespace
}  // namespace mapweave::synth
