// SPDX-License-Identifier: MIT
//
// What people have outlined on a series, read from their files and brought onto
// its grid.
#pragma once

#include "core/progress.h"
#include "pipelines/project.h"
#include "pipelines/series_clips.h"

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// What the outlines were drawn on. Editions lie apart until they are aligned,
// so it makes a difference of up to the whole shift of an edition.
enum class DrawnOn {
  kAuto,     // whichever has the stronger edges under the outlines
  kAligned,  // the aligned series: results of this program, corrected or not
  kSheets,   // the sheets as their georeference puts them, as in any GIS
};

// "auto", "aligned", "sheets". Throws Error{kUsage}.
DrawnOn ParseDrawnOn(const std::string& name);
std::vector<std::string> DrawnOnNames();

struct LabelReadOptions {
  DrawnOn drawn_on = DrawnOn::kAuto;
  // Polygons within which everything is labelled, on all editions or on the one
  // that the attribute `edition` names. Empty: see ReadSeriesLabels.
  std::string extent;
  // What lies so near to a labelled building's bounding box has been looked at.
  int reach_px = 32;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// Files of polygons with the fields track_id (one building has the same on all
// editions and in all files) and edition (a label of the series), in any CRS;
// or project files with their observations as they have been reviewed: those
// that a reviewer called absent are left out, those with a wrong outline are
// doubtful, and buildings are joined and parted as the reviewer said.
//
// The labels speak of the editions that occur in them. What they say
// everything about is, of the first that there is: options.extent, the layer
// `extent` of the file, for a project file all of its sheets, and what lies
// within reach_px of a labelled building. Throws Error{kBadInput} naming the
// file and what it lacks: polygons, the fields, an edition of that label; and
// as geo::ReadPolygons does. Repaired geometry is warned of.
SeriesLabels ReadSeriesLabels(const std::vector<std::filesystem::path>& files,
                              const Project& project,
                              const LabelReadOptions& options);

}  // namespace mapweave::pipelines
