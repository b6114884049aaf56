// SPDX-License-Identifier: MIT
//
// How well editions are brought onto each other: simulated towns drawn by
// different hands on sheets that are shifted, turned, stretched and bent by
// known amounts, against one whole-sheet shift, OpenCV's ECC and a homography
// from ORB features. Prints Markdown; docs/alignment.md holds its output.
#include "core/error.h"
#include "core/random.h"
#include "synth/render.h"
#include "synth/world.h"
#include "tracking/registration.h"
#include "tracking/series_alignment.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/calib3d.hpp>
#include <opencv2/features2d.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

namespace mapweave {
namespace {

// The error of a sheet.
struct Error2 {
  double shift_px = 0.0;
  double rotation_deg = 0.0;
  double stretch = 0.0;
  double bend_px = 0.0;
};

struct Scenario {
  std::string name;
  Error2 error;
  double change = 0.3;
};

// One edition's sheet: what it shows at p lies truly at Truth(p).
struct Sheet {
  cv::Mat rgb;
  cv::Mat coverage;
  synth::Placement placement;
  synth::DistortionField bend;  // from the sheet to the drawing before it bent

  Point2d Truth(Point2d p) const {
    return placement.ApplyInverse(bend.Apply(p));
  }
};

struct Series {
  synth::World world;
  std::vector<Sheet> sheets;  // the newest one has no error
};

// Waves of 300 to 1000 px: paper does not bend within a street.
synth::DistortionField MakeBend(double reach, Rng& rng) {
  synth::DistortionField field;
  constexpr int kWaves = 3;
  for (int i = 0; i < kWaves; ++i) {
    const double turn = rng.Uniform(0.0, 2.0 * std::numbers::pi);
    const double k = 2.0 * std::numbers::pi / rng.Uniform(300.0, 1000.0);
    const double to = rng.Uniform(0.0, 2.0 * std::numbers::pi);
    const double length = reach / kWaves * rng.Uniform(0.6, 1.0);
    field.waves.push_back({k * std::cos(turn), k * std::sin(turn),
                           rng.Uniform(0.0, 2.0 * std::numbers::pi),
                           length * std::cos(to), length * std::sin(to)});
  }
  return field;
}

Sheet Draw(const synth::World& world, int edition, const std::string& hand,
           const Error2& error, Rng& rng) {
  Sheet sheet;
  synth::PlacementParts parts;
  parts.centre = {world.options.width_px / 2.0, world.options.height_px / 2.0};
  const auto either = [&rng](double size) { return rng.Uniform(-size, size); };
  parts.rotation_rad = either(error.rotation_deg) * std::numbers::pi / 180.0;
  parts.stretch_x = 1.0 + either(error.stretch);
  parts.stretch_y = parts.stretch_x + 0.2 * either(error.stretch);
  parts.shift = {either(error.shift_px), either(error.shift_px)};
  sheet.placement = synth::MakePlacement(parts);
  sheet.bend = MakeBend(error.bend_px, rng);
  synth::RenderOptions options;
  options.hand = hand;
  options.seed = rng.Next();
  options.placement = sheet.placement;
  options.frame = synth::MakeSheetFrame(world, options.seed);
  const cv::Rect window(0, 0, world.options.width_px, world.options.height_px);
  const synth::EditionImage image =
      synth::RenderWindow(world, edition, options, window);
  cv::Mat map(window.size(), CV_32FC2);
  for (int row = 0; row < map.rows; ++row) {
    for (int col = 0; col < map.cols; ++col) {
      const Point2d p = sheet.bend.Apply({col + 0.5, row + 0.5});
      map.at<cv::Vec2f>(row, col) = {static_cast<float>(p.x - 0.5),
                                     static_cast<float>(p.y - 0.5)};
    }
  }
  cv::remap(image.rgb, sheet.rgb, map, {}, cv::INTER_LINEAR,
            cv::BORDER_REPLICATE);
  cv::remap(image.coverage, sheet.coverage, map, {}, cv::INTER_NEAREST,
            cv::BORDER_CONSTANT, cv::Scalar(0));
  return sheet;
}

Series MakeSeries(const Scenario& scenario, uint64_t seed) {
  synth::WorldOptions options;
  options.seed = seed;
  options.width_px = options.height_px = 1200;
  options.editions = {"1860", "1880", "1900"};
  options.change = scenario.change;
  options.plan = std::vector{
      synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
      synth::PlanFamily::kRingAndGrid, synth::PlanFamily::kDenseCore}[seed % 4];
  options.distortion_px = 0.0;
  Series series{synth::MakeWorld(options), {}};
  Rng rng(seed, 77);
  std::vector<std::string> hands = synth::HandNames();
  for (size_t t = 0; t < options.editions.size(); ++t) {
    const std::string hand = rng.Pick(hands);
    std::erase(hands, hand);
    const bool newest = t + 1 == options.editions.size();
    series.sheets.push_back(Draw(series.world, static_cast<int>(t), hand,
                                 newest ? Error2{} : scenario.error, rng));
  }
  return series;
}

// From a place on an older sheet to where it lies; unset = it gave up.
using Map = std::function<Point2d(Point2d)>;
using Method = std::function<std::vector<std::optional<Map>>(const Series&)>;

std::vector<std::optional<Map>> Unaligned(const Series& series) {
  return {series.sheets.size(), [](Point2d p) { return p; }};
}

std::vector<std::optional<Map>> OneShift(const Series& series) {
  std::vector<tracking::FeatureImage> features;
  for (const Sheet& sheet : series.sheets) {
    features.push_back({tracking::StructureFeatures(sheet.rgb, sheet.coverage),
                        sheet.coverage});
  }
  tracking::SeriesShiftOptions options;
  options.pair.max_shift_px = 150.0;
  std::vector<std::optional<Map>> maps;
  for (const auto& edition :
       tracking::EstimateSeriesShifts(features, options).editions) {
    if (!edition.is_confident) {
      maps.emplace_back();
      continue;
    }
    maps.emplace_back([shift = edition.shift](Point2d p) {
      return Point2d{p.x + shift.x, p.y + shift.y};
    });
  }
  return maps;
}

tracking::EditionView ViewOf(const Sheet& sheet,
                             const tracking::ViewRequest& request) {
  const double px = request.reduction;
  cv::Mat map(request.area.size(), CV_32FC2);
  for (int row = 0; row < map.rows; ++row) {
    for (int col = 0; col < map.cols; ++col) {
      const Point2d p = request.displacement->ApplyInverse(
          {(request.area.x + col + 0.5) * px,
           (request.area.y + row + 0.5) * px});
      map.at<cv::Vec2f>(row, col) = {static_cast<float>(p.x - 0.5),
                                     static_cast<float>(p.y - 0.5)};
    }
  }
  tracking::EditionView view;
  cv::remap(sheet.rgb, view.rgb, map, {}, cv::INTER_LINEAR, cv::BORDER_CONSTANT,
            cv::Scalar::all(255));
  cv::remap(sheet.coverage, view.coverage, map, {}, cv::INTER_NEAREST,
            cv::BORDER_CONSTANT, cv::Scalar(0));
  return view;
}

tracking::SeriesAlignment AlignSheets(const Series& series, bool affine_only) {
  tracking::SeriesAlignmentOptions options;
  options.affine_only = affine_only;
  options.editions = series.sheets.size();
  options.grid_size = series.sheets.front().rgb.size();
  return tracking::AlignSeries(
      options, [&series](const tracking::ViewRequest& request) {
        return ViewOf(series.sheets[request.edition], request);
      });
}

std::vector<std::optional<Map>> Aligned(const Series& series,
                                        bool affine_only) {
  std::vector<std::optional<Map>> maps;
  const tracking::SeriesAlignment alignment = AlignSheets(series, affine_only);
  for (const auto& edition : alignment.editions) {
    if (!edition.aligned) {
      maps.emplace_back();
      continue;
    }
    maps.emplace_back(
        [field = edition.fit.field](Point2d p) { return field.Apply(p); });
  }
  return maps;
}

std::vector<std::optional<Map>> Coarse(const Series& series) {
  return Aligned(series, true);
}

std::vector<std::optional<Map>> Fields(const Series& series) {
  return Aligned(series, false);
}

cv::Mat Grey(const Sheet& sheet) {
  cv::Mat grey;
  cv::cvtColor(sheet.rgb, grey, cv::COLOR_RGB2GRAY);
  grey.setTo(cv::mean(grey, sheet.coverage), sheet.coverage == 0);
  return grey;
}

Map FromMatrix(const cv::Mat& matrix) {
  cv::Mat full = cv::Mat::eye(3, 3, CV_64F);
  matrix.convertTo(full.rowRange(0, matrix.rows), CV_64F);
  return [full](Point2d p) {
    const cv::Mat q = full * (cv::Mat_<double>(3, 1) << p.x, p.y, 1.0);
    return Point2d{q.at<double>(0) / q.at<double>(2),
                   q.at<double>(1) / q.at<double>(2)};
  };
}

// Evangelidis & Psarakis (2008), affine, from an eighth of the size up.
std::vector<std::optional<Map>> Ecc(const Series& series) {
  const cv::Mat newest = Grey(series.sheets.back());
  std::vector<std::optional<Map>> maps;
  for (const Sheet& sheet : series.sheets) {
    const cv::Mat older = Grey(sheet);
    cv::Mat warp = cv::Mat::eye(2, 3, CV_32F);
    try {
      for (const double scale : {0.125, 0.25, 0.5, 1.0}) {
        cv::Mat a;
        cv::Mat b;
        cv::resize(older, a, {}, scale, scale, cv::INTER_AREA);
        cv::resize(newest, b, {}, scale, scale, cv::INTER_AREA);
        warp.col(2) *= scale;
        cv::findTransformECC(
            a, b, warp, cv::MOTION_AFFINE,
            {cv::TermCriteria::COUNT + cv::TermCriteria::EPS, 100, 1e-5},
            cv::noArray(), 5);
        warp.col(2) /= scale;
      }
      maps.emplace_back(FromMatrix(warp));
    } catch (const cv::Exception&) {
      maps.emplace_back();
    }
  }
  return maps;
}

std::vector<std::optional<Map>> OrbHomography(const Series& series) {
  const cv::Ptr<cv::ORB> orb = cv::ORB::create(8000);
  const auto detect = [&orb](const Sheet& sheet, auto& points, cv::Mat& words) {
    orb->detectAndCompute(Grey(sheet), sheet.coverage, points, words);
  };
  std::vector<cv::KeyPoint> newest_points;
  cv::Mat newest_words;
  detect(series.sheets.back(), newest_points, newest_words);
  std::vector<std::optional<Map>> maps;
  for (const Sheet& sheet : series.sheets) {
    std::vector<cv::KeyPoint> points;
    cv::Mat words;
    detect(sheet, points, words);
    std::vector<cv::DMatch> matches;
    cv::BFMatcher(cv::NORM_HAMMING, true).match(words, newest_words, matches);
    std::vector<cv::Point2f> from;
    std::vector<cv::Point2f> to;
    for (const cv::DMatch& match : matches) {
      from.push_back(points[static_cast<size_t>(match.queryIdx)].pt);
      to.push_back(newest_points[static_cast<size_t>(match.trainIdx)].pt);
    }
    cv::Mat matrix;
    if (from.size() >= 4) {
      matrix = cv::findHomography(from, to, cv::RANSAC, 4.0);
    }
    if (matrix.empty()) {
      maps.emplace_back();
    } else {
      maps.emplace_back(FromMatrix(matrix));
    }
  }
  return maps;
}

struct Scores {
  std::vector<double> residuals;  // px, over a grid of places
  std::vector<double> shrinkage;  // px, of changed buildings' width and height
  int refused = 0;
};

// The sheet position of a place in the world, by iteration.
Point2d OnSheet(const Sheet& sheet, Point2d world) {
  Point2d p = sheet.placement.Apply(world);
  const Point2d wanted = p;
  for (int i = 0; i < 50; ++i) {
    const Point2d bent = sheet.bend.Apply(p);
    p = {p.x + wanted.x - bent.x, p.y + wanted.y - bent.y};
  }
  return p;
}

Box BoundsOf(const Ring& ring) {
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const Point2d& p : ring) {
    box = {std::min(box.min_x, p.x), std::min(box.min_y, p.y),
           std::max(box.max_x, p.x), std::max(box.max_y, p.y)};
  }
  return box;
}

bool IsChange(synth::WorldEvent event) {
  return event == synth::WorldEvent::kEnlarged ||
         event == synth::WorldEvent::kReduced ||
         event == synth::WorldEvent::kReshaped;
}

void ScoreSheet(const Series& series, size_t t, const Map& map,
                Scores& scores) {
  const Sheet& sheet = series.sheets[t];
  // Beyond lie frame lines and margins, where nothing can be matched.
  const auto& world = series.world.options;
  const double margin = world.margin_px;
  const cv::Rect2d town(margin, margin, world.width_px - 2.0 * margin,
                        world.height_px - 2.0 * margin);
  for (int row = 8; row < sheet.rgb.rows; row += 16) {
    for (int col = 8; col < sheet.rgb.cols; col += 16) {
      if (sheet.coverage.at<uint8_t>(row, col) == 0) continue;
      const Point2d p{col + 0.5, row + 0.5};
      const Point2d truth = sheet.Truth(p);
      if (!town.contains(cv::Point2d(truth.x, truth.y))) continue;
      const Point2d found = map(p);
      scores.residuals.push_back(
          std::hypot(found.x - truth.x, found.y - truth.y));
    }
  }
  for (const synth::WorldBuilding& building : series.world.buildings) {
    const bool changed =
        std::any_of(building.events.begin(), building.events.end(), IsChange);
    if (!changed || building.footprint[t].empty()) continue;
    const Ring& drawn = building.footprint[t].front().shell;
    Ring placed;
    bool is_on_sheet = true;
    for (const Point2d& p : drawn) {
      const Point2d on_sheet = OnSheet(sheet, p);
      const cv::Point pixel(cvFloor(on_sheet.x), cvFloor(on_sheet.y));
      is_on_sheet = is_on_sheet &&
                    cv::Rect({0, 0}, sheet.rgb.size()).contains(pixel) &&
                    sheet.coverage.at<uint8_t>(pixel) != 0;
      placed.push_back(map(on_sheet));
    }
    if (!is_on_sheet) continue;
    const Box before = BoundsOf(drawn);
    const Box after = BoundsOf(placed);
    scores.shrinkage.push_back(std::max(
        std::abs(after.max_x - after.min_x - before.max_x + before.min_x),
        std::abs(after.max_y - after.min_y - before.max_y + before.min_y)));
  }
}

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return NAN;
  const auto at =
      values.begin() +
      static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

int RunBench(int towns, const std::string& only) {
  const std::vector<Scenario> scenarios{
      {"shift 100 m", {100.0, 0.0, 0.0, 0.0}},
      {"shift 20 m, bent 8 m", {20.0, 0.0, 0.0, 8.0}},
      {"shift 100 m, bent 8 m", {100.0, 0.0, 0.0, 8.0}},
      {"shift 100 m, 2 deg, 3 %", {100.0, 2.0, 0.03, 0.0}},
      {"all of it, bent 8 m", {100.0, 2.0, 0.03, 8.0}},
  };
  const std::vector<std::pair<std::string, Method>> methods{
      {"as georeferenced", Unaligned},
      {"one shift", OneShift},
      {"ECC, affine", Ecc},
      {"ORB, homography", OrbHomography},
      {"mapweave align --coarse", Coarse},
      {"mapweave align", Fields},
  };
  fmt::print(
      "| error of the sheets | method | median px | 95 % px | change "
      "of changed buildings, 95 % px | most | over 0.5 px | refused |\n"
      "|---|---|---|---|---|---|---|---|\n");
  for (const Scenario& scenario : scenarios) {
    std::vector<Series> all;
    for (int i = 0; i < towns; ++i) {
      all.push_back(MakeSeries(scenario, 100 + static_cast<uint64_t>(i)));
    }
    for (const auto& [name, method] : methods) {
      if (!only.empty() && name.find(only) == std::string::npos) continue;
      Scores scores;
      for (const Series& series : all) {
        const auto maps = method(series);
        for (size_t t = 0; t + 1 < maps.size(); ++t) {
          if (!maps[t]) {
            ++scores.refused;
            continue;
          }
          ScoreSheet(series, t, *maps[t], scores);
        }
      }
      const auto large =
          std::count_if(scores.shrinkage.begin(), scores.shrinkage.end(),
                        [](double px) { return px > 0.5; });
      fmt::print(
          "| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {} of {} | {} "
          "of {} |\n",
          scenario.name, name, Quantile(scores.residuals, 0.5),
          Quantile(scores.residuals, 0.95), Quantile(scores.shrinkage, 0.95),
          Quantile(scores.shrinkage, 1.0), large, scores.shrinkage.size(),
          scores.refused, 2 * towns);
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  CLI::App app{"Alignment of simulated series against their truth"};
  int towns = 4;
  std::string only;
  app.add_option("--towns", towns, "Series per kind of error")
      ->check(CLI::Range(1, 100));
  app.add_option("--only", only, "Part of one method's name");
  CLI11_PARSE(app, argc, argv);
  try {
    return mapweave::RunBench(towns, only);
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "{}\n", error.Message());
    return 1;
  }
}
