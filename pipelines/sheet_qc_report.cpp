// SPDX-License-Identifier: MIT
//
// The worst places of each sheet as pictures, a page and a layer.
#include "core/error.h"
#include "core/text.h"
#include "geo/polygon_ops.h"
#include "pipelines/geojson.h"
#include "pipelines/image_file.h"
#include "pipelines/sheet_qc.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <string>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr int kColumns = 4;
constexpr int kPanelPx = 256;
constexpr int kCaptionPx = 22;
// Longest side of the picture of a whole sheet.
constexpr int kOverviewPx = 1200;
constexpr char kPlaces[] = "_places.png";
constexpr char kOverview[] = "_overview.png";

const cv::Scalar kMark(200, 0, 60);

cv::Rect Surroundings(const cv::Rect& window) {
  return {window.x - window.width / 2, window.y - window.height / 2,
          2 * window.width, 2 * window.height};
}

// The place with as much again around it.
cv::Mat PlacePanel(geo::EditionReader& reader, const SuspectPlace& place,
                   int rank) {
  const cv::Rect around = Surroundings(place.window);
  geo::Pixels pixels =
      reader.Read({around.x, around.y, around.width, around.height});
  const double zoom = static_cast<double>(kPanelPx) / around.width;
  cv::Mat picture;
  cv::resize(BorrowMat(pixels.rgb), picture, {kPanelPx, kPanelPx}, 0, 0,
             zoom > 1.0 ? cv::INTER_CUBIC : cv::INTER_AREA);
  cv::rectangle(
      picture, cv::Rect(kPanelPx / 4, kPanelPx / 4, kPanelPx / 2, kPanelPx / 2),
      kMark, 1);
  cv::Mat panel(kPanelPx + kCaptionPx, kPanelPx, CV_8UC3, cv::Scalar::all(255));
  picture.copyTo(panel(cv::Rect(0, kCaptionPx, kPanelPx, kPanelPx)));
  cv::putText(panel,
              fmt::format("{}  {:.3f}  {}", rank, place.score, place.kind),
              {4, 16}, cv::FONT_HERSHEY_SIMPLEX, 0.45, cv::Scalar::all(0), 1,
              cv::LINE_AA);
  return panel;
}

cv::Mat PlacesPicture(geo::EditionReader& reader, const SheetQuality& sheet) {
  constexpr int kGapPx = 8;
  const int count = static_cast<int>(sheet.places.size());
  const int columns = std::clamp(count, 1, kColumns);
  const int rows = std::max(1, (count + columns - 1) / columns);
  const cv::Size cell(kPanelPx + kGapPx, kPanelPx + kCaptionPx + kGapPx);
  cv::Mat picture(rows * cell.height, columns * cell.width, CV_8UC3,
                  cv::Scalar::all(255));
  for (int i = 0; i < count; ++i) {
    const cv::Mat panel =
        PlacePanel(reader, sheet.places[static_cast<size_t>(i)], i + 1);
    panel.copyTo(
        picture(cv::Rect((i % columns) * cell.width,
                         (i / columns) * cell.height, panel.cols, panel.rows)));
  }
  return picture;
}

cv::Mat OverviewPicture(geo::EditionReader& reader, const geo::SheetInfo& info,
                        const SheetQuality& sheet) {
  const geo::Grid& grid = reader.GetGrid();
  const Box box = geo::Bounds(info.FootprintIn(grid.crs));
  const Point2d a = grid.PixelFromWorld({box.min_x, box.max_y});
  const Point2d b = grid.PixelFromWorld({box.max_x, box.min_y});
  const geo::Window window{static_cast<int64_t>(a.x), static_cast<int64_t>(a.y),
                           std::max(1, static_cast<int>(b.x - a.x)),
                           std::max(1, static_cast<int>(b.y - a.y))};
  const int reduction =
      std::max(1, (std::max(window.width, window.height) + kOverviewPx - 1) /
                      kOverviewPx);
  geo::Pixels pixels = reader.Read(window, reduction);
  cv::Mat picture = BorrowMat(pixels.rgb).clone();
  int rank = 0;
  for (const SuspectPlace& place : sheet.places) {
    const cv::Rect at(static_cast<int>(place.window.x - window.col) / reduction,
                      static_cast<int>(place.window.y - window.row) / reduction,
                      std::max(4, place.window.width / reduction),
                      std::max(4, place.window.height / reduction));
    cv::rectangle(picture, at, kMark, 2);
    cv::putText(picture, std::to_string(++rank), {at.x + 2, at.y - 3},
                cv::FONT_HERSHEY_SIMPLEX, 0.55, kMark, 2, cv::LINE_AA);
  }
  return picture;
}

std::string SheetSection(const SheetQuality& sheet, const std::string& name) {
  std::string html = fmt::format(
      "<h2>{} ({})</h2>\n<p>{} windows, median score {:.3f}.</p>\n",
      EscapedHtml(sheet.path.filename().string()), EscapedHtml(sheet.edition),
      sheet.windows, sheet.median_score);
  if (sheet.places.empty()) return html + "<p>Nothing to look at.</p>\n";
  html += fmt::format(
      "<figure><img src=\"{0}{1}\" alt=\"\"></figure>\n"
      "<figure><img src=\"{0}{2}\" alt=\"\"></figure>\n"
      "<table><tr><th>rank</th><th>score</th><th>most like</th><th>x</th>"
      "<th>y</th></tr>\n",
      name, kPlaces, kOverview);
  int rank = 0;
  for (const SuspectPlace& place : sheet.places) {
    html += fmt::format(
        "<tr><td>{}</td><td>{:.3f}</td><td>{}</td><td>{:.2f}</td><td>{:.2f}"
        "</td></tr>\n",
        ++rank, place.score, EscapedHtml(place.kind), place.Centre().x,
        place.Centre().y);
  }
  return html + "</table>\n";
}

constexpr char kQcHead[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>Places to look at</title><style>body{font:16px sans-serif;"
    "margin:2em;max-width:1300px}img{max-width:100%}figure{margin:1em 0}"
    "td,th{padding:0 1em;text-align:right}</style></head><body>"
    "<h1>Places to look at</h1>\n<p>Ranked by a small network that learned "
    "from simulated damage. It does not know what is drawn here: a high score "
    "is a reason to look, no finding, and a low one proves nothing.</p>\n";

GeoJsonFeature PlaceFeature(const SheetQuality& sheet, const std::string& name,
                            const SuspectPlace& place, int rank) {
  const Box& b = place.bounds;
  GeoJsonFeature feature;
  feature.id = fmt::format("{}-{}", name, rank);
  feature.geometry = {Polygon{{{b.min_x, b.min_y},
                               {b.max_x, b.min_y},
                               {b.max_x, b.max_y},
                               {b.min_x, b.max_y}},
                              {}}};
  feature.properties = {{"sheet", sheet.path.filename().string()},
                        {"edition", sheet.edition},
                        {"rank", rank},
                        {"score", place.score},
                        {"kind", place.kind}};
  return feature;
}

}  // namespace

void WriteQcReport(const Project& project,
                   const std::vector<SheetQuality>& sheets,
                   const fs::path& folder, Overwrite overwrite,
                   RunContext& context) {
  MakeFolder(folder);
  std::vector<const geo::SheetInfo*> infos;
  for (const ProjectEdition& edition : project.editions) {
    for (const geo::SheetInfo& info : edition.sheets) infos.push_back(&info);
  }
  MAPWEAVE_CHECK(infos.size() == sheets.size());
  std::vector<std::string> labels;
  for (const SheetQuality& sheet : sheets) {
    labels.push_back(sheet.path.stem().string());
  }
  const std::vector<std::string> names = UniqueFileNames(labels, "sheet");
  std::string html = kQcHead;
  std::vector<GeoJsonFeature> features;
  context.progress.Start("report", std::ssize(sheets));
  for (size_t i = 0; i < sheets.size(); ++i) {
    context.cancel.ThrowIfCancelled();
    if (!sheets[i].places.empty()) {
      geo::EditionReader reader({*infos[i]}, project.grid);
      WriteImage(folder / (names[i] + kPlaces),
                 PlacesPicture(reader, sheets[i]), overwrite);
      WriteImage(folder / (names[i] + kOverview),
                 OverviewPicture(reader, *infos[i], sheets[i]), overwrite);
    }
    int rank = 0;
    for (const SuspectPlace& place : sheets[i].places) {
      features.push_back(PlaceFeature(sheets[i], names[i], place, ++rank));
    }
    html += SheetSection(sheets[i], names[i]);
    context.progress.Advance();
  }
  WriteFileAtomically(
      folder / "places.geojson",
      DumpFeatureCollection(FeatureCollection(features, project.grid.crs)),
      overwrite);
  WriteFileAtomically(folder / "index.html", html + "</body></html>\n",
                      overwrite);
  context.progress.Finish();
}

}  // namespace mapweave::pipelines
