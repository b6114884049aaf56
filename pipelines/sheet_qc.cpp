// SPDX-License-Identifier: MIT
#include "pipelines/sheet_qc.h"

#include "core/error.h"
#include "geo/polygon_ops.h"
#include "models/ssl/sheet_probe.h"
#include "pipelines/shipped_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace mapweave::pipelines {
namespace {

// Share of a window that must be legible paper.
constexpr double kPaperShare = 0.98;
// Windows in a row and column of a part that is read at once.
constexpr size_t kPartWindows = 30;

ssl::SheetProbe LoadProbe(const QcOptions& options) {
  return ssl::SheetProbe::Load(
      options.probe.empty() ? DefaultSheetProbe() : options.probe,
      options.device);
}

// Every stride from `begin`, and the last one that fits; none if none fits.
std::vector<int> Positions(int begin, int end, int window, int stride) {
  std::vector<int> positions;
  for (int at = begin; at + window <= end; at += stride)
    positions.push_back(at);
  if (!positions.empty() && positions.back() + window < end) {
    positions.push_back(end - window);
  }
  return positions;
}

// The part of the grid that the sheet lies in.
cv::Rect GridBox(const geo::SheetInfo& sheet, const geo::Grid& grid) {
  const Box box = geo::Bounds(sheet.FootprintIn(grid.crs));
  const Point2d a = grid.PixelFromWorld({box.min_x, box.max_y});
  const Point2d b = grid.PixelFromWorld({box.max_x, box.min_y});
  const auto clamp = [](double v, int64_t end) {
    return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(end)));
  };
  const int left = clamp(std::floor(a.x + 1e-6), grid.width);
  const int top = clamp(std::floor(a.y + 1e-6), grid.height);
  const int right = clamp(std::ceil(b.x - 1e-6), grid.width);
  const int bottom = clamp(std::ceil(b.y - 1e-6), grid.height);
  return {left, top, std::max(0, right - left), std::max(0, bottom - top)};
}

// Windows of a part with enough paper, and where they lie on the grid.
struct PartWindows {
  std::vector<cv::Mat> pixels;
  std::vector<cv::Rect> at;
};

PartWindows CutPart(geo::EditionReader& reader, const std::vector<int>& xs,
                    const std::vector<int>& ys, int side) {
  const cv::Rect part(xs.front(), ys.front(), xs.back() - xs.front() + side,
                      ys.back() - ys.front() + side);
  geo::Pixels read = reader.Read({part.x, part.y, part.width, part.height});
  const cv::Mat rgb = BorrowMat(read.rgb);
  const cv::Mat coverage = BorrowMat(read.coverage);
  PartWindows windows;
  for (const int y : ys) {
    for (const int x : xs) {
      const cv::Rect at(x, y, side, side);
      const cv::Rect within(at.tl() - part.tl(), at.size());
      const int paper = cv::countNonZero(coverage(within));
      if (paper < kPaperShare * side * side) continue;
      cv::Mat window = rgb(within).clone();
      // What is no paper must not look like a hole in it.
      if (paper < side * side) {
        window.setTo(cv::mean(window, coverage(within)), coverage(within) == 0);
      }
      windows.pixels.push_back(window);
      windows.at.push_back(at);
    }
  }
  return windows;
}

bool Overlap(const cv::Rect& a, const cv::Rect& b) {
  return (a & b).area() > 0;
}

// The worst that do not overlap, at most `count`.
std::vector<SuspectPlace> WorstApart(std::vector<SuspectPlace> places,
                                     int count) {
  std::ranges::sort(places, [](const auto& a, const auto& b) {
    return std::make_tuple(-a.score, a.window.y, a.window.x) <
           std::make_tuple(-b.score, b.window.y, b.window.x);
  });
  std::vector<SuspectPlace> worst;
  for (SuspectPlace& place : places) {
    if (std::ssize(worst) == count) break;
    const bool taken = std::ranges::any_of(worst, [&](const auto& other) {
      return Overlap(other.window, place.window);
    });
    if (!taken) worst.push_back(std::move(place));
  }
  return worst;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

SheetQuality InspectOne(const geo::SheetInfo& sheet, const geo::Grid& grid,
                        const ssl::SheetProbe& probe, const QcOptions& options,
                        RunContext& context) {
  SheetQuality quality;
  quality.path = sheet.path;
  const int side = probe.WindowPx();
  const cv::Rect box = GridBox(sheet, grid);
  const std::vector<int> xs =
      Positions(box.x, box.x + box.width, side, options.stride_px);
  const std::vector<int> ys =
      Positions(box.y, box.y + box.height, side, options.stride_px);
  if (xs.empty() || ys.empty()) return quality;
  geo::EditionReader reader({sheet}, grid);
  std::vector<SuspectPlace> places;
  std::vector<double> scores;
  const auto slice = [](const std::vector<int>& all, size_t begin) {
    return std::vector<int>(
        all.begin() + static_cast<ptrdiff_t>(begin),
        all.begin() +
            static_cast<ptrdiff_t>(std::min(all.size(), begin + kPartWindows)));
  };
  for (size_t j = 0; j < ys.size(); j += kPartWindows) {
    for (size_t i = 0; i < xs.size(); i += kPartWindows) {
      context.cancel.ThrowIfCancelled();
      const PartWindows part =
          CutPart(reader, slice(xs, i), slice(ys, j), side);
      const std::vector<ssl::WindowScore> found = probe.Score(part.pixels);
      for (size_t k = 0; k < found.size(); ++k) {
        places.push_back({found[k].score, found[k].kind, part.at[k], {}});
        scores.push_back(found[k].score);
      }
    }
  }
  quality.windows = std::ssize(scores);
  quality.median_score = Median(std::move(scores));
  quality.places = WorstApart(std::move(places), options.places);
  for (SuspectPlace& place : quality.places) {
    const cv::Rect& w = place.window;
    const Point2d a = grid.WorldFromPixel(
        {static_cast<double>(w.x), static_cast<double>(w.y + w.height)});
    const Point2d b = grid.WorldFromPixel(
        {static_cast<double>(w.x + w.width), static_cast<double>(w.y)});
    place.bounds = {a.x, a.y, b.x, b.y};
  }
  return quality;
}

}  // namespace

void QcOptions::Validate() const {
  if (places < 1 || places > 10000) {
    throw Error(ErrorCode::kUsage, "--qc-places must be 1 to 10000");
  }
  if (stride_px < 4) {
    throw Error(ErrorCode::kUsage,
                "quality control: the stride must be 4 px "
                "or more");
  }
}

Point2d SuspectPlace::Centre() const {
  return {(bounds.min_x + bounds.max_x) / 2.0,
          (bounds.min_y + bounds.max_y) / 2.0};
}

std::string DefaultSheetProbe() {
  const auto found = FindShippedWeights("qc.safetensors");
  if (!found) {
    throw Error(ErrorCode::kDevice,
                "the shipped probe of sheets is not "
                "installed",
                "Train one with 'mapweave ssl qc-train -o qc.safetensors' "
                "and name it with --qc-probe.");
  }
  return *found;
}

void CheckQcOptions(const QcOptions& options, Overwrite overwrite) {
  options.Validate();
  LoadProbe(options);
  if (options.report.empty()) return;
  MakeFolder(options.report);
  for (const char* file : {"index.html", "places.geojson"}) {
    CheckWritable(std::filesystem::path(options.report) / file, overwrite);
  }
}

std::vector<SheetQuality> InspectSheets(const Project& project,
                                        const QcOptions& options,
                                        RunContext& context) {
  options.Validate();
  const ssl::SheetProbe probe = LoadProbe(options);
  int64_t count = 0;
  for (const ProjectEdition& edition : project.editions) {
    count += std::ssize(edition.sheets);
  }
  context.progress.Start("quality control", count);
  std::vector<SheetQuality> sheets;
  for (const ProjectEdition& edition : project.editions) {
    for (const geo::SheetInfo& sheet : edition.sheets) {
      sheets.push_back(
          InspectOne(sheet, project.grid, probe, options, context));
      sheets.back().edition = edition.label;
      context.progress.Advance();
    }
  }
  context.progress.Finish();
  return sheets;
}

std::vector<SheetQuality> CheckSheetQuality(const Project& project,
                                            const QcOptions& options,
                                            Overwrite overwrite,
                                            RunContext& context) {
  std::vector<SheetQuality> sheets = InspectSheets(project, options, context);
  if (!options.report.empty()) {
    WriteQcReport(project, sheets, options.report, overwrite, context);
  }
  return sheets;
}

Json ToJson(const std::vector<SheetQuality>& sheets) {
  Json document = Json::array();
  for (const SheetQuality& sheet : sheets) {
    Json places = Json::array();
    for (const SuspectPlace& place : sheet.places) {
      const Box& b = place.bounds;
      places.push_back({{"score", place.score},
                        {"kind", place.kind},
                        {"centre", {place.Centre().x, place.Centre().y}},
                        {"bbox", {b.min_x, b.min_y, b.max_x, b.max_y}}});
    }
    document.push_back({{"path", sheet.path.string()},
                        {"edition", sheet.edition},
                        {"windows", sheet.windows},
                        {"median_score", sheet.median_score},
                        {"places", places}});
  }
  return document;
}

std::string QcText(const std::vector<SheetQuality>& sheets) {
  std::string text =
      "Places to look at first, worst first: a ranking by a probe that was "
      "trained on simulated\ndamage, not a verdict.\n";
  for (const SheetQuality& sheet : sheets) {
    text += fmt::format("{} ({}): {} windows, median score {:.3f}\n",
                        sheet.path.string(), sheet.edition, sheet.windows,
                        sheet.median_score);
    int rank = 0;
    for (const SuspectPlace& place : sheet.places) {
      text += fmt::format("  {:>3}  {:.3f}  {:<14} {:>14.2f} {:>14.2f}\n",
                          ++rank, place.score, place.kind, place.Centre().x,
                          place.Centre().y);
    }
  }
  return text;
}

}  // namespace mapweave::pipelines
