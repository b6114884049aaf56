// SPDX-License-Identifier: MIT
#include "synth/clustering.h"

#include <algorithm>
#include <limits>

namespace mapweave::synth {
namespace {

// Rows that are compared at a time, so that memory stays small.
constexpr int kBlockRows = 4096;

float SquaredDistance(const float* a, const float* b, int n) {
  float sum = 0.0f;
  for (int i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

struct Cluster {
  std::vector<int> members;
  cv::Mat mean;  // one row
  double weight = 0.0;
};

}  // namespace

cv::Mat SquaredDistances(const cv::Mat& points, const cv::Mat& centres) {
  cv::Mat distances = points * centres.t();
  std::vector<float> norms(static_cast<size_t>(centres.rows));
  for (int k = 0; k < centres.rows; ++k) {
    norms[static_cast<size_t>(k)] =
        static_cast<float>(centres.row(k).dot(centres.row(k)));
  }
  for (int p = 0; p < points.rows; ++p) {
    auto* row = distances.ptr<float>(p);
    const auto self = static_cast<float>(points.row(p).dot(points.row(p)));
    for (int k = 0; k < centres.rows; ++k) {
      row[k] =
          std::max(0.0f, self + norms[static_cast<size_t>(k)] - 2.0f * row[k]);
    }
  }
  return distances;
}

std::vector<int> NearestCentres(const cv::Mat& points, const cv::Mat& centres) {
  std::vector<int> nearest(static_cast<size_t>(points.rows));
  for (int begin = 0; begin < points.rows; begin += kBlockRows) {
    const int end = std::min(points.rows, begin + kBlockRows);
    const cv::Mat distances =
        SquaredDistances(points.rowRange(begin, end), centres);
    for (int p = begin; p < end; ++p) {
      const auto* row = distances.ptr<float>(p - begin);
      nearest[static_cast<size_t>(p)] =
          static_cast<int>(std::min_element(row, row + centres.rows) - row);
    }
  }
  return nearest;
}

void Lloyd(const cv::Mat& points, const std::vector<double>& weights,
           int iterations, cv::Mat& centres) {
  for (int i = 0; i < iterations; ++i) {
    cv::Mat sums = cv::Mat::zeros(centres.size(), CV_64FC1);
    std::vector<double> mass(static_cast<size_t>(centres.rows), 0.0);
    const std::vector<int> nearest = NearestCentres(points, centres);
    for (int p = 0; p < points.rows; ++p) {
      const float* point = points.ptr<float>(p);
      const int k = nearest[static_cast<size_t>(p)];
      const double w = weights[static_cast<size_t>(p)];
      auto* sum = sums.ptr<double>(k);
      for (int d = 0; d < points.cols; ++d)
        sum[d] += w * static_cast<double>(point[d]);
      mass[static_cast<size_t>(k)] += w;
    }
    for (int k = 0; k < centres.rows; ++k) {
      const double m = mass[static_cast<size_t>(k)];
      if (m > 0.0) cv::Mat(sums.row(k) / m).convertTo(centres.row(k), CV_32F);
    }
  }
}

cv::Mat KMeans(const cv::Mat& points, const std::vector<double>& weights, int k,
               int iterations, Rng& rng) {
  std::vector<double> chance = weights;
  std::vector<float> distance(weights.size(),
                              std::numeric_limits<float>::max());
  cv::Mat centres(0, points.cols, CV_32FC1);
  for (int i = 0; i < k; ++i) {
    if (std::ranges::none_of(chance, [](double c) { return c > 0.0; })) break;
    centres.push_back(points.row(static_cast<int>(rng.Choice(chance))));
    const float* last = centres.ptr<float>(centres.rows - 1);
    for (int p = 0; p < points.rows; ++p) {
      const auto at = static_cast<size_t>(p);
      distance[at] =
          std::min(distance[at],
                   SquaredDistance(points.ptr<float>(p), last, points.cols));
      chance[at] = weights[at] * static_cast<double>(distance[at]);
    }
  }
  Lloyd(points, weights, iterations, centres);
  return centres;
}

std::vector<std::vector<int>> Agglomerate(const cv::Mat& points,
                                          const std::vector<double>& weights,
                                          double max_distance) {
  std::vector<Cluster> active;
  std::vector<std::vector<int>> sets;
  for (int p = 0; p < points.rows; ++p) {
    active.push_back(
        {{p}, points.row(p).clone(), weights[static_cast<size_t>(p)]});
    sets.push_back({p});
  }
  while (active.size() > 1) {
    double least = std::numeric_limits<double>::max();
    size_t a = 0;
    size_t b = 0;
    for (size_t i = 0; i < active.size(); ++i) {
      for (size_t j = i + 1; j < active.size(); ++j) {
        const double d = cv::norm(active[i].mean, active[j].mean);
        if (d >= least) continue;
        least = d;
        a = i;
        b = j;
      }
    }
    if (least > max_distance) break;
    Cluster& into = active[a];
    const Cluster& from = active[b];
    into.members.insert(into.members.end(), from.members.begin(),
                        from.members.end());
    const double weight = into.weight + from.weight;
    into.mean = (into.mean * into.weight + from.mean * from.weight) / weight;
    into.weight = weight;
    sets.push_back(into.members);
    active.erase(active.begin() + static_cast<int64_t>(b));
  }
  return sets;
}

}  // namespace mapweave::synth
