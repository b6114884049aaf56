// SPDX-License-Identifier: MIT
//
// The main job: all stages in a row, from sheets to a finished project file.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "pipelines/align.h"
#include "pipelines/ingest.h"
#include "pipelines/lineage.h"
#include "pipelines/segment.h"
#include "pipelines/series.h"
#include "pipelines/sheet_qc.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::pipelines {

struct RunOptions {
  IngestOptions ingest;
  AlignOptions align;
  SegmentOptions segment;
  LineageStageOptions lineage;
  // Go on where an edition fits no other one: it is taken to lie where its
  // georeference puts it.
  bool accept_unaligned = false;
  // Ranks suspect places of the sheets after ingestion. The result of the run
  // does not depend on it.
  std::optional<QcOptions> qc;
};

struct RunReport {
  ResultSummary summary;
  std::vector<EditionAlignment> alignment;
  std::optional<std::vector<SheetQuality>> qc;
  // Stage to wall-clock seconds, in the order of the flow.
  std::vector<std::pair<std::string, double>> seconds;
  double megapixels = 0.0;  // of the grid, times editions
  std::string device;
  double network_share = 0.0;  // see SegmentReport
  bool resumed = false;
};

// Makes `output`, or goes on with it if it is an unfinished run of the same
// series with the same options. Throws Error{kUsage} if `output` exists and is
// anything else, unless `overwrite` allows to replace it; Error{kBadInput}
// naming the edition if one fits no other, since following its buildings would
// be guessing.
RunReport Run(const Series& series, const RunOptions& options,
              const std::filesystem::path& output, Overwrite overwrite,
              RunContext& context);

Json ToJson(const RunReport& report);

}  // namespace mapweave::pipelines
