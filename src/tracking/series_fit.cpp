// SPDX-License-Identifier: MIT
#include "tracking/series_fit.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace mapweave::tracking {
namespace {

// With fewer places against the newest edition, those against the others
// count, too.
constexpr size_t kEnoughPlaces = 8;
// A field needs this many ties per edition to be more than an affine map.
constexpr size_t kFewestTies = 6;

double Median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

constexpr int kFolds = 4;

enum class Part { kSeen, kHeldOut, kNeither };

// Every second window of every second row is held out, of those windows that
// lie side by side. What overlaps one of them is neither held out nor seen.
Part PartOf(const LocalMatch& match, int fold, int overlap) {
  // To the next window along one axis that is held out.
  const auto distance = [overlap](int window, int parity) {
    const int period = 2 * overlap;
    const int past = (window + parity * overlap) % period;
    return std::min(past, period - past);
  };
  const int x = distance(match.window.x, fold & 1);
  const int y = distance(match.window.y, fold >> 1);
  if (x >= overlap || y >= overlap) return Part::kSeen;
  return x == 0 && y == 0 ? Part::kHeldOut : Part::kNeither;
}

// Fields for all editions; a spacing of 0 gives the affine maps.
std::vector<DisplacementField> Fit(const std::vector<Tie>& ties,
                                   const std::vector<AffineDisplacement>& start,
                                   SeriesFitOptions::Candidate candidate,
                                   const SeriesFitOptions& options) {
  FieldFitOptions field;
  field.size = options.size;
  const auto affine = FitAffine(ties, start);
  if (candidate.spacing_px > 0.0) {
    field.spacing_px = candidate.spacing_px;
    field.bend = candidate.bend;
    return FitFields(ties, affine, field);
  }
  field.spacing_px = std::max(options.size.width, options.size.height);
  return FitFields({}, affine, field);
}

// Errors at the ties of windows that lie side by side, each predicted by a fit
// that did not see its window; unset for those that overlap them.
using Errors = std::vector<std::optional<cv::Point2d>>;
Errors HeldOutErrors(const std::vector<LocalMatch>& matches,
                     const std::vector<Tie>& ties,
                     const std::vector<AffineDisplacement>& start,
                     SeriesFitOptions::Candidate candidate,
                     const SeriesFitOptions& options) {
  Errors errors(ties.size());
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<Tie> seen;
    for (size_t k = 0; k < ties.size(); ++k) {
      if (PartOf(matches[k], fold, options.overlap) == Part::kSeen) {
        seen.push_back(ties[k]);
      }
    }
    const auto fields = Fit(seen, start, candidate, options);
    for (size_t k = 0; k < ties.size(); ++k) {
      if (PartOf(matches[k], fold, options.overlap) == Part::kHeldOut) {
        errors[k] = Misfit(ties[k], fields);
      }
    }
  }
  return errors;
}

double MedianLength(const Errors& errors) {
  std::vector<double> lengths;
  for (const auto& error : errors) {
    if (error) lengths.push_back(cv::norm(*error));
  }
  return Median(std::move(lengths));
}

std::vector<HeldOut> HeldOutOf(size_t edition, size_t newest,
                               const std::vector<Tie>& ties,
                               const Errors& errors) {
  std::vector<HeldOut> against_newest;
  std::vector<HeldOut> against_all;
  for (size_t k = 0; k < ties.size(); ++k) {
    const Tie& tie = ties[k];
    if (!errors[k] || (tie.a != edition && tie.b != edition)) continue;
    const bool is_a = tie.a == edition;
    const HeldOut held{is_a ? tie.in_a : tie.in_b,
                       is_a ? *errors[k] : -*errors[k]};
    against_all.push_back(held);
    if (tie.b == newest) against_newest.push_back(held);
  }
  return against_newest.size() >= kEnoughPlaces ? against_newest : against_all;
}

// How many of the edition's ties lie about one spacing around each node.
std::vector<double> TiesAround(size_t edition, const std::vector<Tie>& ties,
                               const DisplacementField& field) {
  constexpr int kReach = 3;  // nodes
  std::vector<double> counts(field.sigma.size());
  for (const Tie& tie : ties) {
    if (tie.a != edition && tie.b != edition) continue;
    const cv::Point2d p = tie.a == edition ? tie.in_a : tie.in_b;
    const cv::Point2d at((p.x - field.origin.x) / field.step.x,
                         (p.y - field.origin.y) / field.step.y);
    for (int row = std::max(0, cvRound(at.y) - kReach);
         row <= std::min(field.rows - 1, cvRound(at.y) + kReach); ++row) {
      for (int col = std::max(0, cvRound(at.x) - kReach);
           col <= std::min(field.cols - 1, cvRound(at.x) + kReach); ++col) {
        const cv::Point2d way = cv::Point2d(col, row) - at;
        counts[static_cast<size_t>(row) * static_cast<size_t>(field.cols) +
               static_cast<size_t>(col)] += std::exp(-0.5 * way.dot(way));
      }
    }
  }
  return counts;
}

// The posterior of a mean: the scatter of the ties around a node, thinned by
// how many there are, against what is left without any: the size of the bends
// that were found.
void SetSigma(size_t edition, const std::vector<Tie>& ties,
              const Errors& errors, double without_ties,
              DisplacementField& field) {
  std::vector<double> lengths;
  for (size_t k = 0; k < ties.size(); ++k) {
    if (errors[k] && (ties[k].a == edition || ties[k].b == edition)) {
      lengths.push_back(cv::norm(*errors[k]));
    }
  }
  const std::vector<double> counts = TiesAround(edition, ties, field);
  // Per axis; the median length of a two-dimensional normal error is 1.18.
  const double scatter = Median(lengths) / 1.1774;
  const double far = std::max(without_ties, scatter);
  for (size_t i = 0; i < field.sigma.size(); ++i) {
    const double evidence = counts[i] / std::max(scatter * scatter, 1e-6) +
                            1.0 / std::max(far * far, 1e-6);
    field.sigma[i] = 1.0 / std::sqrt(evidence);
  }
}

std::vector<size_t> TiesPerEdition(const std::vector<Tie>& ties,
                                   size_t editions) {
  std::vector<size_t> counts(editions);
  for (const Tie& tie : ties) {
    ++counts[tie.a];
    ++counts[tie.b];
  }
  return counts;
}

}  // namespace

double EditionFit::MedianError() const {
  std::vector<double> lengths;
  for (const HeldOut& place : held_out) {
    lengths.push_back(cv::norm(place.error));
  }
  return Median(std::move(lengths));
}

void SeriesFitOptions::Validate() const {
  if (size.width < 1 || size.height < 1 || overlap < 1 ||
      !(least_gain >= 0.0)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("a series of {} x {} px cannot be fitted with an "
                            "overlap of {} and a least gain of {}",
                            size.width, size.height, overlap, least_gain),
                "Sizes and overlap must be positive, the gain 0 or more.");
  }
}

std::vector<Tie> TiesOf(const std::vector<LocalMatch>& matches,
                        const std::vector<DisplacementField>& fields,
                        double px) {
  std::vector<Tie> ties;
  for (const LocalMatch& match : matches) {
    const auto stated = [&](size_t edition, cv::Point2d in_frame) {
      const Point2d p =
          fields[edition].ApplyInverse({px * in_frame.x, px * in_frame.y});
      return cv::Point2d(p.x, p.y);
    };
    Tie tie;
    tie.a = match.a;
    tie.b = match.b;
    tie.in_a = stated(match.a, match.at - 0.5 * match.offset);
    tie.in_b = stated(match.b, match.at + 0.5 * match.offset);
    tie.information = (1.0 / (px * px)) * match.information;
    ties.push_back(tie);
  }
  return ties;
}

SeriesFit FitSeries(const std::vector<LocalMatch>& matches,
                    const std::vector<Tie>& ties,
                    const std::vector<AffineDisplacement>& start,
                    const SeriesFitOptions& options) {
  options.Validate();
  MAPWEAVE_CHECK(matches.size() == ties.size());
  SeriesFit fit;
  Errors errors = HeldOutErrors(matches, ties, start, fit.chosen, options);
  const double affine_error = MedianLength(errors);
  double best = affine_error;
  // Without a place to predict nothing speaks for a field.
  const bool can_tell =
      std::any_of(errors.begin(), errors.end(),
                  [](const auto& e) { return e.has_value(); });
  if (can_tell && ties.size() >= kFewestTies * start.size()) {
    for (const auto& candidate : options.candidates) {
      auto predicted = HeldOutErrors(matches, ties, start, candidate, options);
      const double error = MedianLength(predicted);
      if (error > (1.0 - options.least_gain) * best) continue;
      best = error;
      fit.chosen = candidate;
      errors = std::move(predicted);
    }
  }
  const auto fields = Fit(ties, start, fit.chosen, options);
  const std::vector<size_t> counts = TiesPerEdition(ties, start.size());
  const size_t newest = start.size() - 1;
  for (size_t e = 0; e < start.size(); ++e) {
    EditionFit edition;
    edition.field = fields[e];
    edition.ties = counts[e];
    if (e != newest) {
      edition.held_out = HeldOutOf(e, newest, ties, errors);
      SetSigma(e, ties, errors, affine_error, edition.field);
    }
    fit.editions.push_back(std::move(edition));
  }
  return fit;
}

}  // namespace mapweave::tracking
