// SPDX-License-Identifier: MIT
//
// Compares predicted with true tracks, both given as polygons with track_id and
// edition or as YouTube-VIS JSON, and the two-step baseline beside them.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "tracking/bootstrap.h"
#include "tracking/faults.h"
#include "tracking/lineage.h"
#include "tracking/measures.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct EvaluateOptions {
  // Side of the pixels on which polygons are compared, in units of the common
  // CRS; a project file's own grid, or a twentieth of the median building, if
  // not set. Videos are compared on their own pixels.
  std::optional<double> resolution;
  tracking::MeasureOptions measures;
  // Over videos, or over squares of the ground. 0 replicates: no intervals.
  tracking::BootstrapOptions bootstrap;
};

struct EvaluateReport {
  // Those of the truth, oldest first; of videos, their frames.
  std::vector<std::string> editions;
  // Of YouTube-VIS JSON: then `series` is the number of videos, resolution is 1
  // and there is no CRS.
  bool on_videos = false;
  int64_t series = 1;
  tracking::Measures measures;
  // The same outlines without their identities, linked from edition to edition
  // by overlap as they lie (IoU, one-to-one assignment, gate 0.25).
  tracking::Measures baseline;
  tracking::Faults faults;
  tracking::Faults baseline_faults;
  // The result, the baseline, and what the one is ahead of the other; with the
  // replicates that were asked for.
  tracking::BootstrapReport intervals;
  tracking::BootstrapOptions bootstrap;
  // By kind, if both files hold a lineage (project files and truth.json of
  // synth world do); else empty. See tracking/lineage_measures.h.
  std::map<tracking::LineageKind, tracking::MatchScore> lineage;
  int64_t predicted_tracks = 0;
  int64_t true_tracks = 0;
  double resolution = 0.0;
  std::string crs;
};

// Both files: a project file, or any polygon layer that GDAL reads with the
// fields track_id and edition (and score, for predictions), or both YouTube-VIS
// JSON: the truth a document with annotations, the prediction that or a list of
// results. Editions are matched by label, and those that the truth does not
// have are left out with a warning; videos are matched by id. Two files in
// different CRS are brought together by ResultTransform (project.h). Throws
// Error{kBadInput} naming the file and the missing field, or the video that the
// truth does not have or that is of another size there.
EvaluateReport Evaluate(const std::filesystem::path& predicted,
                        const std::filesystem::path& truth,
                        const EvaluateOptions& options, RunContext& context);

// The document of `eval --json`: ap, ap50, ..., track_f1, link_f1,
// editions{...}, faults{...}, baseline{same}, and with replicates bootstrap{
// places, replicates, seed, level, track_f1, link_f1, ap_unlimited: {low, high,
// baseline{low, high}, difference{value, low, high}}}.
Json ToJson(const EvaluateReport& report);

// The figure of a dotted key such as "link_f1" or "baseline.ap"; throws
// Error{kUsage} for an unknown one.
double FigureOf(const Json& report, const std::string& key);

}  // namespace mapweave::pipelines
