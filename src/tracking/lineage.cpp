// SPDX-License-Identifier: MIT
#include "tracking/lineage.h"

#include "core/error.h"
#include "core/json.h"
#include "tracking/life.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr std::array<std::pair<LineageKind, const char*>, 12> kKindNames = {{
    {LineageKind::kPersist, "persist"},
    {LineageKind::kAppear, "appear"},
    {LineageKind::kDisappear, "disappear"},
    {LineageKind::kEnlarge, "enlarge"},
    {LineageKind::kReduce, "reduce"},
    {LineageKind::kReshape, "reshape"},
    {LineageKind::kSplit, "split"},
    {LineageKind::kMerge, "merge"},
    {LineageKind::kRecompose, "recompose"},
    {LineageKind::kRebuild, "rebuild"},
    {LineageKind::kRedrawn, "redrawn"},
    {LineageKind::kGap, "gap"},
}};

LineageKind KindOf(OutlineKind kind) {
  switch (kind) {
    case OutlineKind::kSame:
      return LineageKind::kPersist;
    case OutlineKind::kGained:
      return LineageKind::kEnlarge;
    case OutlineKind::kLost:
      return LineageKind::kReduce;
    case OutlineKind::kGainedAndLost:
      return LineageKind::kReshape;
  }
  throw Error(ErrorCode::kBug, "Unknown kind of outline change");
}

Json EvidenceOf(const OutlineChange& change) {
  return {{"iou", RoundedForEvidence(change.iou)},
          {"area_before_px", change.area_before},
          {"area_after_px", change.area_after},
          {"gained_px", change.gained},
          {"lost_px", change.lost},
          {"displacement_px", {change.displacement.x, change.displacement.y}}};
}

double Clamped(double probability) { return std::clamp(probability, 0.0, 1.0); }

LineageEvent Appearance(size_t index, const Life& life, size_t from,
                        size_t to) {
  const Json evidence = {
      {"coverage_before", RoundedForEvidence(life.CoverageAt(from))},
      {"presence_before", RoundedForEvidence(life.PresenceAt(from))},
      {"area_after_px", life.MaskAt(to).Area()}};
  return {std::nullopt,
          index,
          from,
          to,
          LineageKind::kAppear,
          Clamped((1.0 - life.PresenceAt(from)) * life.PresenceAt(to)),
          evidence.dump()};
}

LineageEvent Disappearance(size_t index, const Life& life, size_t from,
                           size_t to) {
  const Json evidence = {
      {"coverage_after", RoundedForEvidence(life.CoverageAt(to))},
      {"presence_after", RoundedForEvidence(life.PresenceAt(to))},
      {"area_before_px", life.MaskAt(from).Area()}};
  return {index,
          std::nullopt,
          from,
          to,
          LineageKind::kDisappear,
          Clamped(life.PresenceAt(from) * (1.0 - life.PresenceAt(to))),
          evidence.dump()};
}

// From one sight to the next, across editions that do not cover the place or
// do not show the building.
LineageEvent Continuation(size_t index, const Life& life, size_t from,
                          size_t to) {
  const OutlineChange change = CompareOutlines(
      life.MaskAt(from), life.MaskAt(to), life.Options().outline);
  Json evidence = EvidenceOf(change);
  LineageKind kind = KindOf(change.kind);
  Json absent = Json::array();
  for (size_t t = from + 1; t < to; ++t) {
    if (life.IsCovered(t)) absent.push_back(t);
  }
  if (!absent.empty()) {
    evidence["absent_on"] = absent;
    evidence["change"] = LineageKindName(kind);
    kind = LineageKind::kGap;
  }
  return {
      index,
      index,
      from,
      to,
      kind,
      Clamped(life.PresenceAt(from) * life.LinkAt(from) * life.PresenceAt(to)),
      evidence.dump()};
}

void AddEvents(size_t index, const Life& life,
               std::vector<LineageEvent>& events) {
  const DateBounds bounds = life.Bounds();
  if (bounds.built_after) {
    events.push_back(
        Appearance(index, life, *bounds.built_after, *bounds.built_by));
  }
  const std::vector<size_t>& seen = life.Seen();
  for (size_t i = 0; i + 1 < seen.size(); ++i) {
    events.push_back(Continuation(index, life, seen[i], seen[i + 1]));
  }
  if (bounds.gone_by) {
    events.push_back(
        Disappearance(index, life, *bounds.gone_after, *bounds.gone_by));
  }
}

void CheckSizes(const TrackSet& tracks, const TrackCoverage& coverage) {
  if (coverage.size() != tracks.size()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} tracks but coverage of {}", tracks.size(),
                            coverage.size()),
                "Give the coverage of each track.");
  }
  for (size_t i = 0; i < tracks.size(); ++i) {
    const size_t editions = tracks.front().masks.size();
    if (tracks[i].masks.size() != editions ||
        tracks[i].presence.size() != editions ||
        tracks[i].link.size() != editions || coverage[i].size() != editions) {
      throw Error(
          ErrorCode::kBadInput,
          fmt::format("Track {}: {} masks, {} presences, {} links and coverage "
                      "of {} editions where {} are expected",
                      i, tracks[i].masks.size(), tracks[i].presence.size(),
                      tracks[i].link.size(), coverage[i].size(), editions),
          "Give one of each per edition.");
    }
  }
}

double CoveredPart(const Mask& place, const cv::Mat& coverage) {
  if (place.IsEmpty()) return 0.0;
  int64_t covered = 0;
  for (const Run& run : place.Runs()) {
    if (run.row < 0 || run.row >= coverage.rows) continue;
    const uint8_t* row = coverage.ptr<uint8_t>(run.row);
    const int end = std::min(run.end, coverage.cols);
    for (int col = std::max(run.begin, 0); col < end; ++col) {
      if (row[col] != 0) ++covered;
    }
  }
  return static_cast<double>(covered) / static_cast<double>(place.Area());
}

// "[lower..upper]" in years. Sheets that overlap by a margin may contradict
// each other; such a lower bound says nothing.
std::string EdtfWithin(std::optional<int> lower, int upper) {
  if (!lower || *lower > upper) return fmt::format("[..{:04d}]", upper);
  if (*lower == upper) return fmt::format("{:04d}", upper);
  return fmt::format("[{:04d}..{:04d}]", *lower, upper);
}

}  // namespace

std::vector<Life> LivesOf(const TrackSet& tracks, const TrackCoverage& coverage,
                          const LineageOptions& options) {
  CheckSizes(tracks, coverage);
  std::vector<Life> lives;
  lives.reserve(tracks.size());
  for (size_t i = 0; i < tracks.size(); ++i) {
    lives.emplace_back(tracks[i], coverage[i], options);
  }
  return lives;
}

double RoundedForEvidence(double value) {
  return std::round(value * 1000.0) / 1000.0;
}

const char* LineageKindName(LineageKind kind) {
  for (const auto& [known, name] : kKindNames) {
    if (known == kind) return name;
  }
  throw Error(ErrorCode::kBug, "A kind of lineage has no name");
}

LineageKind ParseLineageKind(const std::string& name) {
  for (const auto& [kind, known] : kKindNames) {
    if (name == known) return kind;
  }
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' is not a kind of lineage", name),
              "Use one of persist, appear, disappear, enlarge, reduce, "
              "reshape, split, merge, recompose, rebuild, redrawn, gap.");
}

void LineageOptions::Validate() const {
  if (!(min_coverage > 0.0) || min_coverage > 1.0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("min_coverage is {}", min_coverage),
                "Give a number in (0, 1].");
  }
  outline.Validate();
}

TrackCoverage CoverageOfTracks(const TrackSet& tracks,
                               const std::vector<cv::Mat>& coverage) {
  TrackCoverage parts;
  for (const Track& track : tracks) {
    Mask place;
    for (const Mask& mask : track.masks) place = place.Union(mask);
    std::vector<float> of_track;
    for (const cv::Mat& edition : coverage) {
      of_track.push_back(static_cast<float>(CoveredPart(place, edition)));
    }
    parts.push_back(std::move(of_track));
  }
  return parts;
}

std::vector<LineageEvent> DeriveLineage(const TrackSet& tracks,
                                        const TrackCoverage& coverage,
                                        const LineageOptions& options) {
  options.Validate();
  const std::vector<Life> lives = LivesOf(tracks, coverage, options);
  std::vector<LineageEvent> events;
  for (size_t i = 0; i < lives.size(); ++i) AddEvents(i, lives[i], events);
  return events;
}

std::vector<DateBounds> DeriveDateBounds(const TrackSet& tracks,
                                         const TrackCoverage& coverage,
                                         const LineageOptions& options) {
  options.Validate();
  std::vector<DateBounds> bounds;
  for (const Life& life : LivesOf(tracks, coverage, options)) {
    bounds.push_back(life.Bounds());
  }
  return bounds;
}

EdtfInterval EdtfFromBounds(const DateBounds& bounds,
                            const std::vector<DateRange>& editions) {
  for (const auto& bound : {bounds.built_after, bounds.built_by,
                            bounds.gone_after, bounds.gone_by}) {
    MAPWEAVE_CHECK(!bound || *bound < editions.size());
  }
  const auto first_year = [&](std::optional<size_t> t) {
    return t && !editions[*t].HasUnknownStart()
               ? std::optional(editions[*t].from.year)
               : std::nullopt;
  };
  const auto last_year = [&](size_t t) { return editions[t].to.year; };
  EdtfInterval edtf;
  if (bounds.built_by) {
    edtf.start =
        EdtfWithin(first_year(bounds.built_after), last_year(*bounds.built_by));
  }
  if (bounds.gone_after && bounds.gone_by) {
    edtf.end =
        EdtfWithin(first_year(bounds.gone_after), last_year(*bounds.gone_by));
  }
  return edtf;
}

}  // namespace mapweave::tracking
