// SPDX-License-Identifier: MIT
//
// The measures against the results of the official code (pycocotools,
// TrackEval) on public data.
#include "core/json.h"
#include "tests/tracking/real_data.h"
#include "tracking/average_precision.h"
#include "tracking/coco_rle.h"
#include "tracking/identity_measures.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace mapweave::tracking {
namespace {

std::filesystem::path OracleFolder() {
  return RealDataFolder() / "metric_oracles";
}

class MetricOracles : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = OracleFolder() / "EXPECTED.json";
    if (!std::filesystem::exists(file)) {
      GTEST_SKIP() << file << " is absent; set MAPWEAVE_DATA";
    }
    expected_ = ReadJson(file);
  }

  Json expected_;
};

struct Box {
  double x = 0.0;
  double y = 0.0;
  double width = 0.0;
  double height = 0.0;

  double Area() const { return width * height; }
};

double Intersection(const Box& a, const Box& b) {
  const double width =
      std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height =
      std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return width <= 0.0 || height <= 0.0 ? 0.0 : width * height;
}

double BoxIoU(const Box& a, const Box& b) {
  const double both = Intersection(a, b);
  return both / (a.Area() + b.Area() - both);
}

Box BoxFrom(const Json& bbox) { return {bbox[0], bbox[1], bbox[2], bbox[3]}; }

double AreaOf(const Box& box) { return box.Area(); }
double AreaOf(const Mask& mask) { return static_cast<double>(mask.Area()); }
double Intersection(const Mask& a, const Mask& b) {
  return static_cast<double>(a.IntersectionArea(b));
}

template <typename Shape>
struct CocoImage {
  std::vector<Shape> truth;
  std::vector<Shape> predicted;
  ApVideo video;
};

template <typename Shape>
void AddOverlaps(CocoImage<Shape>& image) {
  for (size_t p = 0; p < image.predicted.size(); ++p) {
    for (size_t g = 0; g < image.truth.size(); ++g) {
      const Shape& shape = image.predicted[p];
      const double both = Intersection(shape, image.truth[g]);
      if (both <= 0.0) continue;
      const double either = AreaOf(shape) + AreaOf(image.truth[g]) - both;
      const bool crowd = image.video.truth[g] == TruthKind::kCrowd;
      image.video.overlaps.push_back(
          {p, g, both / (crowd ? AreaOf(shape) : either)});
    }
  }
}

// The videos of each category, in order of the images' ids. `shape_of` takes an
// annotation or a result and the size of its image.
template <typename Shape, typename ShapeOf>
std::map<int, std::vector<ApVideo>> ReadCoco(const std::string& results,
                                             ShapeOf shape_of) {
  const std::filesystem::path folder = OracleFolder() / "coco_val2014_100";
  const Json truth = ReadJson(folder / "instances_val2014_100.json");
  std::map<int, cv::Size> sizes;
  for (const Json& image : truth["images"]) {
    sizes[image["id"]] = {image["width"], image["height"]};
  }
  std::map<int, std::map<int, CocoImage<Shape>>> categories;
  for (const Json& annotation : truth["annotations"]) {
    const int id = annotation["image_id"];
    CocoImage<Shape>& image = categories[annotation["category_id"]][id];
    image.truth.push_back(shape_of(annotation, sizes.at(id)));
    image.video.truth.push_back(annotation["iscrowd"].get<int>() == 1
                                    ? TruthKind::kCrowd
                                    : TruthKind::kCounted);
  }
  for (const Json& result : ReadJson(folder / results)) {
    const int id = result["image_id"];
    CocoImage<Shape>& image = categories[result["category_id"]][id];
    image.predicted.push_back(shape_of(result, sizes.at(id)));
    image.video.scores.push_back(result["score"]);
  }
  std::map<int, std::vector<ApVideo>> videos;
  for (auto& [category, images] : categories) {
    for (auto& [id, image] : images) {
      AddOverlaps(image);
      videos[category].push_back(std::move(image.video));
    }
  }
  return videos;
}

void ExpectCocoFigures(const std::map<int, std::vector<ApVideo>>& categories,
                       const Json& expected) {
  std::map<std::string, std::vector<double>> values;
  for (const auto& [category, videos] : categories) {
    const ApResult at_100 = AveragePrecision(videos, 100);
    if (at_100.Ap() < 0.0) continue;  // no true object of this category
    values["AP"].push_back(at_100.Ap());
    values["AP50"].push_back(at_100.precision[0]);
    values["AP75"].push_back(at_100.precision[5]);
    values["AR1"].push_back(AveragePrecision(videos, 1).Ar());
    values["AR10"].push_back(AveragePrecision(videos, 10).Ar());
    values["AR100"].push_back(at_100.Ar());
  }
  ASSERT_EQ(values.size(), 6u);
  for (const auto& [name, of_categories] : values) {
    double mean = 0.0;
    for (const double value : of_categories) mean += value;
    mean /= static_cast<double>(of_categories.size());
    EXPECT_NEAR(mean, expected[name].get<double>(), 1e-9) << name;
  }
}

TEST_F(MetricOracles, AveragePrecisionOfBoxesAgreesWithCoco) {
  ExpectCocoFigures(ReadCoco<Box>("instances_val2014_fakebbox100_results.json",
                                  [](const Json& object, cv::Size) {
                                    return BoxFrom(object["bbox"]);
                                  }),
                    expected_["coco_val2014_100/bbox"]);
}

// Polygons, lists of run lengths and packed ones.
Mask MaskFrom(const Json& segmentation, cv::Size size) {
  Mask mask;
  if (segmentation.is_array()) {
    for (const Json& polygon : segmentation) {
      mask = mask.Union(
          MaskFromCocoPolygon(polygon.get<std::vector<double>>(), size));
    }
    return mask;
  }
  const Json& counts = segmentation["counts"];
  if (counts.is_array()) {
    return MaskFromRleCounts(counts.get<std::vector<uint32_t>>(), size);
  }
  const std::string packed = counts;
  mask = MaskFromRleCounts(UnpackRleCounts(packed), size);
  EXPECT_EQ(PackRleCounts(RleCounts(mask, size)), packed);
  return mask;
}

TEST_F(MetricOracles, AveragePrecisionOfMasksAgreesWithCoco) {
  ExpectCocoFigures(ReadCoco<Mask>("instances_val2014_fakesegm100_results.json",
                                   [](const Json& object, cv::Size size) {
                                     return MaskFrom(object["segmentation"],
                                                     size);
                                   }),
                    expected_["coco_val2014_100/segm"]);
}

struct MotRow {
  int frame = 0;
  int track = 0;
  Box box;
};

std::vector<MotRow> ReadMot(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<MotRow> rows;
  std::string line;
  while (std::getline(stream, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream fields(line);
    MotRow row;
    if (fields >> row.frame >> row.track >> row.box.x >> row.box.y >>
        row.box.width >> row.box.height) {
      rows.push_back(row);
    }
  }
  return rows;
}

TrackingSequence ReadSequence(const std::string& name) {
  const auto folder = OracleFolder() / "mot_tud";
  const std::vector<MotRow> truth = ReadMot(folder / (name + "_gt.txt"));
  const std::vector<MotRow> predicted = ReadMot(folder / (name + "_res.txt"));
  TrackingSequence sequence;
  std::map<int, int> truth_ids;
  std::map<int, int> predicted_ids;
  std::map<int, std::vector<MotRow>> predicted_by_frame;
  std::map<int, std::vector<MotRow>> truth_by_frame;
  std::set<int> frames;
  for (MotRow row : truth) {
    row.track =
        truth_ids.try_emplace(row.track, truth_ids.size()).first->second;
    truth_by_frame[row.frame].push_back(row);
    frames.insert(row.frame);
  }
  for (MotRow row : predicted) {
    row.track = predicted_ids.try_emplace(row.track, predicted_ids.size())
                    .first->second;
    predicted_by_frame[row.frame].push_back(row);
    frames.insert(row.frame);
  }
  sequence.truth_tracks = static_cast<int>(truth_ids.size());
  sequence.predicted_tracks = static_cast<int>(predicted_ids.size());
  for (const int number : frames) {
    Frame frame;
    for (const MotRow& row : truth_by_frame[number]) {
      frame.truth.push_back(row.track);
    }
    for (const MotRow& row : predicted_by_frame[number]) {
      frame.predicted.push_back(row.track);
      for (const MotRow& other : truth_by_frame[number]) {
        const double iou = BoxIoU(row.box, other.box);
        if (iou > 0.0) frame.overlaps.push_back({other.track, row.track, iou});
      }
    }
    sequence.frames.push_back(std::move(frame));
  }
  return sequence;
}

void ExpectAgreement(const std::vector<TrackingSequence>& sequences,
                     const Json& expected) {
  const HotaResult hota = EvaluateHota(sequences);
  EXPECT_NEAR(hota.Hota(), expected["HOTA"].get<double>(), 1e-6);
  EXPECT_NEAR(hota.DetA(), expected["DetA"].get<double>(), 1e-6);
  EXPECT_NEAR(hota.AssA(), expected["AssA"].get<double>(), 1e-6);
  for (size_t a = 0; a < kHotaAlphas; ++a) {
    EXPECT_NEAR(hota.Hota(a), expected["HOTA_per_alpha"][a].get<double>(),
                1e-6);
  }
  const IdentityResult identity = EvaluateIdentity(sequences, 0.5);
  EXPECT_NEAR(identity.F1(), expected["IDF1"].get<double>(), 1e-9);
  EXPECT_EQ(static_cast<double>(identity.true_positives),
            expected["IDTP"].get<double>());
  EXPECT_EQ(static_cast<double>(identity.false_negatives),
            expected["IDFN"].get<double>());
  EXPECT_EQ(static_cast<double>(identity.false_positives),
            expected["IDFP"].get<double>());
}

TEST_F(MetricOracles, HotaAndIdf1AgreeWithTrackEval) {
  const TrackingSequence campus = ReadSequence("TUD-Campus");
  const TrackingSequence stadtmitte = ReadSequence("TUD-Stadtmitte");
  ASSERT_FALSE(campus.frames.empty());
  ExpectAgreement({campus}, expected_["mot_tud/TUD-Campus"]);
  ExpectAgreement({stadtmitte}, expected_["mot_tud/TUD-Stadtmitte"]);
  ExpectAgreement({campus, stadtmitte}, expected_["mot_tud/COMBINED"]);
}

// SCOT has no public oracle: three frames worked by hand.
TEST(Scot, CountsMismatchesAndChanges) {
  TrackingSequence sequence;
  sequence.truth_tracks = 3;
  sequence.predicted_tracks = 4;
  sequence.frames = {
      // Both old buildings are found.
      {{0, 1}, {0, 1}, {{0, 0, 0.8}, {1, 1, 0.9}}},
      // 2 is new and found; 1 is taken by the new track 3, a change too many.
      {{0, 1, 2}, {0, 2, 3}, {{0, 0, 0.8}, {2, 2, 0.7}, {1, 3, 0.6}}},
      // IoU of exactly 0.25 is no match.
      {{0, 2}, {0, 2}, {{0, 0, 0.25}, {2, 2, 0.7}}}};
  const ScotResult result = EvaluateScot(sequence);
  EXPECT_EQ(result.matches, 6);
  EXPECT_EQ(result.mismatches, 1);
  // TP 6 - 1; FP 1 + 1; FN 1 + 1.
  EXPECT_NEAR(result.track_score, 5.0 / 7.0, 1e-12);
  // One right (2), one wrong (track 3 of the old building 1).
  EXPECT_NEAR(result.change_score, 1.0 / 1.5, 1e-12);
  const double c = 1.0 / 1.5;
  const double t = 5.0 / 7.0;
  EXPECT_NEAR(result.score, 5.0 * c * t / (4.0 * c + t), 1e-12);
}

TEST(Scot, ScoresZeroWithoutAnyChange) {
  TrackingSequence sequence;
  sequence.truth_tracks = 1;
  sequence.predicted_tracks = 1;
  sequence.frames = {{{0}, {0}, {{0, 0, 1.0}}}, {{0}, {0}, {{0, 0, 1.0}}}};
  const ScotResult result = EvaluateScot(sequence);
  EXPECT_NEAR(result.track_score, 1.0, 1e-12);
  EXPECT_EQ(result.score, 0.0);
}

}  // namespace
}  // namespace mapweave::tracking
