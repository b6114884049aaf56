// SPDX-License-Identifier: MIT
#include "synth/clip_source.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/hand.h"
#include "synth/render.h"
#include "synth/shapes.h"
#include "synth/world.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

namespace mapweave::synth {
namespace {

// Keeps the seeds of clips apart from those of whole worlds.
constexpr uint64_t kClipNamespace = 0x636c697073ULL;

// The world runs on this far beyond the clip.
constexpr double kOverscanPx = 40.0;

// Worlds that turn out bare in the window are drawn again this often, so that
// the share of blank clips is what the options say.
constexpr int kAttempts = 4;

// A typical dwelling on the scan of an edition is at least this large.
constexpr double kSmallestScannedPx = 5.0;

void Require(bool condition, const char* name, double value,
             const char* range) {
  if (condition) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the clip option {} is {}", name, value),
              fmt::format("set it to {}", range));
}

WorldOptions DrawWorld(const WorldClipOptions& options, bool blank, Rng& rng) {
  WorldOptions w;
  w.seed = rng.Next();
  w.width_px = options.size_px;
  w.height_px = options.size_px;
  const auto editions =
      static_cast<size_t>(rng.Int(options.min_editions, options.max_editions));
  w.editions.clear();
  for (size_t t = 0; t < editions; ++t)
    w.editions.push_back(std::to_string(1850 + 10 * t));
  static const std::vector<PlanFamily> kPlans = {
      PlanFamily::kGrid, PlanFamily::kOrganic, PlanFamily::kRural,
      PlanFamily::kDenseCore, PlanFamily::kVillage};
  w.plan = kPlans[rng.Choice({0.3, 0.27, 0.1, 0.23, 0.1})];
  w.building_px = std::exp(rng.Uniform(std::log(options.min_building_px),
                                       std::log(options.max_building_px)));
  w.density = blank ? 0.0 : rng.Uniform(0.45, 1.0);
  w.angle_rad = rng.Uniform(0.0, std::numbers::pi);
  w.margin_px = -std::max(kOverscanPx, 1.5 * w.building_px);
  w.change = rng.Uniform(options.min_change, options.max_change);
  w.life = options.life;
  w.omission = rng.Uniform(0.0, 0.05);
  w.distortion_px =
      options.min_distortion_px > 0.0
          ? std::exp(rng.Uniform(std::log(options.min_distortion_px),
                                 std::log(options.max_distortion_px)))
          : rng.Uniform(0.0, options.max_distortion_px);
  w.unsteadiness_px = rng.Uniform(0.1, 0.9);
  w.water = blank ? 0.5 : 0.3;
  return w;
}

// Whether at least two buildings have their middle in the window.
bool HasBuildings(const World& world) {
  int seen = 0;
  for (const WorldBuilding& building : world.buildings) {
    for (const MultiPolygon& footprint : building.footprint) {
      if (footprint.empty()) continue;
      const Point2d p = MeanPoint(footprint[0].shell);
      if (p.x >= 0 && p.y >= 0 && p.x < world.options.width_px &&
          p.y < world.options.height_px && ++seen >= 2) {
        return true;
      }
      break;
    }
  }
  return false;
}

// A sheet whose corner or edge lies in the clip.
SheetFrame DrawFrame(int size, bool has_hole, Rng& rng) {
  SheetFrame frame;
  const double s = size;
  const double angle =
      rng.Uniform(-0.1, 0.1) +
      std::numbers::pi / 2 * static_cast<double>(rng.Int(0, 3));
  const Point2d corner{rng.Uniform(0.1, 0.9) * s, rng.Uniform(0.1, 0.9) * s};
  const bool edge_only = rng.Chance(0.6);
  // In the sheet's own axes, the corner at the origin, the paper towards +.
  const double far = 4.0 * s;
  const auto ring = [&](double inset) {
    const double side = edge_only ? -far : inset;
    return MapRing({{inset, side}, {far, side}, {far, far}, {inset, far}},
                   {0, 0}, angle, corner, 1.0);
  };
  if (has_hole) frame.paper = ring(0.0);
  if (!has_hole || rng.Chance(0.6))
    frame.neatline = ring(has_hole ? rng.Uniform(6.0, 40.0) : 0.0);
  const int outside = static_cast<int>(rng.Int(0, 3));
  if (outside == 0) frame.outside = {0, 0, 0};
  if (outside == 1) {
    const auto grey = static_cast<uint8_t>(rng.Int(20, 240));
    frame.outside = {grey, grey, grey};
  }
  return frame;
}

// What alignment leaves: mostly a shift, and a little of the rest.
PlacementParts DrawResidual(const WorldClipOptions& options, Rng& rng) {
  const double jitter = options.max_jitter_px;
  const double half = options.size_px / 2.0;
  // The corners move by a third of the jitter at most.
  const double turn = jitter / 3.0 / (half * std::numbers::sqrt2);
  PlacementParts parts;
  parts.centre = {half, half};
  parts.shift.x = rng.Uniform(-jitter, jitter);
  parts.shift.y = rng.Uniform(-jitter, jitter);
  parts.rotation_rad = rng.Uniform(-turn, turn);
  parts.stretch_x = 1.0 + rng.Uniform(-turn, turn);
  parts.stretch_y = 1.0 + rng.Uniform(-turn, turn);
  parts.shear = rng.Uniform(-turn, turn) / 2.0;
  return parts;
}

// Resolution of the edition's scan against the grid: no coarser than leaves
// houses some pixels.
double DrawResolution(const WorldClipOptions& options, double building_px,
                      Rng& rng) {
  if (!rng.Chance(options.coarse)) return 1.0;
  const double least =
      std::max(options.min_resolution, kSmallestScannedPx / building_px);
  return rng.Uniform(std::min(1.0, least), 1.0);
}

// Drawn at `resolution` and brought up to the grid, where the truth is exact.
EditionImage RenderAt(const World& world, int edition,
                      const RenderOptions& options, int size_px,
                      double resolution) {
  const cv::Rect window(0, 0, size_px, size_px);
  const int side = cvRound(size_px * resolution);
  if (side >= size_px) return RenderWindow(world, edition, options, window);
  RenderOptions coarse = options;
  Placement scan;
  scan.a = scan.d = static_cast<double>(side) / size_px;
  coarse.placement = options.placement.Then(scan);
  RenderOptions bare = options;
  bare.lettering = 0.0;
  EditionImage out = RenderTruth(world, edition, bare, window);
  const cv::Mat drawn =
      RenderWindow(world, edition, coarse, {0, 0, side, side}).rgb;
  cv::resize(drawn, out.rgb, window.size(), 0, 0, cv::INTER_CUBIC);
  return out;
}

// The identities on an image.
std::set<int32_t> LabelsOn(const cv::Mat& labels) {
  std::set<int32_t> found;
  for (int row = 0; row < labels.rows; ++row) {
    const auto* line = labels.ptr<int32_t>(row);
    for (int col = 0; col < labels.cols; ++col) {
      if (line[col] != 0 && (col == 0 || line[col] != line[col - 1]))
        found.insert(line[col]);
    }
  }
  return found;
}

// The world's links between drawings that can be seen, in the labels that
// RenumberLabels will give to the identities on the images.
std::vector<tracking::LabelLink> LinksBetweenLabels(
    const World& world, const std::vector<cv::Mat>& labels) {
  std::vector<std::set<int32_t>> seen;
  std::set<int32_t> all;
  for (const cv::Mat& image : labels) {
    seen.push_back(LabelsOn(image));
    all.insert(seen.back().begin(), seen.back().end());
  }
  std::map<uint64_t, int32_t> label_of = {{0, 0}};
  for (const int32_t identity : all) {
    const auto label = static_cast<int32_t>(label_of.size());
    label_of[static_cast<uint64_t>(identity)] = label;
  }
  const auto is_seen = [&](uint64_t identity, int edition) {
    return identity == 0 || seen[static_cast<size_t>(edition)].contains(
                                static_cast<int32_t>(identity));
  };
  std::vector<tracking::LabelLink> links;
  for (const WorldLink& link : world.links) {
    if (!is_seen(link.from, link.from_edition) ||
        !is_seen(link.to, link.to_edition)) {
      continue;
    }
    links.push_back({label_of.at(link.from), label_of.at(link.to),
                     link.from_edition, link.to_edition, link.kind});
  }
  std::ranges::sort(links);
  return links;
}

}  // namespace

void WorldClipOptions::Validate() const {
  Require(size_px >= 32 && size_px <= 2048, "size_px", size_px, "32 to 2048");
  Require(min_editions >= 1 && min_editions <= max_editions, "min_editions",
          min_editions, "1 to max_editions");
  Require(max_editions <= 16, "max_editions", max_editions, "at most 16");
  Require(max_jitter_px >= 0.0 && max_jitter_px <= 64.0, "max_jitter_px",
          max_jitter_px, "0 to 64");
  Require(max_distortion_px >= 0.0 && max_distortion_px <= 20.0,
          "max_distortion_px", max_distortion_px, "0 to 20");
  Require(min_distortion_px >= 0.0 && min_distortion_px <= max_distortion_px,
          "min_distortion_px", min_distortion_px, "0 to max_distortion_px");
  for (const auto& [name, p] :
       {std::pair{"hand_change", hand_change}, std::pair{"blank", blank},
        std::pair{"hole", hole}, std::pair{"coarse", coarse},
        std::pair{"max_change", max_change}}) {
    Require(p >= 0.0 && p <= 1.0, name, p, "0 to 1");
  }
  Require(min_resolution >= 0.25 && min_resolution <= 1.0, "min_resolution",
          min_resolution, "0.25 to 1");
  Require(min_building_px >= 4.0 && min_building_px <= max_building_px,
          "min_building_px", min_building_px, "4 to max_building_px");
  Require(max_building_px <= 80.0, "max_building_px", max_building_px,
          "at most 80");
  Require(min_change >= 0.0 && min_change <= max_change, "min_change",
          min_change, "0 to max_change");
  life.Validate();
  for (const std::string& hand : hands) {
    if (IsHand(hand)) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("there is no map hand named \"{}\"", hand),
                fmt::format("use some of {}", fmt::join(HandNames(), ", ")));
  }
}

WorldClipOptions LinkingClipOptions() {
  WorldClipOptions options;
  options.max_editions = 6;
  options.blank = 0.0;
  options.min_change = 0.1;
  options.max_change = 0.6;
  options.min_distortion_px = 0.5;
  options.max_distortion_px = 16.0;
  options.life.rebuild = 0.25;
  options.life.split = 0.12;
  options.life.merge = 0.16;
  return options;
}

WorldClipSource::WorldClipSource(WorldClipOptions options)
    : options_(std::move(options)) {
  options_.Validate();
  hands_ = options_.hands.empty() ? HandNames() : options_.hands;
  for (const std::string& hand : hands_)
    weights_.push_back(options_.hands.empty() ? HandWeight(hand) : 1.0);
}

tracking::LabelledClip WorldClipSource::Get(uint64_t index) const {
  return GetLinked(index).labelled;
}

tracking::LinkedClip WorldClipSource::GetLinked(uint64_t index) const {
  Rng rng = Rng(options_.seed, kClipNamespace).Fork(index);
  const bool blank = rng.Chance(options_.blank);
  const bool hole = rng.Chance(options_.hole);
  World world = MakeWorld(DrawWorld(options_, blank, rng));
  for (int i = 0; !blank && i < kAttempts && !HasBuildings(world); ++i)
    world = MakeWorld(DrawWorld(options_, blank, rng));
  const size_t editions = world.options.editions.size();
  const auto holed =
      static_cast<size_t>(rng.Int(0, static_cast<int64_t>(editions) - 1));
  const bool missing = hole && editions > 1 && rng.Chance(0.25);
  const double lettering = rng.Chance(0.15) ? 0.0 : rng.Uniform(0.3, 1.0);

  tracking::LinkedClip linked;
  tracking::LabelledClip& out = linked.labelled;
  RenderOptions render;
  render.hand = hands_[rng.Choice(weights_)];
  for (size_t t = 0; t < editions; ++t) {
    if (t > 0 && rng.Chance(options_.hand_change))
      render.hand = hands_[rng.Choice(weights_)];
    render.seed = rng.Next();
    render.lettering = lettering;
    render.wear = rng.Uniform(0.2, 1.3);
    const PlacementParts residual = DrawResidual(options_, rng);
    render.placement = MakePlacement(residual);
    const double resolution =
        DrawResolution(options_, world.options.building_px, rng);
    // A coarse scan is soft enough.
    render.wear *= resolution;
    render.frame = {};
    const bool hole_here = hole && (t == holed || rng.Chance(0.2));
    if (hole_here || rng.Chance(0.05))
      render.frame = DrawFrame(options_.size_px, hole_here, rng);
    EditionImage image = RenderAt(world, static_cast<int>(t), render,
                                  options_.size_px, resolution);
    if (missing && t == holed) {
      const cv::Vec3b& o = render.frame.outside;
      image.rgb.setTo(cv::Scalar(o[0], o[1], o[2]));
      image.coverage.setTo(cv::Scalar(0));
      image.labels.setTo(cv::Scalar(0));
    }
    out.clip.frames.push_back(std::move(image.rgb));
    out.clip.coverage.push_back(std::move(image.coverage));
    out.labels.push_back(std::move(image.labels));
    out.groups.push_back(render.hand);
  }
  linked.links = LinksBetweenLabels(world, out.labels);
  tracking::RenumberLabels(out.labels);
  return linked;
}

}  // namespace mapweave::synth
