// SPDX-License-Identifier: MIT
#include "tracking/faults.h"

#include "tracking/series_matching.h"

#include <algorithm>

namespace mapweave::tracking {
namespace {

// Who touches whom on one edition, by index of the track.
struct Contacts {
  std::vector<std::vector<int>> of_truth;
  std::vector<std::vector<int>> of_predicted;
};

bool AtLeastHalf(int64_t part, int64_t whole) { return 2 * part >= whole; }

Contacts FindContacts(const Prepared& series, size_t edition,
                      const MeasureOptions& options) {
  const TrackSet& predicted = series.tracks.predicted;
  const TrackSet& truth = series.tracks.truth;
  Contacts contacts{std::vector<std::vector<int>>(truth.size()),
                    std::vector<std::vector<int>>(predicted.size())};
  for (const MaskOverlap& overlap : series.overlaps[edition]) {
    const auto p = static_cast<size_t>(overlap.predicted);
    const auto g = static_cast<size_t>(overlap.truth);
    if (!Counts(predicted[p], options)) continue;
    if (!AtLeastHalf(overlap.intersection,
                     predicted[p].masks[edition].Area()) &&
        !AtLeastHalf(overlap.intersection, truth[g].masks[edition].Area())) {
      continue;
    }
    contacts.of_truth[g].push_back(overlap.predicted);
    contacts.of_predicted[p].push_back(overlap.truth);
  }
  return contacts;
}

// Whether some of `partners` touches several of our own kind.
bool SomeTouchesSeveral(const std::vector<int>& partners,
                        const std::vector<std::vector<int>>& contacts) {
  return std::ranges::any_of(partners, [&](int partner) {
    return contacts[static_cast<size_t>(partner)].size() > 1;
  });
}

// matches[p]: the truth that track p is right about, or kNoPartner; found[g]
// the other way round.
void CountOutlines(const Prepared& series, size_t edition, const Frame& frame,
                   const std::vector<int>& matches,
                   const std::vector<int>& found, const Contacts& contacts,
                   FaultCounts& counts) {
  for (size_t g = 0; g < found.size(); ++g) {
    const bool drawn = !series.tracks.truth[g].masks[edition].IsEmpty();
    if (!drawn || found[g] != kNoPartner) continue;
    const std::vector<int>& partners = contacts.of_truth[g];
    if (partners.empty()) {
      ++counts.missed;
    } else if (SomeTouchesSeveral(partners, contacts.of_predicted)) {
      ++counts.merged;
    } else if (partners.size() > 1) {
      ++counts.split;
    } else {
      ++counts.badly_outlined;
    }
  }
  for (const int predicted : frame.predicted) {
    const auto p = static_cast<size_t>(predicted);
    if (matches[p] != kNoPartner) continue;
    const std::vector<int>& partners = contacts.of_predicted[p];
    if (partners.empty()) {
      ++counts.spurious;
    } else if (partners.size() > 1) {
      ++counts.merging;
    } else if (SomeTouchesSeveral(partners, contacts.of_truth)) {
      ++counts.fragments;
    } else {
      ++counts.bad_outlines;
    }
  }
}

// Partners on all editions: matches[t][p] and found[t][g].
using Partners = std::vector<std::vector<int>>;

// Links from edition t to t + 1 that are wrong, counted on the latter.
void CountLinks(const SeriesView& series, const Partners& matches,
                const Partners& found, const MeasureOptions& options,
                std::vector<FaultCounts>& editions) {
  for (size_t g = 0; g < series.truth.size(); ++g) {
    ForEachLink(series.truth[g], [&](size_t t) {
      const int before = found[t][g];
      const int after = found[t + 1][g];
      if (before == kNoPartner || after == kNoPartner) {
        ++editions[t + 1].link_unseen;
      } else if (before != after) {
        ++editions[t + 1].identity_lost;
      }
    });
  }
  for (size_t p = 0; p < series.predicted.size(); ++p) {
    if (!Counts(series.predicted[p], options)) continue;
    ForEachLink(series.predicted[p], [&](size_t t) {
      const int before = matches[t][p];
      const int after = matches[t + 1][p];
      if (before == kNoPartner || after == kNoPartner) {
        ++editions[t + 1].link_groundless;
      } else if (before != after) {
        ++editions[t + 1].identity_switched;
      }
    });
  }
}

void AddSeries(const SeriesView& view, const MeasureOptions& options,
               std::vector<FaultCounts>& editions) {
  const Prepared series = Prepare(view);
  const TrackingSequence sequence = SequenceOf(series, options);
  editions.resize(std::max(editions.size(), series.editions));
  Partners matches(series.editions);
  Partners found(series.editions);
  for (size_t t = 0; t < series.editions; ++t) {
    found[t].assign(view.truth.size(), kNoPartner);
    const Frame& frame = sequence.frames[t];
    for (const Match& match :
         MatchFrame(frame, sequence.predicted_tracks, options.iou_threshold)) {
      if (match.truth != kNoPartner) {
        found[t][static_cast<size_t>(match.truth)] =
            static_cast<int>(matches[t].size());
      }
      matches[t].push_back(match.truth);
    }
    CountOutlines(series, t, frame, matches[t], found[t],
                  FindContacts(series, t, options), editions[t]);
  }
  CountLinks(view, matches, found, options, editions);
}

}  // namespace

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  missed += other.missed;
  merged += other.merged;
  split += other.split;
  badly_outlined += other.badly_outlined;
  spurious += other.spurious;
  merging += other.merging;
  fragments += other.fragments;
  bad_outlines += other.bad_outlines;
  identity_lost += other.identity_lost;
  identity_switched += other.identity_switched;
  link_unseen += other.link_unseen;
  link_groundless += other.link_groundless;
  return *this;
}

Faults CountFaults(std::span<const SeriesTracks> series,
                   const MeasureOptions& options) {
  options.Validate();
  Faults faults;
  for (const SeriesTracks& one : series)
    AddSeries({one.predicted, one.truth}, options, faults.editions);
  for (const FaultCounts& edition : faults.editions) faults.total += edition;
  return faults;
}

}  // namespace mapweave::tracking
