// SPDX-License-Identifier: MIT
//
// Clusters of points in few dimensions: of colours and of texture codes.
// Internal to synth.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>

#include <cstddef>
#include <vector>

namespace mapweave::synth {

// For every row of `points` the row of `centres` that is nearest; both CV_32FC1
// with as many columns.
std::vector<int> NearestCentres(const cv::Mat& points, const cv::Mat& centres);
// [points.rows, centres.rows] CV_32FC1: squared distances, 0 or more.
cv::Mat SquaredDistances(const cv::Mat& points, const cv::Mat& centres);

// Lloyd's algorithm on the rows of `points` (CV_32FC1) with positive `weights`,
// started by k-means++ (Arthur and Vassilvitskii, 2007). At most `k` centres,
// fewer if there are fewer different points.
cv::Mat KMeans(const cv::Mat& points, const std::vector<double>& weights, int k,
               int iterations, Rng& rng);
// From given centres.
void Lloyd(const cv::Mat& points, const std::vector<double>& weights,
           int iterations, cv::Mat& centres);

// Every set that agglomeration passes through on its way from the single rows
// of `points` up: the closest pair of weighted means is joined, until they are
// further apart than `max_distance`. Single rows first.
std::vector<std::vector<int>> Agglomerate(const cv::Mat& points,
                                          const std::vector<double>& weights,
                                          double max_distance);

}  // namespace mapweave::synth
