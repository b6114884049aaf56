// SPDX-License-Identifier: MIT
#include "bench/pretraining/target.h"

#include "core/random.h"
#include "synth/placement.h"
#include "synth/render.h"
#include "synth/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>
#include <set>

namespace mapweave::pretraining {
namespace {

using tracking::LabelledClip;

// Towns of these seeds are drawn by nothing else.
constexpr uint64_t kTownStream = 0x7461726765745f31ULL;

// What alignment has left, as in the clips of training.
constexpr double kShiftPx = 3.0;
constexpr double kTurnRad = 0.004;

struct Town {
  std::vector<synth::EditionImage> editions;
};

Town MakeTown(const TargetOptions& options, uint64_t index) {
  Rng rng = Rng(options.seed, kTownStream).Fork(index);
  synth::WorldOptions world;
  world.seed = rng.Next();
  world.width_px = world.height_px = options.town_px;
  world.editions.clear();
  for (int t = 0; t < options.editions; ++t)
    world.editions.push_back(std::to_string(1850 + 20 * t));
  world.plan = synth::PlanFamily::kRingAndGrid;
  world.building_px = rng.Uniform(10.0, 18.0);
  world.density = rng.Uniform(0.6, 0.85);
  world.angle_rad = rng.Uniform(0.0, std::numbers::pi);
  world.margin_px = -40.0;
  world.change = rng.Uniform(0.15, 0.3);
  const synth::World drawn = synth::MakeWorld(world);

  Town town;
  for (int t = 0; t < options.editions; ++t) {
    synth::RenderOptions render;
    render.hand = rng.Pick(options.hands);
    render.seed = rng.Next();
    synth::PlacementParts residual;
    residual.centre = {options.town_px / 2.0, options.town_px / 2.0};
    residual.shift = {rng.Uniform(-kShiftPx, kShiftPx),
                      rng.Uniform(-kShiftPx, kShiftPx)};
    residual.rotation_rad = rng.Uniform(-kTurnRad, kTurnRad);
    render.placement = synth::MakePlacement(residual);
    town.editions.push_back(synth::RenderWindow(
        drawn, t, render, {0, 0, options.town_px, options.town_px}));
  }
  return town;
}

LabelledClip CutWindow(const Town& town, const cv::Rect& box) {
  LabelledClip window;
  for (const synth::EditionImage& edition : town.editions) {
    window.clip.frames.push_back(edition.rgb(box).clone());
    window.clip.coverage.push_back(edition.coverage(box).clone());
    window.labels.push_back(edition.labels(box).clone());
  }
  tracking::RenumberLabels(window.labels);
  return window;
}

int CountBuildings(const LabelledClip& window) {
  std::set<int> seen;
  for (const cv::Mat& labels : window.labels)
    seen.insert(labels.begin<int>(), labels.end<int>());
  seen.erase(0);
  return static_cast<int>(seen.size());
}

// Windows of `area` that do not overlap and show enough buildings.
void AddWindows(const Town& town, const cv::Rect& area,
                const TargetOptions& options,
                std::vector<LabelledClip>& windows) {
  const int side = options.clip_px;
  for (int y = area.y; y + side <= area.br().y; y += side) {
    for (int x = area.x; x + side <= area.br().x; x += side) {
      LabelledClip window = CutWindow(town, {x, y, side, side});
      if (CountBuildings(window) >= options.min_buildings)
        windows.push_back(std::move(window));
    }
  }
}

}  // namespace

Json TargetOptions::ToJson() const {
  return {{"seed", seed},
          {"hands", hands},
          {"towns", towns},
          {"test_towns", test_towns},
          {"town_px", town_px},
          {"editions", editions},
          {"clip_px", clip_px},
          {"test_clips", test_clips},
          {"min_buildings", min_buildings}};
}

Target MakeTarget(const TargetOptions& options) {
  Target target;
  const int half = options.town_px / 2;
  for (int i = 0; i < options.towns; ++i) {
    const Town town = MakeTown(options, static_cast<uint64_t>(i));
    const cv::Rect unlabelled(0, 0, half, options.town_px);
    for (size_t t = 0; t < town.editions.size(); ++t) {
      target.sheets.push_back({fmt::format("town {} edition {}", i + 1, t + 1),
                               town.editions[t].rgb(unlabelled).clone(),
                               town.editions[t].coverage(unlabelled).clone()});
    }
    const int border =
        options.town_px * 3 / 5 / options.clip_px * options.clip_px;
    AddWindows(town, {half, 0, half, border}, options, target.labelled);
    AddWindows(town, {half, border, half, options.town_px - border}, options,
               target.test);
  }
  for (int i = 0; i < options.test_towns; ++i) {
    AddWindows(MakeTown(options, static_cast<uint64_t>(options.towns + i)),
               {0, 0, options.town_px, options.town_px}, options,
               target.abroad);
  }
  Rng rng(options.seed, kTownStream);
  rng.Shuffle(target.labelled);
  const auto wanted = static_cast<size_t>(options.test_clips);
  for (std::vector<LabelledClip>* test : {&target.test, &target.abroad}) {
    rng.Shuffle(*test);
    if (test->size() > wanted) test->resize(wanted);
  }
  return target;
}

std::vector<std::string> OtherHands(const TargetOptions& options) {
  std::vector<std::string> hands = synth::HandNames();
  std::erase_if(hands, [&](const std::string& hand) {
    return std::ranges::find(options.hands, hand) != options.hands.end();
  });
  return hands;
}

}  // namespace mapweave::pretraining
