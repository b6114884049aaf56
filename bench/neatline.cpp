// SPDX-License-Identifier: MIT
//
// How well the frame around a map is found: simulated sheets of every hand,
// with and without a frame, straight and bent, against the line that the
// drawing was cut at. Prints Markdown; docs/ingestion.md holds its output.
// With --sheet, the frame of a scan is drawn into a PNG to look at.
#include "geo/neatline.h"

#include "core/error.h"
#include "core/random.h"
#include "geo/collar.h"
#include "geo/scan_reader.h"
#include "synth/render.h"
#include "synth/world.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

namespace mapweave {
namespace {

constexpr int kLookSide = 2048;  // as readers look at sheets

ImageU8 ImageOf(const cv::Mat& mat) {
  ImageU8 image(mat.cols, mat.rows, mat.channels());
  cv::Mat view(mat.rows, mat.cols, CV_8UC(mat.channels()), image.data.data());
  mat.copyTo(view);
  return image;
}

// The frame's outline in pixels of the sheet, as a reader finds it.
std::optional<geo::Neatline> Find(const cv::Mat& rgb) {
  const int factor = (std::max(rgb.cols, rgb.rows) + kLookSide - 1) / kLookSide;
  cv::Mat look;
  cv::resize(rgb, look, {rgb.cols / factor, rgb.rows / factor}, 0, 0,
             cv::INTER_AREA);
  const ImageU8 image = ImageOf(look);
  const ImageU8 paper =
      geo::FindPaper(image, ImageU8(image.width, image.height, 1, uint8_t{1}));
  std::optional<geo::Neatline> found = geo::FindNeatline(image, paper);
  if (!found) return found;
  for (Point2d& p : found->outline) {
    p.x *= static_cast<double>(rgb.cols) / look.cols;
    p.y *= static_cast<double>(rgb.rows) / look.rows;
  }
  return found;
}

// A sheet and the truth about it.
struct Sheet {
  cv::Mat rgb;
  cv::Mat inside;     // 1 where the map is
  cv::Mat buildings;  // 1 where one is drawn
  Ring neatline;      // empty: no frame
};

// Cut off: a framed one of which the raster shows a part, without one side.
enum class Kind { kFramed, kBent, kCutOff, kBare };
constexpr int kKinds = 4;

std::vector<cv::Point> Rounded(const Ring& ring) {
  std::vector<cv::Point> points;
  for (const Point2d& p : ring) {
    points.emplace_back(cvFloor(p.x), cvFloor(p.y));
  }
  return points;
}

cv::Mat FilledRing(cv::Size size, const Ring& ring) {
  cv::Mat mask(size, CV_8UC1, cv::Scalar(0));
  cv::fillPoly(mask, std::vector{Rounded(ring)}, cv::Scalar(1));
  return mask;
}

// Waves of the sheet's length, as paper that was stretched.
cv::Mat BendOf(cv::Size size, double reach, Rng& rng) {
  const double phase = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  cv::Mat map(size, CV_32FC2);
  for (int row = 0; row < size.height; ++row) {
    for (int col = 0; col < size.width; ++col) {
      const double x = std::numbers::pi * col / size.width;
      const double y = std::numbers::pi * row / size.height;
      map.at<cv::Vec2f>(row, col) = {
          static_cast<float>(col + reach * std::sin(y + 0.2 * phase)),
          static_cast<float>(row + reach * std::sin(x + 0.3 * phase))};
    }
  }
  return map;
}

// Leaves between half and nine tenths of the sheet, by one of its sides.
void CutOff(Sheet& sheet, Rng& rng) {
  const bool across = rng.Chance(0.5);
  const int length = across ? sheet.rgb.rows : sheet.rgb.cols;
  const int rest = cvRound(rng.Uniform(0.5, 0.9) * length);
  const int first = rng.Chance(0.5) ? length - rest : 0;
  const cv::Rect part = across ? cv::Rect(0, first, sheet.rgb.cols, rest)
                               : cv::Rect(first, 0, rest, sheet.rgb.rows);
  for (cv::Mat* mat : {&sheet.rgb, &sheet.buildings, &sheet.inside}) {
    *mat = (*mat)(part).clone();
  }
}

// `stream` differs from hand to hand.
Sheet Draw(const std::string& hand, uint64_t seed, uint64_t stream, Kind kind) {
  Rng rng(seed, stream);
  synth::WorldOptions town;
  town.seed = rng.Next();
  town.width_px = static_cast<int>(rng.Int(700, 1900));
  town.height_px = static_cast<int>(rng.Int(700, 1900));
  town.editions = {"1880"};
  town.building_px = rng.Uniform(12.0, 26.0);
  town.density = rng.Uniform(0.2, 0.9);
  town.plan = rng.Pick(
      std::vector{synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
                  synth::PlanFamily::kRural, synth::PlanFamily::kDenseCore,
                  synth::PlanFamily::kVillage});
  // Streets along the frame are the hard case.
  town.angle_rad = rng.Chance(0.5) ? 0.0 : rng.Uniform(-0.8, 0.8);
  town.margin_px = rng.Uniform(40.0, 160.0);
  const synth::World world = synth::MakeWorld(town);
  synth::RenderOptions drawing;
  drawing.hand = hand;
  drawing.seed = rng.Next();
  if (kind != Kind::kBare) {
    drawing.frame = synth::MakeSheetFrame(world, drawing.seed);
  }
  const synth::EditionImage image = synth::RenderEdition(world, 0, drawing);
  Sheet sheet;
  sheet.rgb = image.rgb;
  sheet.buildings = image.labels > 0;
  sheet.neatline = drawing.frame.neatline;
  sheet.inside = sheet.neatline.empty()
                     ? cv::Mat(image.rgb.size(), CV_8UC1, cv::Scalar(1))
                     : FilledRing(image.rgb.size(), sheet.neatline);
  if (kind == Kind::kCutOff) CutOff(sheet, rng);
  if (kind != Kind::kBent) return sheet;
  const cv::Mat map = BendOf(image.rgb.size(), rng.Uniform(1.0, 6.0), rng);
  for (cv::Mat* mat : {&sheet.rgb, &sheet.buildings, &sheet.inside}) {
    const cv::Mat flat = mat->clone();
    cv::remap(flat, *mat, map, {},
              mat == &sheet.rgb ? cv::INTER_LINEAR : cv::INTER_NEAREST,
              cv::BORDER_REPLICATE);
  }
  return sheet;
}

struct Verdict {
  bool found = false;
  // Largest distance between the line found and the true one, in pixels.
  double error = 0.0;
  // Buildings lost, in pixels.
  int lost = 0;
};

Verdict Judge(const Sheet& sheet) {
  Verdict verdict;
  const auto found = Find(sheet.rgb);
  if (!found) return verdict;
  verdict.found = true;
  const cv::Mat kept = FilledRing(sheet.rgb.size(), found->outline);
  verdict.lost = cv::countNonZero(sheet.buildings & (kept == 0));
  // Depth of the worst place in what only one of the two holds.
  for (const auto& [mine, other] :
       {std::pair{kept, sheet.inside}, {sheet.inside, kept}}) {
    cv::Mat distance;
    cv::distanceTransform(other == 0, distance, cv::DIST_L2,
                          cv::DIST_MASK_PRECISE);
    double worst = 0.0;
    cv::minMaxLoc(distance, nullptr, &worst, nullptr, nullptr, mine);
    verdict.error = std::max(verdict.error, worst);
  }
  return verdict;
}

struct Row {
  int sheets = 0;
  int found = 0;
  int within = 0;  // 3 pixels
  int lost = 0;
};

void Print(const std::string& name, const std::array<Row, kKinds>& rows) {
  fmt::print("| {} |", name);
  for (const Kind kind : {Kind::kFramed, Kind::kBent, Kind::kCutOff}) {
    const Row& row = rows[static_cast<size_t>(kind)];
    fmt::print(" {}/{} | {} | {} |", row.found, row.sheets, row.within,
               row.lost);
  }
  const Row& bare = rows[static_cast<size_t>(Kind::kBare)];
  fmt::print(" {}/{} |\n", bare.sheets - bare.found, bare.sheets);
}

void Evaluate(int seeds, const std::string& keep) {
  fmt::print(
      "`neatline --seeds {}`: sheets with a frame, with a bent one (1 to 6 "
      "px), with one that the raster cuts off on one side, without. \"Within 3 "
      "px\": everywhere around the map. \"Lost\": "
      "sheets of which any pixel of a building was cut off.\n\n"
      "| hand | found | within 3 px | lost | bent: found | within 3 px | lost "
      "| cut off: found | within 3 px | lost | without: left whole |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n",
      seeds);
  std::array<Row, kKinds> totals;
  uint64_t stream = 0;
  for (const std::string& hand : synth::HandNames()) {
    ++stream;
    std::array<Row, kKinds> rows;
    for (int seed = 0; seed < seeds; ++seed) {
      for (const Kind kind :
           {Kind::kFramed, Kind::kBent, Kind::kCutOff, Kind::kBare}) {
        const Sheet sheet =
            Draw(hand, static_cast<uint64_t>(seed), stream, kind);
        const Verdict verdict = Judge(sheet);
        const bool within = verdict.found && verdict.error <= 3.0;
        const auto k = static_cast<size_t>(kind);
        for (Row* row : {&rows[k], &totals[k]}) {
          ++row->sheets;
          row->found += verdict.found;
          row->within += within;
          row->lost += verdict.lost > 0;
        }
        const bool good = kind == Kind::kBare ? !verdict.found : within;
        if (good || keep.empty()) continue;
        cv::Mat picture;
        cv::cvtColor(sheet.rgb, picture, cv::COLOR_RGB2BGR);
        if (const auto found = Find(sheet.rgb)) {
          cv::polylines(picture, Rounded(found->outline), true, {0, 0, 255}, 2);
        }
        cv::imwrite(fmt::format("{}/{}-{}-{}.png", keep, hand, seed,
                                static_cast<int>(kind)),
                    picture);
      }
    }
    Print(hand, rows);
  }
  Print("all", totals);
}

void Show(const std::string& sheet, const std::string& preview) {
  geo::ScanReaderOptions options;
  options.find_collars = false;
  geo::ScanReader whole(sheet, options);
  options.downsample =
      (std::max(whole.Width(), whole.Height()) + kLookSide - 1) / kLookSide;
  geo::ScanReader reader(sheet, options);
  geo::Pixels pixels = reader.Read({0, 0, reader.Width(), reader.Height()});
  const ImageU8 paper = geo::FindPaper(pixels.rgb, pixels.coverage);
  const auto found = geo::FindNeatline(pixels.rgb, paper);
  cv::Mat picture;
  cv::cvtColor(cv::Mat(pixels.rgb.height, pixels.rgb.width, CV_8UC3,
                       pixels.rgb.data.data()),
               picture, cv::COLOR_RGB2BGR);
  for (int row = 0; row < paper.height; ++row) {
    for (int col = 0; col < paper.width; ++col) {
      if (!*paper.At(col, row)) picture.at<cv::Vec3b>(row, col) = {255, 0, 255};
    }
  }
  if (found) {
    cv::polylines(picture, Rounded(found->outline), true, {0, 0, 255}, 2);
    fmt::print("{}: neatline on {} sides, confidence {:.2f}\n", sheet,
               found->sides, found->confidence);
  } else {
    fmt::print("{}: no neatline\n", sheet);
  }
  cv::imwrite(preview, picture);
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  CLI::App app("How well frames around maps are found");
  int seeds = 6;
  std::string sheet;
  std::string preview = "neatline.png";
  std::string keep;
  app.add_option("--seeds", seeds, "Per hand and kind of sheet")
      ->check(CLI::PositiveNumber);
  app.add_option("--sheet", sheet, "Look at one scan instead");
  app.add_option("--preview", preview, "Where to draw it");
  app.add_option("--keep", keep, "Folder for pictures of failures");
  CLI11_PARSE(app, argc, argv);
  try {
    if (sheet.empty()) {
      mapweave::Evaluate(seeds, keep);
    } else {
      mapweave::Show(sheet, preview);
    }
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "neatline: {} {}\n", error.Message(), error.Hint());
    return 1;
  }
  return 0;
}
