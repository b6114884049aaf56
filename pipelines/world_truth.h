// SPDX-License-Identifier: MIT
//
// The truth of a simulated series: what its sheets show of every building, as
// rows of a project file and as videos.
#pragma once

#include "core/atomic_file.h"
#include "core/geometry.h"
#include "db/store.h"
#include "pipelines/world_sheets.h"
#include "tracking/lineage.h"
#include "tracking/youtube_vis.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// A building that some sheet shows.
struct SeenBuilding {
  std::string track_id;
  size_t world_position = 0;  // in World::buildings
  // Per edition, on the ground as that edition draws it, cut at the window and
  // at the edges of the sheets that are there; empty where it is not drawn.
  std::vector<MultiPolygon> shapes;
};

struct WorldTruth {
  // Per edition: what its sheets show within the window, on the ground.
  std::vector<MultiPolygon> covered;
  std::vector<SeenBuilding> buildings;
  // Positions are those of `buildings`; see SeenLineage.
  std::vector<tracking::LineageEvent> lineage;
};

WorldTruth TruthOf(const WorldSeries& series);

// Outlines lie where the newest edition would draw them, the local distortion
// of both drawings included: there alignment brings them. The dates of a
// building are those between which it truly stood, drawn or not.
db::RunResult TruthRows(const WorldSeries& series, const WorldTruth& truth);

// Writes truth.gpkg next to the sheets in `folder`.
void WriteTruthProject(const WorldSeries& series, const db::RunResult& rows,
                       const std::filesystem::path& folder,
                       Overwrite overwrite);

// The tiles that the window is cut into for videos, row by row; those at the
// right and the lower edge may be smaller.
std::vector<cv::Rect> TilesOf(const WorldSeries& series);
// What truth.json calls the frame of a tile (by position) on an edition: the
// PNG of it, else the edition's only sheet, else the edition.
std::string FrameName(const WorldSeries& series, size_t tile, size_t edition);

// The tracks as masks on the pixels of the window, one video per tile.
tracking::VisDocument TruthVideos(const WorldSeries& series,
                                  const WorldTruth& truth);

}  // namespace mapweave::pipelines
