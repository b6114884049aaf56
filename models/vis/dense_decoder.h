// SPDX-License-Identifier: MIT
//
// From the dense network's maps to tracks: instances per edition, linked over
// editions by registered overlap and by where each instance believes the
// building's shared centre to lie. No Torch here.
#pragma once

#include "core/json.h"
#include "tracking/clip.h"
#include "tracking/link_graph.h"
#include "tracking/track.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::vis {

// What the network says of a clip: T of each, CV_32FC1, [H, W] of the clip.
struct DenseMaps {
  std::vector<cv::Mat> foreground;  // probability in [0, 1]
  std::vector<cv::Mat> interior;
  // Pixels from here to the centre that the building has on all editions.
  std::vector<cv::Mat> offset_x;
  std::vector<cv::Mat> offset_y;
};

// Calibrated on validation clips and stored in the checkpoint.
struct DecodeOptions {
  double interior_threshold = 0.5;
  double foreground_threshold = 0.5;
  int grow_px = 2;
  int min_area_px = 10;
  // Tracks that score lower are dropped.
  double min_score = 0.5;
  double min_iou = 0.25;
  // Two instances whose voted centres lie d pixels apart are one building with
  // probability 1 / (1 + exp((d - centre_distance_px) / centre_softness_px)),
  // over and above their overlap. 0 = the vote is not asked.
  double centre_distance_px = 0.0;
  double centre_softness_px = 1.5;
  // Less probable links are not made.
  double min_link_probability = 0.0;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
  // Throws Error{kBadInput}.
  static DecodeOptions FromJson(const Json& json);
  Json ToJson() const;
};

// The instances of each edition before they are linked, with their votes for
// the shared centre and the foreground. `coverage` as in Clip.
tracking::LinkScene FindInstances(const DenseMaps& maps,
                                  const std::vector<cv::Mat>& coverage,
                                  const DecodeOptions& options);

// The same of instances that are known: for each, where its pixels say on
// average that the shared centre is.
std::vector<std::vector<Point2d>> CentreVotes(
    const DenseMaps& maps,
    const std::vector<std::vector<tracking::Instance>>& per_edition);

// All tracks, whatever their score. `coverage` as in Clip.
tracking::TrackSet DecodeAllTracks(const DenseMaps& maps,
                                   const std::vector<cv::Mat>& coverage,
                                   const DecodeOptions& options);

// Those that score options.min_score or more.
tracking::TrackSet DecodeTracks(const DenseMaps& maps,
                                const std::vector<cv::Mat>& coverage,
                                const DecodeOptions& options);

}  // namespace mapweave::vis
