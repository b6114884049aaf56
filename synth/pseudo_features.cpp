// SPDX-License-Identifier: MIT
//
// Pseudo-instances by what they have in common: patches at two scales are
// whitened and coded by their distance to a learned dictionary (Coates, Lee and
// Ng, AISTATS 2011, section 3). Patches of colour, taken as generously as can
// be, are described by the mean codes inside and around them and clustered;
// houses fall together, and so do the letters of one alphabet. Which clusters
// are buildings is decided without labels: those whose members look like one on
// average.
#include "core/error.h"
#include "synth/clustering.h"
#include "synth/pseudo_candidates.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace mapweave::synth {
namespace {

constexpr uint64_t kFeatureStream = 0x6665617475726573ULL;
constexpr int kPatch = 5;
constexpr int kPatchValues = 3 * kPatch * kPatch;
constexpr int kWords = 48;
constexpr int kSamples = 6000;
constexpr int kIterations = 8;
constexpr std::array<int, 2> kScales = {1, 2};
constexpr double kWhitening = 0.05;  // of the mean variance
// Patches that a component is described by, inside and around it.
constexpr int kPatchesPerSide = 32;
constexpr int kAroundPx = 4;
// Members of a cluster, on average.
constexpr int kClusterSize = 40;
constexpr int kMaxClusters = 48;
// How much less than asked for a component may score and stand out before it is
// clustered.
constexpr double kGenerosity = 0.5;
// Two outlines mean the same building from this IoU on.
constexpr double kSameBuilding = 0.5;
// Of a cluster's members, found as faces, too, if the rest are to count.
constexpr double kMinFaceShare = 0.3;

// The patch around (x, y) as a row of floats, edges replicated.
void ReadPatch(const cv::Mat& lab, int x, int y, float* out) {
  for (int dy = -kPatch / 2; dy <= kPatch / 2; ++dy) {
    const auto* row = lab.ptr<cv::Vec3f>(std::clamp(y + dy, 0, lab.rows - 1));
    for (int dx = -kPatch / 2; dx <= kPatch / 2; ++dx) {
      const cv::Vec3f& p = row[std::clamp(x + dx, 0, lab.cols - 1)];
      for (int c = 0; c < 3; ++c) *out++ = p[c];
    }
  }
}

// `count` pixels on paper. Every colour of the palette is drawn as often as the
// square root of its share, or paper and tints would be all that is learned.
std::vector<cv::Point> SamplePixels(const SheetView& view, int count,
                                    Rng& rng) {
  std::vector<std::vector<cv::Point>> by_colour(view.palette.Size());
  for (int y = 0; y < view.classes.rows; ++y) {
    for (int x = 0; x < view.classes.cols; ++x) {
      if (view.coverage.at<uint8_t>(y, x) != 0)
        by_colour[view.classes.at<uint8_t>(y, x)].push_back({x, y});
    }
  }
  std::vector<double> weights;
  for (const std::vector<cv::Point>& pixels : by_colour)
    weights.push_back(std::sqrt(static_cast<double>(pixels.size())));
  std::vector<cv::Point> points;
  for (int i = 0; i < count; ++i)
    points.push_back(rng.Pick(by_colour[rng.Choice(weights)]));
  return points;
}

// Whitened patches and their dictionary, folded into one affine map: the code
// of a patch x is made of the distances of W (x - mean) to the words.
class Dictionary {
 public:
  // `points` lie in the frame of `lab`.
  Dictionary(const cv::Mat& lab, const std::vector<cv::Point>& points,
             Rng& rng) {
    cv::Mat patches(static_cast<int>(points.size()), kPatchValues, CV_32FC1);
    for (int i = 0; i < patches.rows; ++i) {
      const cv::Point& p = points[static_cast<size_t>(i)];
      ReadPatch(lab, p.x, p.y, patches.ptr<float>(i));
    }
    cv::Mat covariance;
    cv::calcCovarMatrix(patches, covariance, mean_,
                        cv::COVAR_NORMAL | cv::COVAR_ROWS | cv::COVAR_SCALE,
                        CV_32F);
    cv::Mat values;
    cv::Mat vectors;
    cv::eigen(covariance, values, vectors);
    const float floor =
        static_cast<float>(kWhitening * cv::mean(values)[0] + 1e-3);
    cv::Mat scaled = vectors.clone();
    for (int i = 0; i < scaled.rows; ++i)
      scaled.row(i) /= std::sqrt(std::max(0.0f, values.at<float>(i)) + floor);
    whitening_ = vectors.t() * scaled;  // ZCA; symmetric
    cv::Mat white = Whiten(patches);
    const std::vector<double> weights(points.size(), 1.0);
    words_ = KMeans(white, weights, kWords, kIterations, rng);
  }

  int Words() const { return words_.rows; }

  // [rows of patches, Words()]: max(0, mean distance - distance), the
  // "triangle" code of the paper.
  cv::Mat Encode(const cv::Mat& patches) const {
    cv::Mat codes = SquaredDistances(Whiten(patches), words_);
    cv::sqrt(codes, codes);
    cv::Mat mean;
    cv::reduce(codes, mean, 1, cv::REDUCE_AVG);
    for (int i = 0; i < codes.rows; ++i)
      cv::Mat(cv::max(mean.at<float>(i) - codes.row(i), 0.0))
          .copyTo(codes.row(i));
    return codes;
  }

 private:
  cv::Mat Whiten(const cv::Mat& patches) const {
    cv::Mat centred = patches.clone();
    for (int i = 0; i < centred.rows; ++i) centred.row(i) -= mean_;
    return centred * whitening_;
  }

  cv::Mat mean_;
  cv::Mat whitening_;
  cv::Mat words_;
};

// At most kPatchesPerSide of `pixels`, evenly spread.
std::vector<cv::Point> Thin(const std::vector<cv::Point>& pixels) {
  std::vector<cv::Point> kept;
  const size_t n = std::min(pixels.size(), size_t{kPatchesPerSide});
  for (size_t i = 0; i < n; ++i) kept.push_back(pixels[i * pixels.size() / n]);
  return kept;
}

// Pixels of the candidate and of what lies around it.
std::array<std::vector<cv::Point>, 2> Sides(const Candidate& candidate,
                                            cv::Size size) {
  std::array<std::vector<cv::Point>, 2> sides;
  const cv::Rect& b = candidate.bounds;
  const cv::Rect room =
      cv::Rect(b.x - kAroundPx, b.y - kAroundPx, b.width + 2 * kAroundPx,
               b.height + 2 * kAroundPx) &
      cv::Rect({0, 0}, size);
  cv::Mat mask = cv::Mat::zeros(room.size(), CV_8UC1);
  candidate.mask.Paint(mask, 1, room.tl());
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x)
      sides[mask.at<uint8_t>(y, x) == 0 ? 1 : 0].push_back(cv::Point(x, y) +
                                                           room.tl());
  }
  return {Thin(sides[0]), Thin(sides[1])};
}

// One row per candidate: mean codes inside and around, of one scale.
cv::Mat Describe(const SheetView& view,
                 const std::vector<Candidate>& candidates, int scale,
                 Rng& rng) {
  cv::Mat lab;
  cv::resize(view.lab, lab, {}, 1.0 / scale, 1.0 / scale, cv::INTER_AREA);
  std::vector<cv::Point> samples = SamplePixels(view, kSamples, rng);
  for (cv::Point& p : samples) p /= scale;
  const Dictionary dictionary(lab, samples, rng);
  const int words = dictionary.Words();
  cv::Mat rows =
      cv::Mat::zeros(static_cast<int>(candidates.size()), 2 * words, CV_32FC1);
  for (int i = 0; i < rows.rows; ++i) {
    const auto sides =
        Sides(candidates[static_cast<size_t>(i)], view.lab.size());
    for (int side = 0; side < 2; ++side) {
      const std::vector<cv::Point>& pixels = sides[static_cast<size_t>(side)];
      if (pixels.empty()) continue;
      cv::Mat patches(static_cast<int>(pixels.size()), kPatchValues, CV_32FC1);
      for (int k = 0; k < patches.rows; ++k) {
        const cv::Point p = pixels[static_cast<size_t>(k)] / scale;
        ReadPatch(lab, p.x, p.y, patches.ptr<float>(k));
      }
      cv::Mat mean;
      cv::reduce(dictionary.Encode(patches), mean, 0, cv::REDUCE_AVG);
      mean.copyTo(rows.row(i).colRange(side * words, (side + 1) * words));
    }
  }
  return rows;
}

// Generous patches of colour, and the cluster that each falls into.
struct Clustered {
  std::vector<Candidate> candidates;
  std::vector<size_t> cluster;  // one per candidate
  size_t clusters = 0;
};

Clustered ClusterPatches(const SheetView& view, const PseudoOptions& options) {
  PseudoOptions generous = options;
  generous.min_score = kGenerosity * options.min_score;
  generous.min_contrast = kGenerosity * options.min_contrast;
  Clustered out;
  out.candidates = PaletteCandidates(view, generous);
  if (out.candidates.empty()) return out;
  Rng rng(options.seed, kFeatureStream);
  cv::Mat rows;
  for (const int scale : kScales) {
    const cv::Mat codes = Describe(view, out.candidates, scale, rng);
    if (rows.empty()) {
      rows = codes;
    } else {
      cv::hconcat(rows, codes, rows);
    }
  }
  const int wanted = std::clamp(rows.rows / kClusterSize, 1, kMaxClusters);
  const std::vector<double> weights(out.candidates.size(), 1.0);
  const cv::Mat centres = KMeans(rows, weights, wanted, kIterations, rng);
  for (const int k : NearestCentres(rows, centres))
    out.cluster.push_back(static_cast<size_t>(k));
  out.clusters = static_cast<size_t>(centres.rows);
  return out;
}

// Mean of `value` over each cluster's members.
std::vector<double> ClusterMeans(const Clustered& clustered,
                                 const std::vector<double>& value) {
  std::vector<double> sum(clustered.clusters, 0.0);
  std::vector<double> members(clustered.clusters, 1e-9);
  for (size_t i = 0; i < value.size(); ++i) {
    sum[clustered.cluster[i]] += value[i];
    members[clustered.cluster[i]] += 1.0;
  }
  for (size_t k = 0; k < sum.size(); ++k) sum[k] /= members[k];
  return sum;
}

}  // namespace

std::vector<Candidate> FeatureCandidates(const SheetView& view,
                                         const PseudoOptions& options) {
  Clustered clustered = ClusterPatches(view, options);
  std::vector<double> scores;
  for (const Candidate& candidate : clustered.candidates)
    scores.push_back(candidate.score);
  const std::vector<double> means = ClusterMeans(clustered, scores);
  std::vector<Candidate> kept;
  for (size_t i = 0; i < scores.size(); ++i) {
    Candidate& candidate = clustered.candidates[i];
    candidate.score = std::sqrt(scores[i] * means[clustered.cluster[i]]);
    if (candidate.score >= options.min_score)
      kept.push_back(std::move(candidate));
  }
  return kept;
}

std::vector<Candidate> KinOfFaces(const SheetView& view,
                                  const std::vector<Candidate>& faces,
                                  const PseudoOptions& options) {
  Clustered clustered = ClusterPatches(view, options);
  std::vector<double> is_face;
  for (const Candidate& candidate : clustered.candidates) {
    is_face.push_back(std::ranges::any_of(faces, [&](const Candidate& face) {
      return (face.bounds & candidate.bounds).area() > 0 &&
             tracking::IoU(face.mask, candidate.mask) >= kSameBuilding;
    }));
  }
  const std::vector<double> shares = ClusterMeans(clustered, is_face);
  std::vector<Candidate> kept;
  for (size_t i = 0; i < is_face.size(); ++i) {
    Candidate& candidate = clustered.candidates[i];
    if (shares[clustered.cluster[i]] >= kMinFaceShare &&
        candidate.score >= options.min_score)
      kept.push_back(std::move(candidate));
  }
  return kept;
}

}  // namespace mapweave::synth
