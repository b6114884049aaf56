// SPDX-License-Identifier: MIT
//
// Recipes for self-supervised learning: tiles to learn from, and tiles whose
// factors are known to probe with. ssl_bench.h has the benchmarks,
// ssl_experiments.h runs the experiments, ssl_records.h keeps their results.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/mask_advice.h"
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
const std::vector<std::string>& TileFactorNames();

struct MapTileOptions {
  uint64_t seed = 1;
  int64_t count = 512;
  int side_px = 64;  // 32 to 512
  TileFactor label = TileFactor::kDensity;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// Tiles of simulated towns, each of a town of its own. All factors vary
// independently. Sets of different seeds share no town. Beside those of
// TileFactor there is a continuous one, "hatch_angle": the direction of the
// town's streets and walls, in degrees from 0 to 90 (from the x axis, which
// points right, to the y axis, which points down; streets cross at right
// angles). A town of crooked streets keeps to it more loosely.
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
  // Throws Error{kBadInput} naming the first sheet that is smaller than a tile
  // wherever it was cut out, and without any sheet.
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
  // Images to cut tiles from, as ReadImageInputs takes them; none: simulated
  // towns.
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

// Throws what ssl::Pretrain, ReadImageInputs and db::Store throw.
SslPretrainReport PretrainEncoder(const SslPretrainOptions& options,
                                  RunContext& context);

struct SslProbeOptions {
  ssl::ProbeOptions probe;
  MapTileOptions tiles;      // the probes train on these,
  int64_t test_count = 256;  // and are tested on so many of other towns
  // A project file that takes the encoder, the accuracies and what was said of
  // every test tile into `model`, `experiment` and `evaluation`; empty: none.
  std::string project;
};
ssl::ProbeReport ProbeOnTiles(const SslProbeOptions& options);

struct SslMaskOptions {
  // As SslPretrainOptions::sheets; none: simulated towns with tiles.label as
  // labels.
  std::vector<std::string> sheets;
  MapSheetOptions reading;
  MapTileOptions tiles;
  ssl::MaskAdviceOptions masks;
};
// Throws what ssl::AdviseMask and ReadImageInputs throw.
ssl::MaskAdvice AdviseMaskOnTiles(const SslMaskOptions& options,
                                  RunContext& context);

// Writes NAME-FILE for each of the experiment's figures, over what is there;
// makes the folder. Throws Error{kFailure} naming what cannot be written.
void WriteFigures(const ssl::ExperimentReport& report,
                  const std::string& folder);

Json ToJson(const SslPretrainReport& report);
Json ToJson(const ssl::ProbeReport& report);
Json ToJson(const ssl::MaskAdvice& advice);
Json ToJson(const ssl::ExperimentReport& report);

}  // namespace mapweave::pipelines
