// SPDX-License-Identifier: MIT
//
// What a single instance looks like, as numbers: the nodes of link_graph.h.
// For link_graph.cpp only.
#pragma once

#include "tracking/link_graph.h"
#include "tracking/mask.h"

namespace mapweave::tracking {

// The shape of a mask, free of its place.
struct Shape {
  Point2d centre;
  double area = 0.0;
  double side = 0.0;         // of a square of that area
  double elongation = 0.0;   // log ratio of the principal axes, 0 = none
  double angle = 0.0;        // of the longer axis, radians
  double fullness = 0.0;     // 1 = rectangle, less for L, U and courts
  double compactness = 0.0;  // 1 = disc
};

// `mask` is not empty.
Shape ShapeOf(const Mask& mask);

// What an instance's features are taken from.
struct InstanceView {
  const Instance& instance;
  const Shape& shape;
  Point2d centre_vote;
  double crowding = 0.0;              // share drawn in its neighbourhood
  bool is_cut = false;                // by the window's edge
  const cv::Mat* frame = nullptr;     // null = no colours
  const cv::Mat* coverage = nullptr;  // may be null or empty
  const Mask* drawn = nullptr;        // all that is drawn on the edition
};

std::array<float, kInstanceFeatures> FeaturesOf(const InstanceView& view);

}  // namespace mapweave::tracking
