// SPDX-License-Identifier: MIT
//
// A simulated town over time: streets, blocks, parcels, waters and buildings
// with exact truth on every edition, in observation, identity and lineage. It
// knows nothing of ink and paper; how it is drawn is said by synth/render.h.
//
// Identity: a building that is enlarged, reduced, reshaped or only redrawn
// stays the same building. What is built on the plot of one that went is
// another. When a building is split, when neighbours become one, or when
// several are cut up anew, an identity goes on in the part that keeps more than
// half of what the outlines before and after together cover (IoU > 0.5, which
// at most one pair can reach); every other identity ends or begins there. All
// of that is said of outlines without the errors of survey and paper.
//
// Frame: pixels of the series grid, x right, y down, pixel centre at
// (col + 0.5, row + 0.5).
#pragma once

#include "core/geometry.h"
#include "tracking/lineage.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::synth {

// The street plan a town grows on. Training clips never use kRingAndGrid, the
// plan of the shipped sample series, so that no network has seen its like.
enum class PlanFamily {
  // Straight streets, blocks of similar size: colonial and garrison towns.
  kGrid,
  // Streets of unequal length at odd angles, bent by a smooth field.
  kOrganic,
  // Few roads, buildings in loose groups, wide fields.
  kRural,
  // A ringed core with radial streets, a boulevard where its walls were, and
  // a grid extension around it. Sample series only.
  kRingAndGrid,
  // A crowded old town of perimeter blocks with courts and back buildings,
  // then suburbs, then fields.
  kDenseCore,
  // Villages and hamlets along bent roads, fields between them.
  kVillage,
};

// How often the kinds of change occur, as weights: of every hundred changes,
// that many are meant to be of the kind. Where the ground does not allow it
// (nothing stands near enough to merge with), another kind takes its place; the
// defaults make about 5 % splits, 5 % mergers and 1.5 % recompositions.
struct LifeShares {
  double demolish = 0.16;
  double rebuild = 0.14;
  double enlarge = 0.17;
  double reduce = 0.09;
  double reshape = 0.09;
  double redrawn = 0.18;
  double split = 0.05;      // 1 : 2 or 3
  double merge = 0.08;      // 2 or 3 : 1
  double recompose = 0.04;  // 2 or 3 : 2 or 3
  // Throws Error{kUsage} that names the weight that is negative, or if all are
  // zero.
  void Validate() const;
};

struct WorldOptions {
  uint64_t seed = 1;
  // Size of the grid window that the world fills, 16 to 20000 pixels.
  int width_px = 1500;
  int height_px = 1500;
  // Labels of the editions, oldest first; at least one.
  std::vector<std::string> editions = {"1860", "1875", "1890", "1905"};
  PlanFamily plan = PlanFamily::kGrid;
  // Side of a typical dwelling in pixels, 4 to 80. Sheds are about half as
  // long; barracks, churches and factories several times as long.
  double building_px = 14.0;
  // Share of the plots that carry buildings when the town is full, in [0, 1];
  // 0 leaves streets, fields and waters only.
  double density = 0.7;
  // Orientation of the plan in radians.
  double angle_rad = 0.4;
  // Distance from the edge of the window that buildings keep; streets, fields
  // and waters do not. Negative: the town runs on beyond the window, as in a
  // window cut from a larger sheet.
  double margin_px = 60.0;
  // Share of the buildings that change (any kind of event) from one edition to
  // the next, in [0, 1].
  double change = 0.2;
  LifeShares life;
  // Chance that a surveyor leaves a standing building out, per edition.
  double omission = 0.02;
  // Chance that the survey of an edition leaves out all small outbuildings.
  double shed_omission = 0.1;
  // Largest smooth displacement of the drawing on an edition, in pixels,
  // against the true ground: the error of survey and of paper.
  double distortion_px = 1.5;
  // Scatter (standard deviation) of the place of one free-standing house on
  // the drawing, in pixels, from survey to survey.
  double unsteadiness_px = 0.4;
  // Chance that a river, a coast or ponds cross the window.
  double water = 0.5;
  // Chance that the land is hilly.
  double relief = 0.3;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// What became of a building since the previous edition. A building that ended
// carries the event that ended it on the first edition without it.
enum class WorldEvent {
  kNone,  // not there, before or now
  kBuilt,
  kPersists,
  kEnlarged,
  kReduced,
  kReshaped,
  // The same building in another drawing: displaced, its corners dropped or
  // cut, its court filled, a bay left out or put in.
  kRedrawn,
  kOmitted,  // stands, but the surveyor left it out
  kDemolished,
  kRebuilt,     // built on the plot of a building that went: new identity
  kSplit,       // became several, or is one of them
  kMerged,      // became one with neighbours, or is what they became
  kRecomposed,  // several were cut up anew into several
};

struct WorldBuilding {
  // Unique in its world, from 1.
  uint64_t identity = 0;
  // Per edition: where it is drawn, with the local distortion of that edition
  // but without any whole-sheet shift. Empty: not drawn.
  std::vector<MultiPolygon> footprint;
  // Per edition: whether it truly stands, drawn or not.
  std::vector<bool> stands;
  std::vector<WorldEvent> events;
  // Position in World::blocks of the block that it stands in.
  size_t block = 0;
  // Church, barracks, market, school: what surveyors colour and name apart.
  bool is_public = false;
  // Shed, barn, back building: often in another colour, or left out.
  bool is_outbuilding = false;
};

// One line of the truth of change. Links speak of drawings: `from` is drawn on
// from_edition and `to` on to_edition.
//   kPersist, kEnlarge, kReduce, kReshape, kRedrawn: from == to, editions
//     consecutive.
//   kGap: from == to, not drawn on the editions between (at least one).
//   kAppear: from is 0; to is drawn on to_edition for the first time and comes
//     out of no other building. kDisappear: to is 0; from is drawn on
//     from_edition for the last time (a building that stands on but is never
//     drawn again disappears, too). from_edition + 1 == to_edition in both.
//   kRebuild: from != to; one ends, the other begins, on consecutive editions.
//   kSplit, kMerge, kRecompose: editions consecutive, one link for each pair of
//     which at least half of one lies within the other; from == to where the
//     identity goes on.
// So links of exactly one kind lead to every drawing after edition 0, and links
// of exactly one kind lead on from every drawing before the last edition.
struct WorldLink {
  uint64_t from = 0;
  uint64_t to = 0;
  int from_edition = 0;
  int to_edition = 0;
  tracking::LineageKind kind = tracking::LineageKind::kPersist;
  auto operator<=>(const WorldLink&) const = default;
};

enum class BlockUse {
  kDwellings,
  kPublic,  // barracks, hospital, school: few large buildings
  kGarden,
  kCemetery,
  kField,
  kSquare,
  kWorks,    // factory halls and sheds
  kOrchard,  // trees in rows
};

struct WorldBlock {
  Ring outline;               // true ground, without distortion
  std::vector<Ring> parcels;  // may be empty
  BlockUse use = BlockUse::kDwellings;
  // Owner class, 0 to 4, that colours the block on a cadastre.
  int owner = 0;
  // First edition on which its parcels and paths are there; 0 = always.
  int since = 0;
};

struct WorldStreet {
  std::vector<Point2d> centreline;
  double width_px = 0.0;
};

struct WorldWater {
  std::vector<Point2d> centreline;  // empty for a pond
  double width_px = 0.0;
  Ring outline;
};

enum class LineKind {
  kEmbankment,  // slope to both sides of the line
  kWall,        // town or estate wall
  kMoat,        // water of the given width
  kTrack,       // unmetalled road
  kPath,
  kHedge,
};

// A line on the ground that is no street, railway or river.
struct WorldLine {
  LineKind kind = LineKind::kPath;
  std::vector<Point2d> line;
  bool closed = false;
  double width_px = 1.0;
};

// The height of the land in metres: a sum of plane waves. Flat without any.
struct HeightField {
  struct Wave {
    double kx = 0.0, ky = 0.0, phase = 0.0, metres = 0.0;
  };
  std::vector<Wave> waves;
  double Height(Point2d p) const;
  // Metres per pixel, uphill.
  Point2d Slope(Point2d p) const;
};

struct Contour {
  std::vector<Point2d> line;  // higher ground on its right (y down)
  bool closed = false;
  bool index = false;  // every fifth, which is drawn heavier
  double metres = 0.0;
};

struct Relief {
  HeightField field;
  std::vector<Contour> contours;  // empty: flat land
};

// A slow displacement field: a sum of plane waves.
struct DistortionField {
  struct Wave {
    double kx = 0.0, ky = 0.0, phase = 0.0, dx = 0.0, dy = 0.0;
  };
  std::vector<Wave> waves;
  Point2d Apply(Point2d p) const;
};

struct World {
  WorldOptions options;
  std::vector<WorldStreet> streets;
  std::vector<WorldBlock> blocks;
  std::vector<WorldWater> waters;
  std::vector<std::vector<Point2d>> railways;
  std::vector<WorldLine> lines;
  Relief relief;
  std::vector<WorldBuilding> buildings;
  // Complete and sorted by from_edition, to_edition, from, to.
  std::vector<WorldLink> links;
  // One per edition; everything drawn goes through it. The footprints above
  // already did.
  std::vector<DistortionField> distortion;
};

// A pure function of the options. Throws what Validate throws.
World MakeWorld(const WorldOptions& options);

}  // namespace mapweave::synth
