// SPDX-License-Identifier: MIT
//
// What happened to each building between editions, and the dates between
// which it must have been built and gone. Absence counts only where an edition
// covers the building's place. Vocabulary after Hornsby & Egenhofer (2000) and
// Claramunt & Thériault (1996).
#pragma once

#include "core/date.h"
#include "tracking/outline_change.h"
#include "tracking/track.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::tracking {

// The closed list of the project file's `lineage.kind`.
enum class LineageKind {
  kPersist,    // seen on both editions, unchanged within the drawing's accuracy
  kAppear,     // not there, then there
  kDisappear,  // there, then not there
  kEnlarge,    // gained ground and lost none
  kReduce,     // lost ground and gained none
  kReshape,    // gained and lost ground
  kSplit,      // 1 : n
  kMerge,      // n : 1
  kRecompose,  // n : m
  kRebuild,    // gone, and another building on the same plot: a new identity
  kRedrawn,    // only the drawing changed
  kGap,        // not drawn on editions between two on which it is: missed
};

// "persist", "appear" ... as stored.
const char* LineageKindName(LineageKind kind);
// Throws Error{kBadInput} naming `name`.
LineageKind ParseLineageKind(const std::string& name);

struct LineageEvent {
  // Positions in the TrackSet. Equal for what happens within one building;
  // from_track is none for kAppear, to_track for kDisappear.
  std::optional<size_t> from_track;
  std::optional<size_t> to_track;
  // Positions of editions, from_edition < to_edition.
  size_t from_edition = 0;
  size_t to_edition = 0;
  LineageKind kind = LineageKind::kPersist;
  // In [0, 1], from the tracks' presence and link probabilities.
  double probability = 0.0;
  // One JSON object on one line: what the decision rests on.
  std::string evidence;
};

struct LineageOptions {
  // An edition covers a track's place if at least this part of the place is
  // surveyed there; in (0, 1].
  double min_coverage = 0.8;
  // What counts as a change of the outline.
  OutlineOptions outline;

  // Throws Error{kUsage}.
  void Validate() const;
};

// coverage[i][t]: part of track i's place (its masks of all editions together)
// that is surveyed on edition t, in [0, 1]. A track is taken as covered where
// it is seen, whatever the coverage says.
using TrackCoverage = std::vector<std::vector<float>>;

// The coverage of each track's place, from the editions' coverage masks
// ([H, W] CV_8UC1, non-zero = surveyed; the masks of the tracks are in the
// pixel frame of these images).
TrackCoverage CoverageOfTracks(const TrackSet& tracks,
                               const std::vector<cv::Mat>& coverage);

// What happened within each building, by track, then by edition: one event per
// pair of consecutive editions that cover the track's place, none while it is
// absent, none before the first or after the last covered edition. Absence
// between two presences is one kGap from the presence before to the presence
// after. Probabilities: both ends seen, presence * link * presence; appeared,
// (1 - presence before) * presence after; disappeared the other way round.
// Throws Error{kBadInput} if the sizes of the inputs do not agree.
std::vector<LineageEvent> DeriveLineage(const TrackSet& tracks,
                                        const TrackCoverage& coverage,
                                        const LineageOptions& options);

// What happened between buildings, by from_edition, then by tracks: kSplit,
// kMerge, kRecompose and kRebuild, one event for each pair of different tracks
// of which one's drawing lies at least half within the other's (displacement
// removed) on two editions that are consecutive for both. How many tracks hang
// together on either edition decides the kind: 1 : n is a split, n : 1 a
// merger, n : m a recomposition; 1 : 1 is a rebuilding if the first track ends
// there and the second begins. Throws as DeriveLineage.
std::vector<LineageEvent> DeriveSuccession(const TrackSet& tracks,
                                           const TrackCoverage& coverage,
                                           const LineageOptions& options);

// When a building was built and went, as positions of editions: built in
// (built_after, built_by], gone in (gone_after, gone_by].
struct DateBounds {
  // Last covering edition before the first sight; none if never seen absent
  // before.
  std::optional<size_t> built_after;
  std::optional<size_t> built_by;  // first sight; none if never seen
  // Last sight and first covering edition after it; both none if no edition
  // shows it gone.
  std::optional<size_t> gone_after;
  std::optional<size_t> gone_by;
  bool operator==(const DateBounds&) const = default;
};

// One per track. Throws Error{kBadInput} as DeriveLineage.
std::vector<DateBounds> DeriveDateBounds(const TrackSet& tracks,
                                         const TrackCoverage& coverage,
                                         const LineageOptions& options);

// EDTF level 2 (Library of Congress, 2019) at the precision of years, both ends
// included, since the order within a year is unknown: "[1860..1880]" (one date
// within), "[..1880]" (no later than), "1880" (both in one year), "" (unknown).
// A survey that lasted years counts from its first year as an absence or a last
// sight and by its last year as a first sight or a later absence.
struct EdtfInterval {
  std::string start;
  std::string end;
  bool operator==(const EdtfInterval&) const = default;
};

// `editions` are the survey dates of the track's place, oldest edition first;
// every bound is within.
EdtfInterval EdtfFromBounds(const DateBounds& bounds,
                            const std::vector<DateRange>& editions);

}  // namespace mapweave::tracking
