// SPDX-License-Identifier: MIT
//
// A simulated town over time: streets, blocks, parcels, waters and buildings
// with exact truth on every edition. It knows nothing of ink and paper; how it
// is drawn is said by synth/render.h.
//
// Frame: pixels of the series grid, x right, y down, pixel centre at
// (col + 0.5, row + 0.5).
#pragma once

#include "core/geometry.h"

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
  // Chance that a surveyor leaves a standing building out, per edition.
  double omission = 0.02;
  // Largest smooth displacement of the drawing on an edition, in pixels,
  // against the true ground: the error of survey and of paper.
  double distortion_px = 1.5;
  // Scatter (standard deviation) of the place of one free-standing house on
  // the drawing, in pixels, from survey to survey.
  double unsteadiness_px = 0.4;
  // Chance that a river, a coast or ponds cross the window.
  double water = 0.5;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// What became of a building since the previous edition.
enum class WorldEvent {
  kNone,  // not there, before or now
  kBuilt,
  kPersists,
  kEnlarged,
  kReduced,
  kReshaped,
  kRedrawn,  // the same building, drawn a little elsewhere
  kOmitted,  // stands, but the surveyor left it out
  kDemolished,
  kRebuilt,  // built on the plot of a building that went: new identity
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
};

enum class BlockUse {
  kDwellings,
  kPublic,  // barracks, hospital, works: few large buildings
  kGarden,
  kCemetery,
  kField,
  kSquare,
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
  std::vector<WorldBuilding> buildings;
  // One per edition; everything drawn goes through it. The footprints above
  // already did.
  std::vector<DistortionField> distortion;
};

// A pure function of the options. Throws what Validate throws.
World MakeWorld(const WorldOptions& options);

}  // namespace mapweave::synth
