// SPDX-License-Identifier: MIT
#include "tracking/identity_measures.h"

#include "tracking/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace mapweave::tracking {
namespace {

using TrackPair = std::pair<int, int>;  // truth, predicted

constexpr double kScotIou = 0.25;
constexpr double kScotBeta = 2.0;
// More than the IoUs of all pairs of a frame can add up to in practice, so
// that the number of pairs comes first.
constexpr double kScotReward = 100.0;

double Alpha(size_t index) { return 0.05 + static_cast<double>(index) * 0.05; }

double Ratio(double part, double whole) { return part / std::max(1.0, whole); }

double MeanOverAlphas(const HotaResult& result,
                      double (HotaResult::*value)(size_t) const) {
  double sum = 0.0;
  for (size_t a = 0; a < kHotaAlphas; ++a) sum += (result.*value)(a);
  return sum / static_cast<double>(kHotaAlphas);
}

// Presences of each track.
struct Lengths {
  std::vector<double> truth;
  std::vector<double> predicted;
};

Lengths LengthsOf(const TrackingSequence& sequence) {
  Lengths lengths{
      std::vector<double>(static_cast<size_t>(sequence.truth_tracks)),
      std::vector<double>(static_cast<size_t>(sequence.predicted_tracks))};
  for (const Frame& frame : sequence.frames) {
    for (const int track : frame.truth) {
      lengths.truth[static_cast<size_t>(track)] += 1.0;
    }
    for (const int track : frame.predicted) {
      lengths.predicted[static_cast<size_t>(track)] += 1.0;
    }
  }
  return lengths;
}

double LengthOfBoth(const Lengths& lengths, const TrackPair& pair) {
  return lengths.truth[static_cast<size_t>(pair.first)] +
         lengths.predicted[static_cast<size_t>(pair.second)];
}

// How well two tracks go together over the whole sequence, before anything is
// matched.
std::map<TrackPair, double> GlobalAlignment(const TrackingSequence& sequence,
                                            const Lengths& lengths) {
  std::map<TrackPair, double> alignment;
  for (const Frame& frame : sequence.frames) {
    std::map<int, double> truth_sum;
    std::map<int, double> predicted_sum;
    for (const FrameOverlap& overlap : frame.overlaps) {
      truth_sum[overlap.truth] += overlap.iou;
      predicted_sum[overlap.predicted] += overlap.iou;
    }
    for (const FrameOverlap& overlap : frame.overlaps) {
      const double whole = truth_sum[overlap.truth] +
                           predicted_sum[overlap.predicted] - overlap.iou;
      if (whole > std::numeric_limits<double>::epsilon()) {
        alignment[{overlap.truth, overlap.predicted}] += overlap.iou / whole;
      }
    }
  }
  for (auto& [pair, value] : alignment) {
    value /= LengthOfBoth(lengths, pair) - value;
  }
  return alignment;
}

void AddHota(const TrackingSequence& sequence, HotaResult& result) {
  const Lengths lengths = LengthsOf(sequence);
  const std::map<TrackPair, double> alignment =
      GlobalAlignment(sequence, lengths);
  std::array<std::map<TrackPair, int64_t>, kHotaAlphas> matches;
  for (const Frame& frame : sequence.frames) {
    std::vector<Candidate> candidates;
    std::map<TrackPair, double> iou;
    for (const FrameOverlap& overlap : frame.overlaps) {
      const TrackPair pair(overlap.truth, overlap.predicted);
      const auto found = alignment.find(pair);
      if (found == alignment.end()) continue;
      candidates.push_back(
          {pair.first, pair.second, found->second * overlap.iou});
      iou[pair] = overlap.iou;
    }
    const std::vector<Candidate> chosen = MatchByWeight(std::move(candidates));
    for (size_t a = 0; a < kHotaAlphas; ++a) {
      int64_t count = 0;
      for (const Candidate& match : chosen) {
        const TrackPair pair(match.row, match.col);
        if (iou[pair] < Alpha(a) - std::numeric_limits<double>::epsilon()) {
          continue;
        }
        ++matches[a][pair];
        ++count;
      }
      result.true_positives[a] += count;
      result.false_negatives[a] +=
          static_cast<int64_t>(frame.truth.size()) - count;
      result.false_positives[a] +=
          static_cast<int64_t>(frame.predicted.size()) - count;
    }
  }
  for (size_t a = 0; a < kHotaAlphas; ++a) {
    for (const auto& [pair, count] : matches[a]) {
      const double n = static_cast<double>(count);
      result.association[a] += n * Ratio(n, LengthOfBoth(lengths, pair) - n);
    }
  }
}

double F1Of(double right, double wrong, double missed) {
  const double whole = right + 0.5 * (wrong + missed);
  return whole > 0.0 ? right / whole : 0.0;
}

// What SCOT counts as a change: first sights from the second frame on.
struct ChangeCounts {
  int64_t right = 0;
  int64_t wrong = 0;
  int64_t missed = 0;
};

void CountChanges(const Frame& frame, const std::vector<Candidate>& matches,
                  const std::set<int>& old_truth,
                  const std::set<int>& old_predicted, ChangeCounts& counts) {
  std::set<int> matched_truth;
  std::set<int> matched_predicted;
  for (const Candidate& match : matches) {
    matched_truth.insert(match.row);
    matched_predicted.insert(match.col);
    const bool truth_is_new = !old_truth.contains(match.row);
    const bool predicted_is_new = !old_predicted.contains(match.col);
    if (truth_is_new && predicted_is_new) ++counts.right;
    if (predicted_is_new && !truth_is_new) ++counts.wrong;
    if (truth_is_new && !predicted_is_new) ++counts.missed;
  }
  for (const int track : frame.predicted) {
    if (!matched_predicted.contains(track) && !old_predicted.contains(track)) {
      ++counts.wrong;
    }
  }
  for (const int track : frame.truth) {
    if (!matched_truth.contains(track) && !old_truth.contains(track)) {
      ++counts.missed;
    }
  }
}

}  // namespace

double HotaResult::DetA(size_t alpha) const {
  return Ratio(
      static_cast<double>(true_positives[alpha]),
      static_cast<double>(true_positives[alpha] + false_negatives[alpha] +
                          false_positives[alpha]));
}

double HotaResult::AssA(size_t alpha) const {
  return Ratio(association[alpha], static_cast<double>(true_positives[alpha]));
}

double HotaResult::Hota(size_t alpha) const {
  return std::sqrt(DetA(alpha) * AssA(alpha));
}

double HotaResult::DetA() const {
  return MeanOverAlphas(*this, &HotaResult::DetA);
}
double HotaResult::AssA() const {
  return MeanOverAlphas(*this, &HotaResult::AssA);
}
double HotaResult::Hota() const {
  return MeanOverAlphas(*this, &HotaResult::Hota);
}

HotaResult EvaluateHota(std::span<const TrackingSequence> sequences) {
  HotaResult result;
  for (const TrackingSequence& sequence : sequences) AddHota(sequence, result);
  return result;
}

double IdentityResult::F1() const {
  return F1Of(static_cast<double>(true_positives),
              static_cast<double>(false_positives),
              static_cast<double>(false_negatives));
}

IdentityResult EvaluateIdentity(std::span<const TrackingSequence> sequences,
                                double iou_threshold) {
  IdentityResult result;
  for (const TrackingSequence& sequence : sequences) {
    std::map<TrackPair, int64_t> together;
    int64_t truths = 0;
    int64_t predictions = 0;
    for (const Frame& frame : sequence.frames) {
      truths += static_cast<int64_t>(frame.truth.size());
      predictions += static_cast<int64_t>(frame.predicted.size());
      for (const FrameOverlap& overlap : frame.overlaps) {
        if (overlap.iou >= iou_threshold) {
          ++together[{overlap.truth, overlap.predicted}];
        }
      }
    }
    std::vector<Candidate> candidates;
    for (const auto& [pair, count] : together) {
      candidates.push_back(
          {pair.first, pair.second, static_cast<double>(count)});
    }
    int64_t right = 0;
    for (const Candidate& match : MatchByWeight(std::move(candidates))) {
      right += together[{match.row, match.col}];
    }
    result.true_positives += right;
    result.false_negatives += truths - right;
    result.false_positives += predictions - right;
  }
  return result;
}

ScotResult EvaluateScot(const TrackingSequence& sequence) {
  ScotResult result;
  int64_t unmatched_truth = 0;
  int64_t unmatched_predicted = 0;
  ChangeCounts changes;
  std::set<int> old_truth;
  std::set<int> old_predicted;
  std::map<int, int> last_of_truth;  // most recent partner
  std::map<int, int> last_of_predicted;
  for (size_t t = 0; t < sequence.frames.size(); ++t) {
    const Frame& frame = sequence.frames[t];
    std::vector<Candidate> candidates;
    for (const FrameOverlap& overlap : frame.overlaps) {
      if (overlap.iou > kScotIou) {
        candidates.push_back(
            {overlap.truth, overlap.predicted, kScotReward + overlap.iou});
      }
    }
    const std::vector<Candidate> matches = MatchByWeight(std::move(candidates));
    const int64_t count = static_cast<int64_t>(matches.size());
    result.matches += count;
    unmatched_truth += static_cast<int64_t>(frame.truth.size()) - count;
    unmatched_predicted += static_cast<int64_t>(frame.predicted.size()) - count;
    if (t > 0) {
      CountChanges(frame, matches, old_truth, old_predicted, changes);
    }
    old_truth.insert(frame.truth.begin(), frame.truth.end());
    old_predicted.insert(frame.predicted.begin(), frame.predicted.end());
    for (const Candidate& match : matches) {
      const auto predicted = last_of_truth.find(match.row);
      const auto truth = last_of_predicted.find(match.col);
      if ((predicted != last_of_truth.end() &&
           predicted->second != match.col) ||
          (truth != last_of_predicted.end() && truth->second != match.row)) {
        ++result.mismatches;
      }
    }
    for (const Candidate& match : matches) {
      last_of_truth[match.row] = match.col;
      last_of_predicted[match.col] = match.row;
    }
  }
  result.track_score =
      F1Of(static_cast<double>(result.matches - result.mismatches),
           static_cast<double>(unmatched_predicted + result.mismatches),
           static_cast<double>(unmatched_truth + result.mismatches));
  result.change_score = F1Of(static_cast<double>(changes.right),
                             static_cast<double>(changes.wrong),
                             static_cast<double>(changes.missed));
  const double weight = kScotBeta * kScotBeta;
  const double whole = weight * result.change_score + result.track_score;
  if (whole > 0.0) {
    result.score =
        (1.0 + weight) * result.change_score * result.track_score / whole;
  }
  return result;
}

}  // namespace mapweave::tracking
