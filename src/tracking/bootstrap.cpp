// SPDX-License-Identifier: MIT
#include "tracking/bootstrap.h"

#include "core/error.h"
#include "core/random.h"
#include "tracking/series_matching.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace mapweave::tracking {
namespace {

// Series and square; (series, 0, 0) where each series is a place.
using PlaceKey = std::array<int, 3>;

// Where each track of one series lies, by index of the place.
struct TrackPlaces {
  std::vector<size_t> predicted;
  std::vector<size_t> truth;
};

const Mask& FirstMask(const Track& track) {
  const auto first = std::ranges::find_if(
      track.masks, [](const Mask& mask) { return !mask.IsEmpty(); });
  return first == track.masks.end() ? track.masks.front() : *first;
}

// Numbers places in the order in which tracks ask for them.
class PlaceFinder {
 public:
  PlaceFinder(std::span<const SeriesTracks> first,
              std::span<const SeriesTracks> second, int squares) {
    if (first.size() != 1) return;
    cv::Rect bounds;
    for (const TrackSet* tracks :
         {&first[0].truth, &first[0].predicted, &second[0].predicted}) {
      for (const Track& track : *tracks)
        for (const Mask& mask : track.masks) bounds |= mask.Bounds();
    }
    side_ = std::max(
        1, (std::max(bounds.width, bounds.height) + squares - 1) / squares);
    origin_ = bounds.tl();
  }

  size_t PlaceOf(size_t series, const Track& track) {
    PlaceKey key{static_cast<int>(series), 0, 0};
    if (side_ > 0 && !track.masks.empty()) {
      const cv::Rect box = FirstMask(track).Bounds();
      const cv::Point middle = (box.tl() + box.br()) / 2 - origin_;
      key = {0, middle.x / side_, middle.y / side_};
    }
    return places_.try_emplace(key, places_.size()).first->second;
  }

  size_t Count() const { return places_.size(); }

 private:
  int side_ = 0;  // of a square; 0: each series is a place
  cv::Point origin_;
  std::map<PlaceKey, size_t> places_;
};

// What one result contributes, place by place.
struct Contributions {
  std::vector<MatchScore> tracks;
  std::vector<MatchScore> links;
  std::vector<double> truths;
  std::vector<JudgedPrediction> judged;
  std::vector<size_t> judged_place;
};

void CountTracks(const SeriesView& series, const ApVideo& video,
                 const TrackPlaces& places, const MeasureOptions& options,
                 std::vector<MatchScore>& counts) {
  std::vector<char> right(series.predicted.size(), 0);
  std::vector<char> found(series.truth.size(), 0);
  for (const auto& [p, g] : MatchTracks(series, video, options)) {
    right[static_cast<size_t>(p)] = found[static_cast<size_t>(g)] = 1;
    ++counts[places.truth[static_cast<size_t>(g)]].true_positives;
  }
  for (size_t p = 0; p < right.size(); ++p) {
    if (!right[p] && Counts(series.predicted[p], options))
      ++counts[places.predicted[p]].false_positives;
  }
  for (size_t g = 0; g < found.size(); ++g)
    if (!found[g]) ++counts[places.truth[g]].false_negatives;
}

void CountLinks(const SeriesView& series, const TrackingSequence& sequence,
                const TrackPlaces& places, const MeasureOptions& options,
                std::vector<MatchScore>& counts) {
  std::vector<std::vector<Match>> matches;
  for (const Frame& frame : sequence.frames) {
    matches.push_back(
        MatchFrame(frame, sequence.predicted_tracks, options.iou_threshold));
  }
  for (size_t g = 0; g < series.truth.size(); ++g) {
    ForEachLink(series.truth[g],
                [&](size_t) { ++counts[places.truth[g]].false_negatives; });
  }
  for (size_t p = 0; p < series.predicted.size(); ++p) {
    if (!Counts(series.predicted[p], options)) continue;
    ForEachLink(series.predicted[p], [&](size_t t) {
      const int truth = matches[t][p].truth;
      if (truth == kNoPartner || truth != matches[t + 1][p].truth) {
        ++counts[places.predicted[p]].false_positives;
        return;
      }
      MatchScore& score = counts[places.truth[static_cast<size_t>(truth)]];
      ++score.true_positives;
      --score.false_negatives;
    });
  }
}

// `places` numbers more places as tracks ask for them, so that the counts are
// made once all are known.
std::vector<TrackPlaces> FindPlaces(std::span<const SeriesTracks> series,
                                    PlaceFinder& finder) {
  std::vector<TrackPlaces> places(series.size());
  for (size_t s = 0; s < series.size(); ++s) {
    for (const Track& track : series[s].truth)
      places[s].truth.push_back(finder.PlaceOf(s, track));
    for (const Track& track : series[s].predicted)
      places[s].predicted.push_back(finder.PlaceOf(s, track));
  }
  return places;
}

Contributions Contribute(std::span<const SeriesTracks> all,
                         const std::vector<TrackPlaces>& places, size_t count,
                         const MeasureOptions& options) {
  Contributions out{std::vector<MatchScore>(count),
                    std::vector<MatchScore>(count),
                    std::vector<double>(count, 0.0),
                    {},
                    {}};
  std::vector<ApVideo> videos;
  for (size_t s = 0; s < all.size(); ++s) {
    const SeriesView view{all[s].predicted, all[s].truth};
    const Prepared prepared = Prepare(view);
    videos.push_back(SpaceTimeOverlaps(prepared));
    CountTracks(view, videos.back(), places[s], options, out.tracks);
    CountLinks(view, SequenceOf(prepared, options), places[s], options,
               out.links);
    for (const size_t place : places[s].truth) out.truths[place] += 1.0;
  }
  out.judged = JudgePredictions(videos);
  for (const JudgedPrediction& judged : out.judged)
    out.judged_place.push_back(
        places[judged.video].predicted[judged.prediction]);
  return out;
}

double WeightedF1(const std::vector<MatchScore>& counts,
                  const std::vector<int64_t>& times) {
  MatchScore sum;
  for (size_t i = 0; i < counts.size(); ++i) {
    sum += {times[i] * counts[i].true_positives,
            times[i] * counts[i].false_positives,
            times[i] * counts[i].false_negatives};
  }
  return sum.F1();
}

double WeightedAp(const Contributions& from,
                  const std::vector<int64_t>& times) {
  std::vector<double> weights;
  for (const size_t place : from.judged_place)
    weights.push_back(static_cast<double>(times[place]));
  double truths = 0.0;
  for (size_t i = 0; i < times.size(); ++i)
    truths += static_cast<double>(times[i]) * from.truths[i];
  return WeightedPrecision(from.judged, weights, truths).Ap();
}

enum Figure : size_t { kTrackF1, kLinkF1, kAp, kFigures };

// Places i counts times[i] times.
std::array<double, kFigures> FiguresOf(const Contributions& from,
                                       const std::vector<int64_t>& times) {
  return {WeightedF1(from.tracks, times), WeightedF1(from.links, times),
          WeightedAp(from, times)};
}

// Linear between the two nearest of the sorted values.
double Quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] +
         (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval IntervalOf(double value, std::vector<double> replicates,
                    double level) {
  if (replicates.empty()) return {value, value, value};
  std::ranges::sort(replicates);
  return {value, Quantile(replicates, (1.0 - level) / 2.0),
          Quantile(replicates, (1.0 + level) / 2.0)};
}

struct Replicates {
  std::vector<double> first, second, difference;
};

PairedIntervals PairedIntervalsOf(double first, double second,
                                  const Replicates& replicates, double level) {
  return {IntervalOf(first, replicates.first, level),
          IntervalOf(second, replicates.second, level),
          IntervalOf(first - second, replicates.difference, level)};
}

std::vector<int64_t> DrawPlaces(size_t places, uint64_t seed, uint64_t index) {
  Rng rng(seed, index);
  std::vector<int64_t> times(places, 0);
  for (size_t i = 0; i < places; ++i) {
    ++times[static_cast<size_t>(rng.Int(0, static_cast<int64_t>(places) - 1))];
  }
  return times;
}

}  // namespace

void BootstrapOptions::Validate() const {
  if (replicates < 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} bootstrap replicates", replicates),
                "Give 0 or more; 1000 are common.");
  }
  if (!(level > 0.0) || level >= 1.0) {
    throw Error(ErrorCode::kUsage, fmt::format("a level of {}", level),
                "Give a number between 0 and 1, such as 0.95.");
  }
  if (squares < 1) {
    throw Error(ErrorCode::kUsage, fmt::format("{} squares", squares),
                "Give 1 or more.");
  }
}

BootstrapReport Bootstrap(std::span<const SeriesTracks> first,
                          std::span<const SeriesTracks> second,
                          const MeasureOptions& measures,
                          const BootstrapOptions& options) {
  measures.Validate();
  options.Validate();
  MAPWEAVE_CHECK(first.size() == second.size());
  PlaceFinder finder(first, second, options.squares);
  const std::vector<TrackPlaces> first_places = FindPlaces(first, finder);
  const std::vector<TrackPlaces> second_places = FindPlaces(second, finder);
  const size_t places = finder.Count();
  const Contributions a = Contribute(first, first_places, places, measures);
  const Contributions b = Contribute(second, second_places, places, measures);

  std::array<Replicates, kFigures> replicates;
  for (int r = 0; r < options.replicates && places > 0; ++r) {
    const std::vector<int64_t> times =
        DrawPlaces(places, options.seed, static_cast<uint64_t>(r));
    const auto of_a = FiguresOf(a, times);
    const auto of_b = FiguresOf(b, times);
    for (size_t f = 0; f < kFigures; ++f) {
      if (f == kAp && of_a[kAp] < 0.0) continue;
      replicates[f].first.push_back(of_a[f]);
      replicates[f].second.push_back(of_b[f]);
      replicates[f].difference.push_back(of_a[f] - of_b[f]);
    }
  }
  const std::vector<int64_t> once(places, 1);
  const auto value_a = FiguresOf(a, once);
  const auto value_b = FiguresOf(b, once);
  const auto interval = [&](Figure f) {
    return PairedIntervalsOf(value_a[f], value_b[f], replicates[f],
                             options.level);
  };
  return {static_cast<int64_t>(places), interval(kTrackF1), interval(kLinkF1),
          interval(kAp)};
}

}  // namespace mapweave::tracking
