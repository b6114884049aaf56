// SPDX-License-Identifier: MIT
#include "geo/fit_choice.h"

#include "core/error.h"
#include "geo/fit_faults.h"
#include "geo/point_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace mapweave::geo {
namespace {

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// A fit with points beyond what it needs, so that leaving one out says
// something.
bool CanJudge(size_t points, Georef fit) {
  return points >= PointsNeeded(fit) + 2;
}

// As SuspectPoints, by one kind of fit.
std::vector<Suspect> SuspectsBy(const FitSite& site, Georef fit) {
  constexpr double kTimesMedian = 6.0;
  constexpr double kLeastPixels = 3.0;
  std::vector<Suspect> suspects;
  std::vector<size_t> kept(site.points.size());
  std::iota(kept.begin(), kept.end(), size_t{0});
  FitSite rest = site;
  while (suspects.size() < site.points.size() / 5 &&
         CanJudge(rest.points.size() - 1, fit)) {
    const auto all = LeaveOneOutMetres(rest, fit);
    if (!all) break;
    const auto worst = static_cast<size_t>(
        std::max_element(all->begin(), all->end()) - all->begin());
    const FitSite without = Without(rest, worst);
    const auto others = LeaveOneOutMetres(without, fit);
    if (!others) break;
    const double most = std::max(kTimesMedian * Median(*others),
                                 kLeastPixels * MetresPerPixel(without));
    if ((*all)[worst] <= most) break;
    suspects.push_back({kept[worst], (*all)[worst]});
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(worst));
    rest = without;
  }
  return suspects;
}

struct Candidate {
  Georef fit;
  size_t least_points;
};
constexpr Candidate kCandidates[] = {{Georef::kGcpPoly1, 5},
                                     {Georef::kGcpPoly2, 10},
                                     {Georef::kGcpPoly3, 16},
                                     {Georef::kTps, 10}};
// Splines through more points take minutes to cross-validate.
constexpr size_t kMostForSpline = 300;

bool IsCandidate(const Candidate& candidate, size_t points) {
  return points >= candidate.least_points &&
         (candidate.fit != Georef::kTps || points <= kMostForSpline);
}

// Empty if the fit can be used; else why not, for the reason of a choice.
std::string Unusable(const FitSite& site, Georef fit) {
  try {
    return FaultOf(site, fit) ? "unusable on this sheet" : "";
  } catch (const Error&) {
    return "not determined by the points";
  }
}

}  // namespace

std::vector<Suspect> SuspectPoints(const FitSite& site) {
  // The polynomial that meets most points best sees a wrong one most clearly. A
  // spline would accuse whole edges, where it has nothing to predict from.
  std::optional<Georef> sharpest;
  double least = HUGE_VAL;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.fit == Georef::kTps ||
        !IsCandidate(candidate, site.points.size())) {
      continue;
    }
    const auto metres = LeaveOneOutMetres(site, candidate.fit);
    if (metres && Median(*metres) < least) {
      least = Median(*metres);
      sharpest = candidate.fit;
    }
  }
  if (!sharpest) return {};
  std::vector<Suspect> suspects = SuspectsBy(site, *sharpest);
  std::sort(
      suspects.begin(), suspects.end(),
      [](const Suspect& a, const Suspect& b) { return a.index < b.index; });
  return suspects;
}

FitChoice ChooseFit(const FitSite& site, const std::vector<Suspect>& suspects) {
  FitSite voters = site;
  for (size_t k = suspects.size(); k-- > 0;) {
    voters = Without(std::move(voters), suspects[k].index);
  }
  const size_t count = voters.points.size();
  if (!IsCandidate(kCandidates[1], count)) {
    return {Georef::kGcpPoly1,
            fmt::format("{} control points are too few to judge more than an "
                        "affine fit",
                        count)};
  }
  FitChoice choice;
  std::optional<double> best;
  std::string tried;
  const double least_gain = 0.05 * MetresPerPixel(voters);
  for (const Candidate& candidate : kCandidates) {
    if (!IsCandidate(candidate, count)) continue;
    const char* name = GeorefName(candidate.fit);
    const std::string separator = tried.empty() ? "" : ", ";
    if (candidate.fit == Georef::kTps && !suspects.empty()) {
      tried += fmt::format(
          "{}{} not tried because it would go through the "
          "suspect points",
          separator, name);
      continue;
    }
    if (const std::string why = Unusable(site, candidate.fit); !why.empty()) {
      tried += fmt::format("{}{} {}", separator, name, why);
      continue;
    }
    const auto metres = LeaveOneOutMetres(voters, candidate.fit);
    if (!metres) continue;
    const double score = RootMeanSquare(*metres);
    tried += fmt::format("{}{} {:.2f} m", separator, name, score);
    constexpr double kWorthIt = 0.8;
    if (!best || (score < kWorthIt * *best && score < *best - least_gain)) {
      best = score;
      choice.fit = candidate.fit;
    }
  }
  choice.reason = fmt::format(
      "chosen by how well {} left-out control points are predicted: {} (root "
      "mean square; a more flexible fit must be better by a fifth)",
      count, tried);
  return choice;
}

}  // namespace mapweave::geo
