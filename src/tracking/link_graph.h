// SPDX-License-Identifier: MIT
//
// What there is to know about which instances of a window's editions may be
// one building, as numbers: one node per instance, one pair per two instances
// of different editions that lie on each other after the shift around them has
// been removed. A learned linker judges the pairs (models/vis/link_net.h); only
// candidate pairs exist, so that the work grows with the instances and not
// with their square.
#pragma once

#include "core/geometry.h"
#include "tracking/clip.h"
#include "tracking/components.h"
#include "tracking/instance_registration.h"
#include "tracking/link.h"

#include <opencv2/core.hpp>

#include <array>
#include <vector>

namespace mapweave::tracking {

// Of an instance: area, score, elongation, fullness and compactness, how much
// is drawn around it, whether the window's edge cuts it, how far its vote for
// the shared centre lies from its own; brightness and its scatter inside, two
// differences of colour, brightness of the paper around and against it. All
// near [-3, 3].
inline constexpr int kInstanceFeatures = 14;
// Of a pair, seen from one of its ends with that end moved onto the other's
// edition: overlap and both containments, distance of the centres, change of
// area, distance of the voted centres, overlap of the bare shapes, the local
// shift and how well it fits, span of editions, the best rivals of both ends,
// overlap with all that lie within it together, difference of orientation,
// elongation and fullness; distance of the voted centres after the shift, the
// shift itself, and how far it lies from that of the neighbours; how well this
// end's rim lies along the other's (rim.h): the share within a pixel, the same
// fitted, the share within two, mean and ninth decile of the distance; and by
// how much that share and the overlap exceed the median of those pairs of the
// two editions whose ends are each other's best.
inline constexpr int kPairFeatures = 31;

using PairFeatures = std::array<float, kPairFeatures>;

struct LinkNode {
  InstanceRef instance;
  std::array<float, kInstanceFeatures> features{};
};

struct LinkPair {
  // Positions in LinkGraph::nodes; `older` is of the earlier edition.
  int older = 0;
  int newer = 0;
  int span = 1;  // editions from one to the other
  // Of the older one, moved, with the newer one.
  double iou = 0.0;
  PairFeatures from_older{};  // as the older end sees it
  PairFeatures from_newer{};
};

// Nodes by edition, then by position there; pairs by their ends.
struct LinkGraph {
  std::vector<LinkNode> nodes;
  std::vector<LinkPair> pairs;
};

// What is known of a window.
struct LinkScene {
  // T lists in one pixel frame, the masks of an edition disjoint.
  std::vector<std::vector<Instance>> per_edition;
  // T of CV_32FC1 probabilities of one size: what is above 0.5 is brought to
  // overlap; empty = the masks are used.
  std::vector<cv::Mat> foreground;
  // Where each instance believes the centre shared by all editions to lie;
  // empty = nothing is said.
  std::vector<std::vector<Point2d>> centres;
};

struct LinkGraphOptions {
  // Editions that a pair may span.
  int max_span = 3;
  // Farthest shift that is looked for between two editions of the window.
  int max_shift_px = 16;
  // The search around each instance.
  InstanceRegistrationOptions local;
  // Instances whose centres are this near each other after the shift are a
  // pair even without overlap.
  double near_px = 4.0;
  // Otherwise at least this part of one must lie within the other.
  double min_share = 0.1;
  // Pairs of one instance with one edition: those of greatest overlap.
  int max_partners = 6;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
};

// `clip` holds the window's images; null = colours are left out (0). Reversing
// the order of the editions exchanges the two ends of every pair and changes
// nothing else, as long as no two shifts fit equally well.
// Throws Error{kBug} if the editions' numbers or sizes differ.
LinkGraph BuildLinkGraph(const LinkScene& scene, const Clip* clip,
                         const LinkGraphOptions& options = {});

}  // namespace mapweave::tracking
