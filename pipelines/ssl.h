// SPDX-License-Identifier: MIT
//
// Recipes for self-supervised learning: tiles to learn from, tiles whose
// factors are known to probe with, and results as rows of a project file.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/pretrain.h"
#include "models/ssl/tile_supply.h"
#include "pipelines/videos.h"
#include "synth/video_source.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::pipelines {

// What is drawn on a generated tile; the label of one is its value's place.
enum class TileFactor {
  kHand,     // which map hand drew it
  kDensity,  // share of the plots that are built on, in four steps
  kScale,    // size of the buildings, in four steps
  kYear,     // edition of the town, in four steps of growth and change
};
// "hand", "density", "scale" or "year"; throws Error{kUsage}.
TileFactor ParseTileFactor(const std::string& text);
std::vector<std::string> TileFactorNames();

struct MapTileOptions {
  uint64_t seed = 1;
  int64_t count = 512;
  int side_px = 64;  // 32 to 512
  TileFactor label = TileFactor::kDensity;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// Tiles of simulated towns, each of a town of its own. All factors vary
// independently. Sets of different seeds share no town.
class MapTileSupply : public ssl::TileSupply {
 public:
  std::vector<Factor> Factors() const override;
  // Throws Error{kUsage} for sides that MapTileOptions refuses.
  ssl::FactorTile Draw(const ssl::TileRequest& request,
                       int64_t index) const override;
};

// The same with one factor as the label.
class MapTiles : public ssl::ImageSource {
 public:
  // Throws what Validate throws.
  explicit MapTiles(const MapTileOptions& options);
  int64_t Size() const override { return options_.count; }
  ssl::ImageSample Get(int64_t index) const override;

 private:
  MapTileOptions options_;
  MapTileSupply supply_;
};

// Unlabelled tiles cut at random from scans, where there is paper.
class SheetTiles : public ssl::ImageSource {
 public:
  // Throws Error{kBadInput} if no sheet is as large as a tile.
  SheetTiles(std::vector<synth::MapSheet> sheets,
             const MapTileOptions& options);
  int64_t Size() const override { return options_.count; }
  ssl::ImageSample Get(int64_t index) const override;

 private:
  std::vector<synth::MapSheet> sheets_;
  std::vector<double> weights_;  // by area
  MapTileOptions options_;
};

struct SslPretrainOptions {
  // Scans to cut tiles from; none: simulated towns.
  std::vector<std::string> sheets;
  MapSheetOptions reading;
  MapTileOptions tiles;
  ssl::PretrainOptions training;
  // A project file that takes the run into its tables `model` and
  // `experiment`; empty: none.
  std::string project;
  // SVG chart of all measures over the steps; empty: none.
  std::string curves;
};

struct SslPretrainReport {
  ssl::PretrainReport result;
  std::string checkpoint;
  std::string checkpoint_sha256;
};

// Throws what ssl::Pretrain, ReadMapSheets and db::Store throw.
SslPretrainReport PretrainEncoder(const SslPretrainOptions& options,
                                  RunContext& context);

struct SslProbeOptions {
  ssl::ProbeOptions probe;
  MapTileOptions tiles;      // the probes train on these,
  int64_t test_count = 256;  // and are tested on so many of other towns
};
ssl::ProbeReport ProbeOnTiles(const SslProbeOptions& options);

// Records an experiment's measures in a project file.
void SaveExperiment(const ssl::ExperimentReport& report,
                    const std::string& project);

// Writes NAME-FILE for each of the experiment's figures, over what is there;
// makes the folder. Throws Error{kFailure} naming what cannot be written.
void WriteFigures(const ssl::ExperimentReport& report,
                  const std::string& folder);

Json ToJson(const SslPretrainReport& report);
Json ToJson(const ssl::ProbeReport& report);
Json ToJson(const ssl::ExperimentReport& report);

}  // namespace mapweave::pipelines
