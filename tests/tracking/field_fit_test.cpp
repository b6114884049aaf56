// SPDX-License-Identifier: MIT
#include "tracking/field_fit.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

namespace mapweave::tracking {
namespace {

constexpr int kSide = 1000;

AffineDisplacement Standing() {
  AffineDisplacement affine;
  affine.centre = {kSide / 2.0, kSide / 2.0};
  return affine;
}

// What an edition's content has to be moved by, at the place it is stated.
using Displacement = std::function<cv::Point2d(cv::Point2d)>;

cv::Point2d Nothing(cv::Point2d) { return {}; }

Displacement Waves(double size, double length) {
  return [=](cv::Point2d p) {
    const double k = 2.0 * std::numbers::pi / length;
    return cv::Point2d(size * std::sin(k * p.x + 1.0),
                       size * std::cos(k * p.y - 0.5));
  };
}

// A place q of the common frame, as an edition states it.
cv::Point2d Stated(cv::Point2d q, const Displacement& displacement) {
  cv::Point2d p = q;
  for (int i = 0; i < 60; ++i) p = q - displacement(p);
  return p;
}

// Ties between all pairs at places `step` apart, with normal errors.
std::vector<Tie> MakeTies(const std::vector<Displacement>& editions, int step,
                          double noise, uint64_t seed) {
  Rng rng(seed);
  std::vector<Tie> ties;
  for (int y = step / 2; y < kSide; y += step) {
    for (int x = step / 2; x < kSide; x += step) {
      for (size_t a = 0; a < editions.size(); ++a) {
        for (size_t b = a + 1; b < editions.size(); ++b) {
          const cv::Point2d q(x, y);
          Tie tie{a, b, Stated(q, editions[a]), Stated(q, editions[b])};
          tie.in_b +=
              cv::Point2d(rng.Normal(0.0, noise), rng.Normal(0.0, noise));
          ties.push_back(tie);
        }
      }
    }
  }
  return ties;
}

double LargestError(const DisplacementField& field, const Displacement& truth) {
  double worst = 0.0;
  for (int y = 100; y <= kSide - 100; y += 25) {
    for (int x = 100; x <= kSide - 100; x += 25) {
      const Point2d found = field.At({x * 1.0, y * 1.0});
      const cv::Point2d wanted = truth(cv::Point2d(x, y));
      worst =
          std::max(worst, std::hypot(found.x - wanted.x, found.y - wanted.y));
    }
  }
  return worst;
}

FieldFitOptions Options() {
  FieldFitOptions options;
  options.size = {kSide, kSide};
  options.spacing_px = 100.0;
  options.bend = 0.05;
  return options;
}

TEST(FitAffine, FindsRotationStretchAndShift) {
  const auto truth = [](cv::Point2d p) {
    return cv::Point2d(30.0 + 0.02 * (p.x - 500) - 0.035 * (p.y - 500),
                       -12.0 + 0.035 * (p.x - 500) + 0.01 * (p.y - 500));
  };
  const auto fitted = FitAffine(MakeTies({truth, Nothing}, 100, 0.2, 1),
                                {Standing(), Standing()});
  for (const cv::Point2d p : {cv::Point2d(0, 0), cv::Point2d(900, 300)}) {
    EXPECT_NEAR(fitted[0].At(p).x, truth(p).x, 0.15);
    EXPECT_NEAR(fitted[0].At(p).y, truth(p).y, 0.15);
  }
  EXPECT_EQ(fitted[1].shift, cv::Point2d(0, 0));
}

TEST(FitAffine, ThirdOfTheTiesMayBeWrong) {
  const auto truth = [](cv::Point2d p) {
    return cv::Point2d(5.0 + 0.01 * (p.x - 500), -3.0);
  };
  std::vector<Tie> ties = MakeTies({truth, Nothing}, 100, 0.2, 2);
  Rng rng(3);
  for (size_t k = 0; k < ties.size(); k += 3) {
    // All to one side, as new streets would do.
    ties[k].in_b += cv::Point2d(rng.Uniform(4.0, 12.0), 6.0);
  }
  const auto fitted = FitAffine(ties, {Standing(), Standing()});
  for (const cv::Point2d p : {cv::Point2d(100, 100), cv::Point2d(900, 300)}) {
    EXPECT_NEAR(fitted[0].At(p).x, truth(p).x, 0.3);
    EXPECT_NEAR(fitted[0].At(p).y, truth(p).y, 0.3);
  }
}

TEST(FitAffine, WithoutTiesStaysWhereItIs) {
  AffineDisplacement start = Standing();
  start.shift = {7.0, 8.0};
  EXPECT_EQ(FitAffine({}, {start, Standing()})[0].shift, start.shift);
  // Ties of others do not move it either.
  std::vector<Tie> ties =
      MakeTies({Nothing, Waves(2.0, 700.0), Nothing}, 100, 0.1, 4);
  std::erase_if(ties, [](const Tie& tie) { return tie.a == 0; });
  const auto fitted = FitAffine(ties, {start, Standing(), Standing()});
  EXPECT_NEAR(cv::norm(fitted[0].shift - start.shift), 0.0, 1e-9);
}

TEST(FitFields, RecoverAKnownField) {
  const Displacement truth = Waves(6.0, 700.0);
  const auto ties = MakeTies({truth, Nothing}, 50, 0.2, 5);
  const auto affine = FitAffine(ties, {Standing(), Standing()});
  const auto fields = FitFields(ties, affine, Options());
  EXPECT_LT(LargestError(fields[0], truth), 0.4);
  EXPECT_TRUE(fields[1].IsEmpty());
  EXPECT_LT(cv::norm(Misfit(ties[40], fields)), 1.0);
}

TEST(FitFields, SolveAllEditionsTogether) {
  // The oldest edition has nothing in common with the newest, only with the
  // one between.
  const std::vector<Displacement> truth{Waves(5.0, 800.0), Waves(-4.0, 600.0),
                                        Nothing};
  std::vector<Tie> ties = MakeTies(truth, 50, 0.1, 6);
  std::erase_if(ties, [](const Tie& tie) { return tie.a == 0 && tie.b == 2; });
  const auto affine = FitAffine(ties, {Standing(), Standing(), Standing()});
  const auto fields = FitFields(ties, affine, Options());
  EXPECT_LT(LargestError(fields[0], truth[0]), 0.5);
  EXPECT_LT(LargestError(fields[1], truth[1]), 0.5);
}

TEST(FitFields, DoNotBendAfterWhatChangedInOnePlace) {
  // A building that was moved and enlarged: one place is 6 px off, its
  // neighbours are not.
  std::vector<Tie> ties = MakeTies({Nothing, Nothing}, 50, 0.1, 7);
  for (Tie& tie : ties) {
    if (cv::norm(tie.in_a - cv::Point2d(525, 525)) < 40) {
      tie.in_b += cv::Point2d(6.0, 3.0);
    }
  }
  const auto fields = FitFields(ties, {Standing(), Standing()}, Options());
  EXPECT_LT(LargestError(fields[0], Nothing), 0.2);
}

TEST(FitFields, FallBackToTheAffineMapWhereThereAreNoTies) {
  std::vector<Tie> ties = MakeTies({Waves(6.0, 500.0), Nothing}, 50, 0.1, 8);
  std::erase_if(ties, [](const Tie& tie) { return tie.in_a.x > 300; });
  AffineDisplacement affine = Standing();
  affine.shift = {1.0, 2.0};
  const auto fields = FitFields(ties, {affine, Standing()}, Options());
  const Point2d far = fields[0].At({950, 500});
  EXPECT_NEAR(far.x, 1.0, 0.7);
  EXPECT_NEAR(far.y, 2.0, 0.7);
  const auto none = FitFields({}, {affine, Standing()}, Options());
  EXPECT_NEAR(none[0].At({500, 500}).x, 1.0, 1e-9);
  EXPECT_NEAR(none[0].At({500, 500}).y, 2.0, 1e-9);
}

TEST(FitFields, DoNotDependOnTheOrderOfEditions) {
  const std::vector<Displacement> truth{Waves(5.0, 800.0), Waves(-4.0, 600.0),
                                        Nothing};
  const std::vector<Tie> ties = MakeTies(truth, 80, 0.2, 9);
  // The same two older editions, exchanged.
  std::vector<Tie> exchanged;
  for (Tie tie : ties) {
    const auto other = [](size_t e) { return e == 2 ? e : 1 - e; };
    tie.a = other(tie.a);
    tie.b = other(tie.b);
    if (tie.a > tie.b) {
      std::swap(tie.a, tie.b);
      std::swap(tie.in_a, tie.in_b);
    }
    exchanged.push_back(tie);
  }
  const std::vector<AffineDisplacement> start(3, Standing());
  const auto fields = FitFields(ties, FitAffine(ties, start), Options());
  const auto others =
      FitFields(exchanged, FitAffine(exchanged, start), Options());
  for (const Point2d p : {Point2d{200, 300}, Point2d{777, 512}}) {
    EXPECT_NEAR(fields[0].At(p).x, others[1].At(p).x, 0.01);
    EXPECT_NEAR(fields[1].At(p).y, others[0].At(p).y, 0.01);
  }
}

TEST(FitFields, RejectBadOptions) {
  FieldFitOptions options = Options();
  options.spacing_px = 0.0;
  EXPECT_THROW(FitFields({}, {Standing()}, options), Error);
  options = Options();
  options.bend = -1.0;
  EXPECT_THROW(FitFields({}, {Standing()}, options), Error);
}

}  // namespace
}  // namespace mapweave::tracking
