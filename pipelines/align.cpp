// SPDX-License-Identifier: MIT
#include "pipelines/align.h"

#include "core/error.h"
#include "core/log.h"
#include "pipelines/project.h"
#include "tracking/series_alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::pipelines {
namespace {

// Rows that are read at once, so that memory does not grow with the sheets.
constexpr int kStripRows = 1024;

// From pixels of the grid (y down) to coordinates of its CRS (y up).
DisplacementField GroundField(DisplacementField field, const geo::Grid& grid) {
  const double resolution = grid.resolution;
  field.origin = grid.WorldFromPixel(field.origin);
  field.step = {resolution * field.step.x, -resolution * field.step.y};
  for (double& v : field.dx) v *= resolution;
  for (double& v : field.dy) v *= -resolution;
  for (double& v : field.sigma) v *= resolution;
  return field;
}

// Reads the editions as the alignment asks for them.
class ViewReader {
 public:
  ViewReader(const Project& project, RunContext& context)
      : grid_(project.grid), context_(context) {
    for (const ProjectEdition& edition : project.editions) {
      // What earlier alignments found is not applied: the estimate starts from
      // the georeference, so that it can be repeated.
      readers_.push_back({geo::EditionReader(edition.sheets, grid_), {}});
    }
  }

  tracking::EditionView Read(const tracking::ViewRequest& request) {
    geo::EditionReader& reader =
        ReaderFor(request.edition, *request.displacement);
    const cv::Rect& area = request.area;
    tracking::EditionView view;
    view.rgb = cv::Mat(area.size(), CV_8UC3);
    view.coverage = cv::Mat(area.size(), CV_8UC1);
    const int strip = std::max(1, kStripRows / request.reduction);
    for (int row = 0; row < area.height; row += strip) {
      context_.cancel.ThrowIfCancelled();
      const int rows = std::min(strip, area.height - row);
      geo::Pixels pixels = reader.Read(
          {int64_t{area.x} * request.reduction,
           int64_t{area.y + row} * request.reduction,
           area.width * request.reduction, rows * request.reduction},
          request.reduction);
      BorrowMat(pixels.rgb).copyTo(view.rgb.rowRange(row, row + rows));
      BorrowMat(pixels.coverage)
          .copyTo(view.coverage.rowRange(row, row + rows));
      context_.progress.Advance(int64_t{rows} * area.width * request.reduction *
                                request.reduction);
    }
    return view;
  }

 private:
  struct Reader {
    geo::EditionReader reader;
    DisplacementField displacement;  // grid px, y down
  };

  geo::EditionReader& ReaderFor(size_t edition,
                                const DisplacementField& displacement) {
    Reader& known = readers_[edition];
    if (known.displacement != displacement) {
      known.reader = known.reader.Fork(GroundField(displacement, grid_));
      known.displacement = displacement;
    }
    return known.reader;
  }

  const geo::Grid& grid_;
  RunContext& context_;
  std::vector<Reader> readers_;
};

tracking::SeriesAlignmentOptions SeriesOptionsFor(const AlignOptions& options,
                                                  const Project& project) {
  tracking::SeriesAlignmentOptions series;
  series.editions = project.editions.size();
  series.grid_size = {static_cast<int>(project.grid.width),
                      static_cast<int>(project.grid.height)};
  series.metres_per_px = project.grid.PixelMetres();
  series.max_shift_m = options.max_shift_m;
  series.min_confidence = options.min_confidence;
  series.overview_px = options.overview_px;
  series.affine_only = options.coarse;
  return series;
}

// Root mean square of what the field does beyond its mean, over the grid, in
// its own units.
double LocalPart(const DisplacementField& field, const geo::Grid& grid) {
  constexpr int kPlaces = 24;  // per side
  const Box box = grid.Extent();
  Point2d sum;
  double squares = 0.0;
  for (int row = 0; row < kPlaces; ++row) {
    for (int col = 0; col < kPlaces; ++col) {
      const Point2d d = field.At(
          {box.min_x + (col + 0.5) / kPlaces * (box.max_x - box.min_x),
           box.min_y + (row + 0.5) / kPlaces * (box.max_y - box.min_y)});
      sum.x += d.x;
      sum.y += d.y;
      squares += d.x * d.x + d.y * d.y;
    }
  }
  constexpr double kCount = kPlaces * kPlaces;
  const double mean = std::hypot(sum.x, sum.y) / kCount;
  return std::sqrt(std::max(0.0, squares / kCount - mean * mean));
}

db::EditionRow WithAlignment(db::EditionRow row,
                             const tracking::EditionAlignment& found,
                             const geo::Grid& grid) {
  const geo::GroundScale scale = grid.Scale();
  // Image rows run south, the ground's y runs north.
  row.shift_x_m = found.mean_shift.x * grid.resolution * scale.x;
  row.shift_y_m = -found.mean_shift.y * grid.resolution * scale.y;
  row.align_confidence = found.confidence;
  row.aligned = found.aligned;
  row.held_out_points = static_cast<int64_t>(found.fit.held_out.size());
  row.residual_m.reset();
  if (!found.fit.held_out.empty()) {
    row.residual_m = found.fit.MedianError() * grid.PixelMetres();
  }
  return row;
}

void SaveAlignment(db::Store& store, const geo::Grid& grid,
                   const tracking::SeriesAlignment& series) {
  const std::vector<db::EditionRow> rows = store.Editions();
  for (size_t i = 0; i < rows.size(); ++i) {
    const tracking::EditionAlignment& found = series.editions[i];
    store.SaveEdition(WithAlignment(rows[i], found, grid));
    store.SaveAlignmentField(rows[i].edition,
                             GroundField(found.fit.field, grid));
  }
}

bool ChangesAlignment(const Project& project,
                      const tracking::SeriesAlignment& series) {
  for (size_t i = 0; i < project.editions.size(); ++i) {
    const DisplacementField& before = project.editions[i].displacement;
    const DisplacementField& now = series.editions[i].fit.field;
    if (before.IsEmpty() && now.IsEmpty()) continue;
    if (before != GroundField(now, project.grid)) return true;
  }
  return false;
}

void GiveUpResult(db::Store& store, bool is_allowed) {
  const std::vector<db::RunRow> runs = store.Runs();
  if (runs.empty()) return;
  if (!is_allowed) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the buildings in '{}' rest on another alignment",
                            store.Path().string()),
                "Add --overwrite to give them up and align anew; then run "
                "'mapweave segment' and 'mapweave lineage'.");
  }
  for (const db::RunRow& run : runs) store.DeleteRun(run.run_id);
  LogWarning(
      "align: the buildings of the former alignment are gone: run 'mapweave "
      "segment' and 'mapweave lineage'");
}

std::vector<PlaceError> ErrorsOf(const tracking::EditionAlignment& edition,
                                 const geo::Grid& grid) {
  const geo::GroundScale scale = grid.Scale();
  std::vector<PlaceError> errors;
  for (const tracking::HeldOut& place : edition.fit.held_out) {
    errors.push_back({grid.WorldFromPixel({place.at.x, place.at.y}),
                      place.error.x * grid.resolution * scale.x,
                      -place.error.y * grid.resolution * scale.y});
  }
  return errors;
}

// Fewer places are no sound measure.
constexpr int64_t kFewPlaces = 8;
constexpr double kSmallShare = 0.05;

void Report(const EditionAlignment& edition, bool is_newest) {
  if (!edition.aligned) {
    LogWarning(
        "align: edition {} fits no other edition (confidence {:.2f}); it stays "
        "where its georeference puts it",
        edition.edition, edition.confidence);
    return;
  }
  LogInfo(
      "align: edition {} moved by {:+.2f} m east, {:+.2f} m north, locally by "
      "{:.2f} m (confidence {:.2f}){}",
      edition.edition, edition.shift_x_m, edition.shift_y_m, edition.local_m,
      edition.confidence,
      edition.residual_m
          ? fmt::format(", {:.2f} m left at {} held-out places",
                        *edition.residual_m, edition.held_out_points)
          : "");
  const double share = edition.matched_share.value_or(0.0);
  if (!is_newest &&
      (edition.held_out_points < kFewPlaces || share < kSmallShare)) {
    LogWarning(
        "align: edition {} was recognised at {} places only, {:.0f} % of where "
        "it was looked for: check it with 'align --report'",
        edition.edition, edition.held_out_points, 100.0 * share);
  }
}

}  // namespace

void AlignOptions::Validate() const {
  if (!(max_shift_m >= 0.0 && max_shift_m <= 1e5)) {
    throw Error(ErrorCode::kUsage, "--max-shift-m must lie in [0, 100000]");
  }
  if (!(min_confidence >= 0.0 && min_confidence <= 1.0)) {
    throw Error(ErrorCode::kUsage, "--min-confidence must lie in [0, 1]");
  }
  if (overview_px < 64 || overview_px > 2048) {
    throw Error(ErrorCode::kUsage, "--overview-px must lie in [64, 2048]");
  }
  if (threads < 1) throw Error(ErrorCode::kUsage, "--threads must be positive");
}

Json AlignOptions::ToJson() const {
  return {{"max_shift_m", max_shift_m},
          {"min_confidence", min_confidence},
          {"overview_px", overview_px},
          {"coarse", coarse}};
}

std::vector<EditionAlignment> Align(db::Store& store,
                                    const AlignOptions& options,
                                    RunContext& context) {
  options.Validate();
  const Project project = LoadProject(store);
  cv::setNumThreads(options.threads);
  // Each edition is read once reduced and once as it is.
  context.progress.Start("align",
                         2 * project.grid.width * project.grid.height *
                             static_cast<int64_t>(project.editions.size()));
  ViewReader reader(project, context);
  const tracking::SeriesAlignment series =
      tracking::AlignSeries(SeriesOptionsFor(options, project),
                            [&reader](const tracking::ViewRequest& request) {
                              return reader.Read(request);
                            });
  context.cancel.ThrowIfCancelled();

  db::Transaction transaction = store.Begin();
  if (ChangesAlignment(project, series)) {
    GiveUpResult(store, options.replace_result);
  }
  SaveAlignment(store, project.grid, series);
  transaction.Commit();
  std::vector<EditionAlignment> alignments = StoredAlignment(store);
  for (size_t i = 0; i < alignments.size(); ++i) {
    alignments[i].errors = ErrorsOf(series.editions[i], project.grid);
    alignments[i].matched_share = series.editions[i].matched_share;
  }
  context.progress.Finish();
  for (const EditionAlignment& edition : alignments) {
    Report(edition, &edition == &alignments.back());
  }
  return alignments;
}

std::vector<EditionAlignment> StoredAlignment(const db::Store& store) {
  const std::optional<IngestRecord> record = FindIngestRecord(store);
  MAPWEAVE_CHECK(record.has_value());
  const double metres = record->grid.Scale().Length();
  std::vector<EditionAlignment> alignments;
  for (const db::EditionRow& row : store.Editions()) {
    EditionAlignment found;
    found.edition = row.edition;
    found.shift_x_m = row.shift_x_m.value_or(0.0);
    found.shift_y_m = row.shift_y_m.value_or(0.0);
    found.confidence = row.align_confidence.value_or(0.0);
    found.aligned = row.aligned;
    found.residual_m = row.residual_m;
    found.held_out_points = row.held_out_points.value_or(0);
    if (const auto field = store.AlignmentField(row.edition)) {
      found.local_m = metres * LocalPart(*field, record->grid);
    }
    alignments.push_back(found);
  }
  return alignments;
}

Json ToJson(const std::vector<EditionAlignment>& editions) {
  Json document = Json::object();
  for (const EditionAlignment& edition : editions) {
    document[edition.edition] = {
        {"shift_m", {edition.shift_x_m, edition.shift_y_m}},
        {"residual_m",
         edition.residual_m ? Json(*edition.residual_m) : Json(nullptr)},
        {"held_out_points", edition.held_out_points},
        {"local_m", edition.local_m},
        {"confidence", edition.confidence},
        {"aligned", edition.aligned}};
  }
  return document;
}

}  // namespace mapweave::pipelines
