// SPDX-License-Identifier: MIT
#include "pipelines/map_benchmarks.h"

#include "core/error.h"
#include "core/random.h"
#include "synth/render.h"
#include "synth/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr int kTilePx = 64;
constexpr uint64_t kBenchmarkSeed = 0x62656e63686d6bULL;

// What a sample is drawn from. `training` tells the split, which robustness
// benchmarks draw otherwise.
struct Item {
  int64_t target = 0;
  bool training = true;
  Rng rng;
};
using DrawItem = std::function<std::vector<cv::Mat>(Item& item)>;

// Targets take turns, so that every class is as frequent as the others in both
// splits and in each chunk.
class MapBenchmark : public ssl::Benchmark {
 public:
  MapBenchmark(ssl::BenchmarkInfo info, uint64_t stream, DrawItem draw)
      : info_(std::move(info)), stream_(stream), draw_(std::move(draw)) {}
  const ssl::BenchmarkInfo& Info() const override { return info_; }
  ssl::BenchmarkSample Get(int64_t index) const override {
    MAPWEAVE_CHECK(index >= 0 && index < info_.train + info_.test);
    Item item{index % info_.classes, index < info_.train,
              Rng(kBenchmarkSeed, stream_).Fork(static_cast<uint64_t>(index))};
    return {draw_(item), item.target};
  }

 private:
  ssl::BenchmarkInfo info_;
  uint64_t stream_;
  DrawItem draw_;
};

struct Scene {
  synth::WorldOptions world;
  synth::RenderOptions render;
  int edition = 0;
};

// Any town in any hand; the benchmarks fix what they ask for.
Scene AnyScene(Rng& rng) {
  Scene scene;
  synth::WorldOptions& world = scene.world;
  world.seed = rng.Next();
  world.width_px = world.height_px = kTilePx;
  world.plan = rng.Pick(std::vector<synth::PlanFamily>{
      synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
      synth::PlanFamily::kDenseCore});
  world.density = rng.Uniform(0.3, 0.9);
  world.building_px = rng.Uniform(8.0, 16.0);
  world.angle_rad = rng.Uniform(0.0, std::numbers::pi);
  world.water = 0.1;
  scene.render.hand = rng.Pick(synth::HandNames());
  scene.render.seed = rng.Next();
  scene.render.lettering = rng.Uniform(0.0, 0.4);
  scene.edition = static_cast<int>(rng.Int(0, 3));
  return scene;
}

cv::Mat DrawTown(Scene& scene) {
  // The town runs on beyond the tile.
  scene.world.margin_px = -2.0 * scene.world.building_px;
  return synth::RenderEdition(synth::MakeWorld(scene.world), scene.edition,
                              scene.render)
      .rgb;
}

double DensityOf(int64_t step) {
  return 0.1 + 0.27 * static_cast<double>(step);
}

// Recognition.

std::vector<cv::Mat> DrawHand(Item& item) {
  Scene scene = AnyScene(item.rng);
  scene.render.hand = synth::HandNames()[static_cast<size_t>(item.target)];
  return {DrawTown(scene)};
}

std::vector<cv::Mat> DrawPlan(Item& item) {
  constexpr std::array kPlans = {
      synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
      synth::PlanFamily::kDenseCore, synth::PlanFamily::kVillage};
  Scene scene = AnyScene(item.rng);
  scene.world.plan = kPlans[static_cast<size_t>(item.target)];
  scene.world.building_px = item.rng.Uniform(6.0, 9.0);
  scene.world.density = 0.7;
  scene.edition = 3;
  return {DrawTown(scene)};
}

// Counting.

std::vector<cv::Mat> DrawDensity(Item& item) {
  Scene scene = AnyScene(item.rng);
  scene.world.density = DensityOf(item.target);
  return {DrawTown(scene)};
}

// A rectangle by its middle, half sides and angle.
struct House {
  Point2d middle;
  double half_length = 5.0;
  double half_width = 3.0;
  double angle = 0.0;
  bool is_public = false;

  double Reach() const { return std::hypot(half_length, half_width); }
  Ring Outline() const {
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    Ring ring;
    for (const auto& [u, v] : {std::pair{-1.0, -1.0}, std::pair{1.0, -1.0},
                               std::pair{1.0, 1.0}, std::pair{-1.0, 1.0}}) {
      const double x = u * half_length;
      const double y = v * half_width;
      ring.push_back({middle.x + c * x - s * y, middle.y + s * x + c * y});
    }
    return ring;
  }
};

// Streets, fields and lettering of some place, and of buildings these alone.
cv::Mat DrawHouses(const std::vector<House>& houses, Rng& rng) {
  Scene scene = AnyScene(rng);
  scene.world.density = 0.0;
  scene.world.water = 0.0;
  scene.world.relief = 0.0;
  scene.world.margin_px = 0.0;
  scene.world.building_px = 12.0;
  scene.world.editions = {"1860"};
  scene.edition = 0;
  scene.render.lettering = 0.0;
  synth::World world = synth::MakeWorld(scene.world);
  if (world.blocks.empty()) {
    synth::WorldBlock ground;
    ground.outline = {{0, 0}, {kTilePx, 0}, {kTilePx, kTilePx}, {0, kTilePx}};
    ground.use = synth::BlockUse::kField;
    world.blocks.push_back(ground);
  }
  for (const House& house : houses) {
    synth::WorldBuilding building;
    building.identity = world.buildings.size() + 1;
    building.footprint = {{Polygon{house.Outline(), {}}}};
    building.stands = {true};
    building.events = {synth::WorldEvent::kNone};
    building.is_public = house.is_public;
    world.buildings.push_back(std::move(building));
  }
  return synth::RenderEdition(world, scene.edition, scene.render).rgb;
}

// Keeps the whole house on the tile.
Point2d PlaceFor(double reach, Rng& rng) {
  return {rng.Uniform(reach + 1.0, kTilePx - reach - 1.0),
          rng.Uniform(reach + 1.0, kTilePx - reach - 1.0)};
}

// One house more than the target says, of any sizes: the ink alone does not
// tell how many.
std::vector<cv::Mat> DrawCount(Item& item) {
  constexpr double kGapPx = 2.0;
  constexpr int kTries = 200;
  double size = item.rng.Uniform(0.7, 1.2);
  std::vector<House> houses;
  for (int tries = 0; std::ssize(houses) < item.target + 1; ++tries) {
    if (tries == kTries) {  // there is no room for so many so large
      houses.clear();
      size *= 0.9;
      tries = 0;
    }
    House house;
    house.half_length = size * item.rng.Uniform(4.0, 8.0);
    house.half_width = size * item.rng.Uniform(3.0, 5.0);
    house.angle = item.rng.Uniform(0.0, std::numbers::pi);
    house.middle = PlaceFor(house.Reach(), item.rng);
    const bool free = std::ranges::all_of(houses, [&](const House& other) {
      const double distance = std::hypot(house.middle.x - other.middle.x,
                                         house.middle.y - other.middle.y);
      return distance > house.Reach() + other.Reach() + kGapPx;
    });
    if (free) houses.push_back(house);
  }
  return {DrawHouses(houses, item.rng)};
}

// Spatial relation.

// Where the large house lies from the small one: right, below, left, above.
std::vector<cv::Mat> DrawSide(Item& item) {
  Rng& rng = item.rng;
  House large{{},
              rng.Uniform(7.0, 10.0),
              rng.Uniform(6.0, 8.0),
              rng.Uniform(0.0, std::numbers::pi)};
  House small{{},
              rng.Uniform(3.0, 4.5),
              rng.Uniform(2.5, 3.5),
              rng.Uniform(0.0, std::numbers::pi)};
  const double distance = large.Reach() + small.Reach() + rng.Uniform(2.0, 8.0);
  const double angle = static_cast<double>(item.target) * std::numbers::pi / 2 +
                       rng.Uniform(-0.35, 0.35);
  const Point2d step{distance * std::cos(angle), distance * std::sin(angle)};
  // Both lie anywhere: the pair's middle moves as far as the tile allows.
  const auto shifted = [&](double half_step, double reach) {
    const double room = kTilePx / 2.0 - std::abs(half_step) - reach - 1.0;
    return kTilePx / 2.0 + rng.Uniform(-1.0, 1.0) * std::max(0.0, room);
  };
  const Point2d middle{shifted(step.x / 2, large.Reach()),
                       shifted(step.y / 2, large.Reach())};
  large.middle = {middle.x + step.x / 2, middle.y + step.y / 2};
  small.middle = {middle.x - step.x / 2, middle.y - step.y / 2};
  return {DrawHouses({large, small}, rng)};
}

// Two houses wall to wall, or with a lane between them.
std::vector<cv::Mat> DrawTouching(Item& item) {
  Rng& rng = item.rng;
  House first{{},
              rng.Uniform(5.0, 8.0),
              rng.Uniform(4.0, 7.0),
              rng.Uniform(0.0, std::numbers::pi)};
  House second = first;
  second.half_length = rng.Uniform(5.0, 8.0);
  const double gap = item.target == 1 ? rng.Uniform(3.0, 8.0) : 0.0;
  const double distance = first.half_length + second.half_length + gap;
  const double reach = distance / 2 + std::max(first.Reach(), second.Reach());
  const Point2d middle = reach + 1.0 < kTilePx / 2.0
                             ? PlaceFor(reach, rng)
                             : Point2d{kTilePx / 2.0, kTilePx / 2.0};
  const Point2d half{distance / 2 * std::cos(first.angle),
                     distance / 2 * std::sin(first.angle)};
  first.middle = {middle.x - half.x, middle.y - half.y};
  second.middle = {middle.x + half.x, middle.y + half.y};
  return {DrawHouses({first, second}, rng)};
}

// Orientation.

double StepAngle(int64_t step, double step_deg, double spread_deg, Rng& rng) {
  return (static_cast<double>(step) * step_deg +
          rng.Uniform(-spread_deg, spread_deg)) *
         std::numbers::pi / 180.0;
}

// A street grid looks the same after a quarter turn.
std::vector<cv::Mat> DrawStreetAngle(Item& item) {
  Scene scene = AnyScene(item.rng);
  scene.world.plan = synth::PlanFamily::kGrid;
  scene.world.angle_rad = StepAngle(item.target, 22.5, 5.0, item.rng);
  return {DrawTown(scene)};
}

std::vector<cv::Mat> DrawBuildingAngle(Item& item) {
  Rng& rng = item.rng;
  House house{{},
              rng.Uniform(11.0, 15.0),
              rng.Uniform(3.0, 5.0),
              StepAngle(item.target, 30.0, 8.0, rng)};
  house.middle = PlaceFor(house.Reach(), rng);
  return {DrawHouses({house}, rng)};
}

// Temporal link.

// Two editions in two hands: of one place (1), or of two alike (0).
std::vector<cv::Mat> DrawSamePlace(Item& item) {
  Scene before = AnyScene(item.rng);
  before.world.editions = {"1860", "1880"};
  before.world.change = 0.15;
  before.edition = 0;
  Scene after = before;
  after.edition = 1;
  const Scene other = AnyScene(item.rng);
  after.render = other.render;
  if (item.target == 0) after.world.seed = other.world.seed;
  return {DrawTown(before), DrawTown(after)};
}

// The building in the middle of the first tile still stands on the second (1),
// or is gone and its ground is empty (0).
std::vector<cv::Mat> DrawStillStanding(Item& item) {
  constexpr int kTownPx = 2 * kTilePx;
  constexpr int kTries = 50;
  for (int i = 0; i < kTries; ++i) {
    Scene scene = AnyScene(item.rng);
    scene.world.width_px = scene.world.height_px = kTownPx;
    scene.world.margin_px = kTilePx / 2.0;
    scene.world.editions = {"1860", "1880"};
    scene.world.change = 0.5;
    scene.world.density = item.rng.Uniform(0.5, 0.9);
    scene.world.life.rebuild = 0.0;
    synth::RenderOptions second = scene.render;
    const std::vector<std::string> hands = synth::HandNames();
    second.hand = item.rng.Pick(hands);
    second.seed = item.rng.Next();
    const synth::World world = synth::MakeWorld(scene.world);
    const auto wanted = item.target == 1 ? synth::WorldEvent::kPersists
                                         : synth::WorldEvent::kDemolished;
    std::vector<const synth::WorldBuilding*> fitting;
    for (const synth::WorldBuilding& building : world.buildings) {
      if (!building.footprint[0].empty() && building.events[1] == wanted) {
        fitting.push_back(&building);
      }
    }
    if (fitting.empty()) continue;
    const Ring& ring = item.rng.Pick(fitting)->footprint[0].front().shell;
    Point2d middle{0.0, 0.0};
    for (const Point2d& p : ring) {
      middle.x += p.x / static_cast<double>(ring.size());
      middle.y += p.y / static_cast<double>(ring.size());
    }
    const auto edge = [](double at) {
      return std::clamp(static_cast<int>(std::lround(at)) - kTilePx / 2, 0,
                        kTownPx - kTilePx);
    };
    const cv::Rect window(edge(middle.x), edge(middle.y), kTilePx, kTilePx);
    return {synth::RenderWindow(world, 0, scene.render, window).rgb,
            synth::RenderWindow(world, 1, second, window).rgb};
  }
  throw Error(ErrorCode::kBug, "no simulated town has such a building");
}

// Robustness: density, tested on what training did not show.

// The last four hands of the list are left for the test.
std::vector<cv::Mat> DrawOtherHands(Item& item) {
  constexpr int64_t kHeldOut = 4;
  const std::vector<std::string> hands = synth::HandNames();
  const int64_t split = std::ssize(hands) - kHeldOut;
  Scene scene = AnyScene(item.rng);
  scene.world.density = DensityOf(item.target);
  const int64_t hand = item.training
                           ? item.rng.Int(0, split - 1)
                           : item.rng.Int(split, std::ssize(hands) - 1);
  scene.render.hand = hands[static_cast<size_t>(hand)];
  return {DrawTown(scene)};
}

std::vector<cv::Mat> DrawWorn(Item& item) {
  Scene scene = AnyScene(item.rng);
  scene.world.density = DensityOf(item.target);
  scene.render.wear = item.training ? 0.5 : 3.0;
  return {DrawTown(scene)};
}

std::vector<cv::Mat> DrawOtherScale(Item& item) {
  Scene scene = AnyScene(item.rng);
  scene.world.density = DensityOf(item.target);
  scene.world.building_px = item.training ? item.rng.Uniform(10.0, 13.0)
                            : item.rng.Chance(0.5)
                                ? item.rng.Uniform(6.5, 8.0)
                                : item.rng.Uniform(16.0, 20.0);
  return {DrawTown(scene)};
}

}  // namespace

ssl::BenchmarkSet MapBenchmarks() {
  constexpr int64_t kTrain = 384;
  constexpr int64_t kTest = 256;
  constexpr int64_t kDistilled = 96;
  ssl::BenchmarkSet set;
  const auto add = [&](const char* group, const char* name, const char* summary,
                       int64_t classes, int64_t distilled, DrawItem draw,
                       int64_t images = 1) {
    ssl::BenchmarkInfo info{name,   group,  summary, 1,        classes,
                            images, kTrain, kTest,   distilled};
    set.push_back(std::make_shared<MapBenchmark>(std::move(info), set.size(),
                                                 std::move(draw)));
  };
  const char* group = "recognition";
  add(group, "hand", "which map hand drew the tile",
      std::ssize(synth::HandNames()), kDistilled, DrawHand);
  add(group, "plan", "which kind of street plan", 4, 0, DrawPlan);
  group = "counting";
  add(group, "count", "how many buildings, one to six", 6, kDistilled,
      DrawCount);
  add(group, "density", "how densely the plots are built on", 4, 0,
      DrawDensity);
  group = "spatial relation";
  add(group, "side", "on which side of the small building the large one lies",
      4, kDistilled, DrawSide);
  add(group, "touching", "whether two buildings share a wall", 2, 0,
      DrawTouching);
  group = "orientation";
  add(group, "street-angle", "how the street grid is turned", 4, kDistilled,
      DrawStreetAngle);
  add(group, "building-angle", "how a long building is turned", 6, 0,
      DrawBuildingAngle);
  group = "temporal link";
  add(group, "same-place", "whether two editions show one place", 2, kDistilled,
      DrawSamePlace, 2);
  add(group, "still-standing",
      "whether the building in the middle stands on the next edition", 2, 0,
      DrawStillStanding, 2);
  group = "robustness";
  add(group, "other-hands", "density in hands that training did not show", 4, 0,
      DrawOtherHands);
  add(group, "worn", "density on worn and stained paper", 4, kDistilled,
      DrawWorn);
  add(group, "other-scale", "density at scales that training did not show", 4,
      0, DrawOtherScale);
  return set;
}

ssl::BenchmarkSet ChooseBenchmarks(const std::vector<std::string>& names) {
  const ssl::BenchmarkSet all = MapBenchmarks();
  if (names.empty()) return all;
  std::vector<std::string> known;
  ssl::BenchmarkSet chosen;
  for (const auto& benchmark : all) {
    known.push_back(benchmark->Info().name);
    if (std::ranges::find(names, known.back()) != names.end()) {
      chosen.push_back(benchmark);
    }
  }
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw Error(ErrorCode::kUsage, "unknown benchmark \"" + name + "\"",
                fmt::format("use some of {}", fmt::join(known, ", ")));
  }
  return chosen;
}

}  // namespace mapweave::pipelines
