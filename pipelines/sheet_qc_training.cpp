// SPDX-License-Identifier: MIT
#include "pipelines/sheet_qc_training.h"

#include "core/error.h"
#include "core/random.h"
#include "pipelines/image_file.h"
#include "synth/render.h"
#include "synth/world.h"

#include <cmath>
#include <numbers>

namespace mapweave::pipelines {
namespace {

constexpr uint64_t kSheetStream = 0x71632d7368656574ULL;
// Keeps sheets to measure on apart from those that were trained on.
constexpr uint64_t kHeldOutSeed = 0x71632d74657374ULL;
constexpr int kSquarePx = 96;
constexpr int kSquaresPerSide = 4;

// A part of a sheet: the town and its lettering run on beyond it.
cv::Mat DrawSheet(uint64_t seed, int index) {
  Rng rng = Rng(seed, kSheetStream).Fork(static_cast<uint64_t>(index));
  synth::WorldOptions world;
  world.seed = rng.Next();
  world.width_px = world.height_px = kSquarePx * kSquaresPerSide;
  world.plan = rng.Pick(std::vector<synth::PlanFamily>{
      synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
      synth::PlanFamily::kDenseCore, synth::PlanFamily::kRural,
      synth::PlanFamily::kVillage});
  world.building_px = std::exp(rng.Uniform(std::log(6.0), std::log(32.0)));
  world.density = rng.Uniform(0.2, 1.0);
  world.angle_rad = rng.Uniform(0.0, std::numbers::pi);
  world.margin_px = -2.0 * world.building_px;
  world.water = 0.3;
  synth::RenderOptions render;
  render.hand = rng.Pick(synth::HandNames());
  render.seed = rng.Next();
  render.lettering = rng.Uniform(0.0, 1.0);
  // Folds, tears and stains of the simulation grow with it; sheets with much of
  // them are not sound.
  render.wear = rng.Uniform(0.05, 0.7);
  return synth::RenderEdition(synth::MakeWorld(world),
                              static_cast<int>(rng.Int(0, 3)), render)
      .rgb;
}

}  // namespace

SheetSquares::SheetSquares(uint64_t seed, int sheets, RunContext& context) {
  context.progress.Start("simulated sheets", sheets);
  for (int i = 0; i < sheets; ++i) {
    context.cancel.ThrowIfCancelled();
    const cv::Mat sheet = DrawSheet(seed, i);
    for (int row = 0; row < kSquaresPerSide; ++row) {
      for (int col = 0; col < kSquaresPerSide; ++col) {
        squares_.push_back(sheet(cv::Rect(col * kSquarePx, row * kSquarePx,
                                          kSquarePx, kSquarePx))
                               .clone());
      }
    }
    context.progress.Advance();
  }
  context.progress.Finish();
}

ssl::ImageSample SheetSquares::Get(int64_t index) const {
  return {squares_.at(static_cast<size_t>(index)), -1};
}

void QcTrainingOptions::Validate() const {
  probe.Validate();
  if (probe.window_px > kSquarePx) {
    throw Error(ErrorCode::kUsage, "qc-train: a window has 96 px at most");
  }
  if (sheets < 1 || held_out_sheets < 1) {
    throw Error(ErrorCode::kUsage,
                "qc-train: needs a sheet to learn from and one to measure on");
  }
  if (probe.seed == kHeldOutSeed) {
    throw Error(ErrorCode::kUsage, "this seed is kept for testing",
                "Choose another --seed.");
  }
}

ssl::SheetProbeReport TrainQcProbe(const QcTrainingOptions& options,
                                   Overwrite overwrite, RunContext& context) {
  options.Validate();
  CheckWritable(options.probe.output, overwrite);
  const SheetSquares held_out(kHeldOutSeed, options.held_out_sheets, context);
  if (!options.preview.empty()) {
    WriteImage(options.preview, ssl::DrawWindowPreview(held_out, options.probe),
               overwrite);
  }
  const SheetSquares train(options.probe.seed, options.sheets, context);
  return ssl::TrainSheetProbe(train, held_out, options.probe, context);
}

Json ToJson(const ssl::SheetProbeReport& report) {
  return {{"images", report.images},
          {"parameters", report.parameters},
          {"steps", report.steps},
          {"seconds", report.seconds},
          {"loss", report.loss},
          {"auroc", report.auroc},
          {"auroc_of", report.auroc_of},
          {"score_of_1_percent", report.score_of_1_percent}};
}

}  // namespace mapweave::pipelines
