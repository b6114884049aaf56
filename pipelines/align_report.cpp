// SPDX-License-Identifier: MIT
#include "pipelines/align_report.h"

#include "core/error.h"
#include "core/text.h"
#include "geo/geotiff_writer.h"
#include "pipelines/project.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Longest side of the pictures.
constexpr int kPicturePx = 1400;
// Squares of the chessboard, and distance between arrows.
constexpr int kSquarePx = 100;
constexpr int kArrowPx = 50;
// Sub-pixel bits of OpenCV's drawing.
constexpr int kShift = 4;

// How the names of pictures end.
constexpr char kBefore[] = "_before.png";
constexpr char kAfter[] = "_after.png";
constexpr char kArrows[] = "_arrows.png";

// What the names of each edition's files begin with.
std::vector<std::string> FileNames(const Project& project) {
  std::vector<std::string> labels;
  for (const ProjectEdition& edition : project.editions) {
    labels.push_back(edition.label);
  }
  return UniqueFileNames(labels, "edition");
}

fs::path FieldPath(const fs::path& folder, const std::string& name) {
  return folder / (name + "_displacement.tif");
}

void WritePng(const fs::path& path, const cv::Mat& rgb, Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  if (!cv::imwrite(file.TempPath().string(), bgr)) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}'", path.string()),
                "Is the disk full?");
  }
  file.Commit();
}

// The whole of an edition, reduced.
struct View {
  cv::Mat rgb;
  cv::Mat coverage;
};

View ReadWhole(geo::EditionReader reader, const geo::Grid& grid,
               int reduction) {
  geo::Pixels pixels = reader.Read(
      {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)},
      reduction);
  return {BorrowMat(pixels.rgb).clone(), BorrowMat(pixels.coverage).clone()};
}

// Squares of the one and the other in turn; where only one has paper, that.
cv::Mat Chessboard(const View& one, const View& other) {
  cv::Mat board = one.rgb.clone();
  for (int row = 0; row < board.rows; ++row) {
    for (int col = 0; col < board.cols; ++col) {
      const bool white = (row / kSquarePx + col / kSquarePx) % 2 == 0;
      const bool covered = one.coverage.at<uint8_t>(row, col) != 0;
      if ((white || !covered) && other.coverage.at<uint8_t>(row, col) != 0) {
        board.at<cv::Vec3b>(row, col) = other.rgb.at<cv::Vec3b>(row, col);
      }
    }
  }
  return board;
}

// Draws fields and errors in pictures of the grid.
class ArrowMap {
 public:
  ArrowMap(const View& view, const geo::Grid& grid, int reduction)
      : picture_(view.rgb.clone()),
        coverage_(view.coverage),
        grid_(grid),
        reduction_(reduction) {
    // Paled, so that the arrows stand out.
    picture_.convertTo(picture_, -1, 0.5, 127.0);
  }

  // Lengths are exaggerated so that the longest arrow spans a gap.
  double DrawField(const DisplacementField& field) {
    std::vector<std::pair<cv::Point2d, cv::Point2d>> arrows;
    double longest = 1e-9;
    for (int row = kArrowPx / 2; row < picture_.rows; row += kArrowPx) {
      for (int col = kArrowPx / 2; col < picture_.cols; col += kArrowPx) {
        if (coverage_.at<uint8_t>(row, col) == 0) continue;
        const cv::Point2d at(col + 0.5, row + 0.5);
        const Point2d d = field.At(
            grid_.WorldFromPixel({at.x * reduction_, at.y * reduction_}));
        arrows.emplace_back(at, cv::Point2d(d.x, -d.y));
        longest = std::max(longest, std::hypot(d.x, d.y));
      }
    }
    const double scale = 0.95 * kArrowPx / longest;
    for (const auto& [at, way] : arrows) {
      Arrow(at, at + scale * way, {20, 60, 170});
    }
    return scale * grid_.resolution * reduction_;
  }

  // Circles as large as the error, to the scale of the map times `scale`.
  void DrawErrors(const std::vector<PlaceError>& errors, double metres_per_unit,
                  double scale) {
    for (const PlaceError& error : errors) {
      const Point2d p = grid_.PixelFromWorld(error.at);
      const cv::Point2d at(p.x / reduction_, p.y / reduction_);
      const double pixels = scale * std::hypot(error.east_m, error.north_m) /
                            (metres_per_unit * grid_.resolution * reduction_);
      cv::circle(picture_, Fixed(at),
                 std::max(1, cvRound(pixels * (1 << kShift))), {200, 30, 30}, 2,
                 cv::LINE_AA, kShift);
    }
  }

  const cv::Mat& Picture() const { return picture_; }

 private:
  static cv::Point Fixed(cv::Point2d p) {
    return {cvRound(p.x * (1 << kShift)), cvRound(p.y * (1 << kShift))};
  }
  void Arrow(cv::Point2d from, cv::Point2d to, const cv::Scalar& colour) {
    cv::arrowedLine(picture_, Fixed(from), Fixed(to), colour, 2, cv::LINE_AA,
                    kShift, 0.25);
  }

  cv::Mat picture_;
  cv::Mat coverage_;
  const geo::Grid& grid_;
  int reduction_;
};

// Bars of half a metre or more, as SVG.
std::string Histogram(const std::vector<PlaceError>& errors) {
  constexpr int kBars = 16;
  constexpr int kBarPx = 28;
  constexpr int kHeightPx = 140;
  std::vector<double> lengths;
  for (const PlaceError& error : errors) {
    lengths.push_back(std::hypot(error.east_m, error.north_m));
  }
  const double longest = *std::max_element(lengths.begin(), lengths.end());
  const double bar = std::max(0.5, std::ceil(2.0 * longest / kBars) / 2.0);
  std::vector<int> counts(kBars);
  for (const double length : lengths) {
    ++counts[static_cast<size_t>(
        std::min(kBars - 1, static_cast<int>(length / bar)))];
  }
  const int most = *std::max_element(counts.begin(), counts.end());
  std::string svg = fmt::format(
      "<svg width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"Histogram of "
      "errors\">",
      kBars * kBarPx + 20, kHeightPx + 40);
  for (int i = 0; i < kBars; ++i) {
    const int height = counts[static_cast<size_t>(i)] * kHeightPx / most;
    svg += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" "
        "fill=\"#b33\"/><text x=\"{}\" y=\"{}\">{:.3g}</text>",
        i * kBarPx, kHeightPx - height, kBarPx - 3, height, i * kBarPx,
        kHeightPx + 16, i * bar);
  }
  svg +=
      fmt::format("<text x=\"0\" y=\"{}\">metres</text></svg>", kHeightPx + 34);
  return svg;
}

// `name`: what the names of the edition's files begin with.
std::string Section(const EditionAlignment& edition, const std::string& name,
                    const std::string& newest, double exaggeration) {
  const std::string label = EscapedHtml(edition.edition);
  std::string html = fmt::format("<h2>{}</h2>\n", label);
  if (edition.edition == newest) {
    return html + "<p>The newest edition stands still.</p>\n";
  }
  if (!edition.aligned) {
    return html + fmt::format(
                      "<p class=\"bad\">Fits no other edition (confidence "
                      "{:.2f}): left where its georeference puts it.</p>\n",
                      edition.confidence);
  }
  html += fmt::format(
      "<p>Moved by {:+.2f} m east and {:+.2f} m north on average, and by "
      "{:.2f} m (root mean square) about that. {}</p>\n",
      edition.shift_x_m, edition.shift_y_m, edition.local_m,
      edition.residual_m
          ? fmt::format("At {} places that the fit did not see, {:.2f} m are "
                        "left (median).",
                        edition.held_out_points, *edition.residual_m)
          : "There was no place to check it at.");
  if (edition.matched_share) {
    html += fmt::format(
        "<p>Of the windows that it shares with another edition {:.0f} % were "
        "recognised on both; the errors are of these alone.</p>\n",
        100.0 * *edition.matched_share);
  }
  html += fmt::format(
      "<div class=\"pair\"><figure><img src=\"{0}_before.png\" alt=\"\">"
      "<figcaption>{1} and {2} as georeferenced</figcaption></figure>\n"
      "<figure><img src=\"{0}_after.png\" alt=\"\"><figcaption>{1} and {2} "
      "after alignment</figcaption></figure></div>\n"
      "<figure><img src=\"{0}_arrows.png\" alt=\"\"><figcaption>Arrows: the "
      "field less its mean, {3:.0f} times as long as on the map. Circles: "
      "errors at held-out places, to the same scale.</figcaption></figure>\n",
      name, label, EscapedHtml(newest), exaggeration);
  if (!edition.errors.empty()) {
    html += fmt::format(
        "<figure>{}<figcaption>Errors at held-out places"
        "</figcaption></figure>\n",
        Histogram(edition.errors));
  }
  return html;
}

constexpr char kHead[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>Alignment</title><style>body{font:16px sans-serif;margin:2em;"
    "max-width:1500px}img{max-width:100%}.pair{display:flex;gap:1em}"
    "figure{margin:1em 0}text{font-size:10px}.bad{color:#a00}</style></head>"
    "<body><h1>Alignment</h1>\n";

DisplacementField WithoutMean(DisplacementField field) {
  const auto subtract = [](std::vector<double>& values) {
    double sum = 0.0;
    for (const double v : values) sum += v;
    for (double& v : values) v -= sum / static_cast<double>(values.size());
  };
  if (!field.IsEmpty()) {
    subtract(field.dx);
    subtract(field.dy);
  }
  return field;
}

}  // namespace

void CheckAlignmentFields(const db::Store& store, const fs::path& folder,
                          Overwrite overwrite) {
  MakeFolder(folder);
  for (const std::string& name : FileNames(LoadProject(store))) {
    CheckWritable(FieldPath(folder, name), overwrite);
  }
}

void CheckAlignmentReport(const db::Store& store, const fs::path& folder,
                          Overwrite overwrite) {
  MakeFolder(folder);
  CheckWritable(folder / "index.html", overwrite);
  for (const std::string& name : FileNames(LoadProject(store))) {
    for (const char* picture : {kBefore, kAfter, kArrows}) {
      CheckWritable(folder / (name + picture), overwrite);
    }
  }
}

void WriteAlignmentFields(const db::Store& store, const fs::path& folder,
                          Overwrite overwrite) {
  const Project project = LoadProject(store);
  const std::vector<std::string> names = FileNames(project);
  MakeFolder(folder);
  const geo::GroundScale scale = project.grid.Scale();
  for (size_t i = 0; i < names.size(); ++i) {
    const ProjectEdition& edition = project.editions[i];
    const DisplacementField& field = edition.displacement;
    if (!edition.aligned || field.IsEmpty()) continue;
    geo::Grid grid = project.grid;
    const auto longer = static_cast<double>(std::max(grid.width, grid.height));
    // A field without bends needs no more than a few pixels.
    const double spacing = field.IsConstant()
                               ? longer / 4.0
                               : std::abs(field.step.x) / grid.resolution;
    const double reduction = std::max(1.0, std::floor(spacing / 4.0));
    grid.resolution *= reduction;
    const auto reduced = [reduction](int64_t px) {
      return static_cast<int64_t>(
          std::ceil(static_cast<double>(px) / reduction));
    };
    grid.width = reduced(grid.width);
    grid.height = reduced(grid.height);
    geo::FloatBands bands{{"east_m", "north_m", "sigma_m"}, {{}, {}, {}}};
    for (int64_t row = 0; row < grid.height; ++row) {
      for (int64_t col = 0; col < grid.width; ++col) {
        const Point2d at = grid.WorldFromPixel(
            {static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5});
        const Point2d d = field.At(at);
        bands.bands[0].push_back(static_cast<float>(d.x * scale.x));
        bands.bands[1].push_back(static_cast<float>(d.y * scale.y));
        bands.bands[2].push_back(
            static_cast<float>(field.SigmaAt(at) * scale.Length()));
      }
    }
    geo::WriteFloatGeoTiff(FieldPath(folder, names[i]), bands, grid, overwrite);
  }
}

void WriteAlignmentReport(const db::Store& store,
                          const std::vector<EditionAlignment>& editions,
                          const fs::path& folder, Overwrite overwrite,
                          RunContext& context) {
  const Project project = LoadProject(store);
  MAPWEAVE_CHECK(editions.size() == project.editions.size());
  const std::vector<std::string> names = FileNames(project);
  MakeFolder(folder);
  const geo::Grid& grid = project.grid;
  const int64_t side = std::max(grid.width, grid.height);
  const int reduction = static_cast<int>((side + kPicturePx - 1) / kPicturePx);
  const size_t newest = editions.size() - 1;
  context.progress.Start("report", static_cast<int64_t>(editions.size()));
  const View reference =
      ReadWhole(OpenEdition(project, newest), grid, reduction);
  std::string html = kHead;
  for (size_t i = 0; i < editions.size(); ++i) {
    context.cancel.ThrowIfCancelled();
    double exaggeration = 1.0;
    if (i != newest && editions[i].aligned) {
      const fs::path base = folder / names[i];
      geo::EditionReader after = OpenEdition(project, i);
      const View stated = ReadWhole(after.Fork({}), grid, reduction);
      WritePng(base.string() + kBefore, Chessboard(stated, reference),
               overwrite);
      WritePng(
          base.string() + kAfter,
          Chessboard(ReadWhole(std::move(after), grid, reduction), reference),
          overwrite);
      ArrowMap arrows(stated, grid, reduction);
      exaggeration =
          arrows.DrawField(WithoutMean(project.editions[i].displacement));
      arrows.DrawErrors(editions[i].errors, grid.Scale().Length(),
                        exaggeration);
      WritePng(base.string() + kArrows, arrows.Picture(), overwrite);
    }
    html +=
        Section(editions[i], names[i], editions[newest].edition, exaggeration);
    context.progress.Advance();
  }
  WriteFileAtomically(folder / "index.html", html + "</body></html>\n",
                      overwrite);
  context.progress.Finish();
}

}  // namespace mapweave::pipelines
