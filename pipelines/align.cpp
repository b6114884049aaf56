// SPDX-License-Identifier: MIT
#include "pipelines/align.h"

#include "core/error.h"
#include "core/log.h"
#include "pipelines/project.h"
#include "tracking/registration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::pipelines {
namespace {

// Rows of the grid that are read at once, so that memory does not grow with
// the sheets.
constexpr int64_t kStripRows = 1024;

struct Overview {
  cv::Mat rgb;       // CV_8UC3
  cv::Mat coverage;  // CV_8UC1
};

Overview ReadOverview(geo::EditionReader& reader, const geo::Grid& grid,
                      int downsample, RunContext& context) {
  const auto reduced = [downsample](int64_t px) {
    return static_cast<int>((px + downsample - 1) / downsample);
  };
  Overview overview;
  overview.rgb =
      cv::Mat::zeros(reduced(grid.height), reduced(grid.width), CV_8UC3);
  overview.coverage =
      cv::Mat::zeros(reduced(grid.height), reduced(grid.width), CV_8UC1);
  const int64_t strip =
      std::max<int64_t>(1, kStripRows / downsample) * downsample;
  for (int64_t row = 0; row < grid.height; row += strip) {
    context.cancel.ThrowIfCancelled();
    const int64_t rows = std::min(strip, grid.height - row);
    geo::Pixels pixels = reader.Read(
        {0, row, static_cast<int>(grid.width), static_cast<int>(rows)},
        downsample);
    const int top = static_cast<int>(row / downsample);
    const cv::Range range(top, top + pixels.rgb.height);
    BorrowMat(pixels.rgb).copyTo(overview.rgb.rowRange(range));
    BorrowMat(pixels.coverage).copyTo(overview.coverage.rowRange(range));
    context.progress.Advance(rows);
  }
  return overview;
}

tracking::SeriesShiftOptions ShiftOptionsFor(const AlignOptions& options,
                                             double metres_per_px) {
  tracking::SeriesShiftOptions shifts;
  shifts.pair.max_shift_px = std::max(2.0, options.max_shift_m / metres_per_px);
  shifts.pair.min_confidence = options.min_confidence;
  return shifts;
}

std::vector<tracking::FeatureImage> ReadFeatures(const Project& project,
                                                 int downsample,
                                                 RunContext& context) {
  std::vector<tracking::FeatureImage> features;
  for (const ProjectEdition& edition : project.editions) {
    // What earlier alignments found is not applied: the estimate starts from
    // the georeference, so that it can be repeated.
    geo::EditionReader reader(edition.sheets, project.grid);
    const Overview overview =
        ReadOverview(reader, project.grid, downsample, context);
    features.push_back(
        {tracking::StructureFeatures(overview.rgb, overview.coverage),
         overview.coverage});
  }
  return features;
}

void SaveAlignment(db::Store& store,
                   const std::vector<EditionAlignment>& alignments) {
  db::Transaction transaction = store.Begin();
  std::vector<db::EditionRow> rows = store.Editions();
  for (size_t i = 0; i < rows.size(); ++i) {
    const EditionAlignment& found = alignments[i];
    rows[i].shift_x_m = found.shift_x_m;
    rows[i].shift_y_m = found.shift_y_m;
    rows[i].residual_m = found.residual_m;
    rows[i].align_confidence = found.confidence;
    rows[i].aligned = found.aligned;
    rows[i].held_out_points = found.held_out_points;
    store.SaveEdition(rows[i]);
  }
  transaction.Commit();
}

void Report(const EditionAlignment& edition) {
  if (!edition.aligned) {
    LogWarning(
        "align: edition {} fits no other edition (confidence {:.2f}); it stays "
        "where its georeference puts it",
        edition.edition, edition.confidence);
    return;
  }
  LogInfo(
      "align: edition {} moved by {:+.2f} m east, {:+.2f} m north "
      "(confidence {:.2f}){}",
      edition.edition, edition.shift_x_m, edition.shift_y_m, edition.confidence,
      edition.residual_m
          ? fmt::format(", {:.2f} m left at {} held-out places",
                        *edition.residual_m, edition.held_out_points)
          : "");
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
}

Json AlignOptions::ToJson() const {
  return {{"max_shift_m", max_shift_m},
          {"min_confidence", min_confidence},
          {"overview_px", overview_px}};
}

std::vector<EditionAlignment> Align(db::Store& store,
                                    const AlignOptions& options,
                                    RunContext& context) {
  options.Validate();
  const Project project = LoadProject(store);
  const int64_t side = std::max(project.grid.width, project.grid.height);
  const int downsample =
      static_cast<int>((side + options.overview_px - 1) / options.overview_px);
  const geo::GroundScale scale = project.grid.Scale();
  const double units_per_px = project.grid.resolution * downsample;

  context.progress.Start(
      "align",
      project.grid.height * static_cast<int64_t>(project.editions.size()));
  const std::vector<tracking::FeatureImage> features =
      ReadFeatures(project, downsample, context);
  const tracking::SeriesShifts shifts = tracking::EstimateSeriesShifts(
      features, ShiftOptionsFor(options, units_per_px * scale.Length()));
  context.cancel.ThrowIfCancelled();

  std::vector<EditionAlignment> alignments;
  for (size_t i = 0; i < project.editions.size(); ++i) {
    const tracking::EditionShift& shift = shifts.editions[i];
    EditionAlignment found;
    found.edition = project.editions[i].label;
    found.confidence = shift.confidence;
    found.aligned = shift.is_confident;
    if (found.aligned) {
      // Image rows run south, the ground's y runs north.
      found.shift_x_m = shift.shift.x * units_per_px * scale.x;
      found.shift_y_m = -shift.shift.y * units_per_px * scale.y;
    }
    found.held_out_points = static_cast<int64_t>(shift.held_out_points);
    if (shift.held_out_points > 0) {
      found.residual_m = shift.residual_px * units_per_px * scale.Length();
    }
    alignments.push_back(found);
  }
  SaveAlignment(store, alignments);
  context.progress.Finish();
  for (const EditionAlignment& edition : alignments) Report(edition);
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
        {"confidence", edition.confidence},
        {"aligned", edition.aligned}};
  }
  return document;
}

}  // namespace mapweave::pipelines
