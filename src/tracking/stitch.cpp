// SPDX-License-Identifier: MIT
#include "tracking/stitch.h"

#include "core/error.h"
#include "tracking/assignment.h"
#include "tracking/box_index.h"
#include "tracking/stitch_conflicts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

namespace mapweave::tracking {
namespace {

Mask TotalMask(const Track& track) {
  std::vector<Run> runs;
  for (const Mask& mask : track.masks) {
    runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
  }
  return Mask::FromRuns(std::move(runs));
}

int64_t AreaInside(const Mask& mask, const cv::Rect& box) {
  const cv::Rect inside = mask.Bounds() & box;
  if (inside.empty()) return 0;
  return inside == mask.Bounds() ? mask.Area() : mask.Clipped(box).Area();
}

// A track as one window saw it.
struct Member {
  const Track* track = nullptr;
  int window = 0;  // position in the canonical order of windows
  cv::Rect bounds;
  bool is_truncated = false;
  // How far inside the window's core the track's centre lies, in pixels;
  // negative outside. Edges of the grid do not count.
  double depth = 0.0;
};

class Stitcher {
 public:
  Stitcher(const std::vector<Window>& windows,
           const std::vector<TrackSet>& tracks, const StitchOptions& options)
      : options_(options) {
    std::vector<size_t> order(windows.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto key = [&](size_t i) {
      const Window& w = windows[i];
      return std::tuple(w.core.y, w.core.x, w.box.y, w.box.x, w.core.height,
                        w.core.width, w.box.height, w.box.width);
    };
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return key(a) < key(b); });
    for (const size_t i : order) grid_ |= windows[i].box;
    for (const size_t i : order) {
      windows_.push_back(windows[i]);
      AddMembers(tracks[i]);
    }
  }

  TrackSet Stitch() {
    std::vector<Resolved> resolved;
    for (const std::vector<int>& cluster : Clusters()) {
      resolved.push_back(Resolve(cluster));
    }
    return SettleConflicts(DropDuplicates(std::move(resolved), options_),
                           options_);
  }

 private:
  // Two tracks of different windows that are one building.
  struct Join {
    double score = 0.0;
    int a = 0;
    int b = 0;
  };

  void AddMembers(const TrackSet& tracks) {
    const int window = static_cast<int>(windows_.size()) - 1;
    std::vector<const Track*> sorted;
    for (const Track& track : tracks) {
      if (TotalArea(track) > 0) sorted.push_back(&track);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Track* a, const Track* b) {
      return ComesBefore(*a, *b);
    });
    members_of_window_.emplace_back();
    index_of_window_.emplace_back();
    for (const Track* track : sorted) {
      const int id = static_cast<int>(members_.size());
      Member member{track, window, TotalBounds(*track), false, 0.0};
      member.is_truncated = IsTruncated(*track, windows_.back().box);
      member.depth = Depth(TotalMask(*track).Centroid(), windows_.back().core);
      members_.push_back(member);
      members_of_window_.back().push_back(id);
      index_of_window_.back().Insert(id, member.bounds);
    }
  }

  bool IsTruncated(const Track& track, const cv::Rect& box) const {
    const int edge = options_.edge_px;
    // What is clear of all inner edges.
    int left = box.x > grid_.x ? box.x + edge : grid_.x;
    int top = box.y > grid_.y ? box.y + edge : grid_.y;
    int right = box.br().x < grid_.br().x ? box.br().x - edge : grid_.br().x;
    int bottom = box.br().y < grid_.br().y ? box.br().y - edge : grid_.br().y;
    const cv::Rect bounds = TotalBounds(track);
    return bounds.x < left || bounds.y < top || bounds.br().x > right ||
           bounds.br().y > bottom;
  }

  double Depth(const Point2d& centre, const cv::Rect& core) const {
    double depth = std::numeric_limits<double>::infinity();
    if (core.x > grid_.x) depth = std::min(depth, centre.x - core.x);
    if (core.y > grid_.y) depth = std::min(depth, centre.y - core.y);
    if (core.br().x < grid_.br().x) {
      depth = std::min(depth, core.br().x - centre.x);
    }
    if (core.br().y < grid_.br().y) {
      depth = std::min(depth, core.br().y - centre.y);
    }
    return depth;
  }

  // Spatio-temporal IoU over the pixels that both windows look at.
  static double IoUInside(const Track& a, const Track& b,
                          const cv::Rect& shared) {
    const int64_t both = SharedArea(a, b);
    if (both == 0) return 0.0;
    int64_t total = 0;
    for (size_t t = 0; t < a.masks.size(); ++t) {
      total += AreaInside(a.masks[t], shared) + AreaInside(b.masks[t], shared);
    }
    return static_cast<double>(both) / static_cast<double>(total - both);
  }

  void FindJoins(int window_a, int window_b, std::vector<Join>& joins) const {
    const cv::Rect shared = windows_[window_a].box & windows_[window_b].box;
    std::vector<Candidate> candidates;
    for (const int a : members_of_window_[window_a]) {
      const cv::Rect part = members_[a].bounds & shared;
      if (part.empty()) continue;
      for (const int b : index_of_window_[window_b].Overlapping(part)) {
        const double iou =
            IoUInside(*members_[a].track, *members_[b].track, shared);
        if (iou > 0.0 && iou >= options_.min_iou) {
          candidates.push_back({a, b, iou});
        }
      }
    }
    // Members of one window have neighbouring ids; the assignment wants small
    // numbers.
    if (candidates.empty()) return;
    const int first_a = members_of_window_[window_a].front();
    const int first_b = members_of_window_[window_b].front();
    for (Candidate& candidate : candidates) {
      candidate.row -= first_a;
      candidate.col -= first_b;
    }
    for (const Candidate& chosen : MatchByWeight(std::move(candidates))) {
      joins.push_back(
          {chosen.weight, chosen.row + first_a, chosen.col + first_b});
    }
  }

  std::vector<Join> AllJoins() const {
    int side = 1;
    for (const Window& window : windows_) {
      side = std::max({side, window.box.width, window.box.height});
    }
    BoxIndex index(side);
    std::vector<Join> joins;
    for (int b = 0; b < static_cast<int>(windows_.size()); ++b) {
      for (const int a : index.Overlapping(windows_[b].box)) {
        FindJoins(a, b, joins);
      }
      index.Insert(b, windows_[b].box);
    }
    std::sort(joins.begin(), joins.end(), [](const Join& x, const Join& y) {
      return std::tuple(-x.score, x.a, x.b) < std::tuple(-y.score, y.a, y.b);
    });
    return joins;
  }

  // Members by building: best joins first, never two of one window.
  std::vector<std::vector<int>> Clusters() const {
    std::vector<std::vector<int>> clusters(members_.size());
    std::vector<int> cluster_of(members_.size());
    for (int id = 0; id < static_cast<int>(members_.size()); ++id) {
      clusters[id] = {id};
      cluster_of[id] = id;
    }
    const auto share_window = [&](const std::vector<int>& x,
                                  const std::vector<int>& y) {
      return std::any_of(x.begin(), x.end(), [&](int a) {
        return std::any_of(y.begin(), y.end(), [&](int b) {
          return members_[a].window == members_[b].window;
        });
      });
    };
    for (const Join& join : AllJoins()) {
      int into = cluster_of[join.a];
      int from = cluster_of[join.b];
      if (into == from || share_window(clusters[into], clusters[from])) {
        continue;
      }
      if (clusters[into].size() < clusters[from].size()) std::swap(into, from);
      for (const int id : clusters[from]) cluster_of[id] = into;
      clusters[into].insert(clusters[into].end(), clusters[from].begin(),
                            clusters[from].end());
      clusters[from].clear();
    }
    std::erase_if(clusters, [](const auto& c) { return c.empty(); });
    for (std::vector<int>& cluster : clusters) {
      std::sort(cluster.begin(), cluster.end());
    }
    return clusters;
  }

  Resolved Resolve(const std::vector<int>& cluster) const {
    const Member* best = nullptr;
    for (const int id : cluster) {
      const Member& member = members_[id];
      if (member.is_truncated) continue;
      if (best == nullptr || member.depth > best->depth) best = &member;
    }
    if (best != nullptr) return {*best->track, best->depth >= 0.0};
    return {cluster.size() == 1 ? *members_[cluster[0]].track
                                : PutTogether(cluster),
            false};
  }

  Track PutTogether(const std::vector<int>& cluster) const {
    Track whole = *members_[cluster[0]].track;
    double weighted_score = 0.0;
    double area = 0.0;
    for (const int id : cluster) {
      const Track& part = *members_[id].track;
      const double part_area = static_cast<double>(TotalArea(part));
      weighted_score += part.score * part_area;
      area += part_area;
      for (size_t t = 0; t < whole.masks.size(); ++t) {
        whole.masks[t] = whole.masks[t].Union(part.masks[t]);
        whole.presence[t] = std::max(whole.presence[t], part.presence[t]);
      }
    }
    whole.score = static_cast<float>(weighted_score / area);
    LinkLikeParts(cluster, whole);
    return whole;
  }

  // The parts' highest link over the same two editions. Where no part has the
  // link, for none saw both, its probability is that of the weaker end.
  void LinkLikeParts(const std::vector<int>& cluster, Track& whole) const {
    const auto next_seen = [](const Track& track, size_t t) {
      for (++t; t < track.masks.size() && track.masks[t].IsEmpty();) ++t;
      return t;
    };
    const size_t editions = whole.masks.size();
    whole.link.assign(editions, 0.0f);
    for (size_t t = 0; t < editions; ++t) {
      if (whole.masks[t].IsEmpty()) continue;
      const size_t next = next_seen(whole, t);
      if (next == editions) continue;
      bool is_known = false;
      for (const int id : cluster) {
        const Track& part = *members_[id].track;
        if (part.masks[t].IsEmpty() || next_seen(part, t) != next) continue;
        whole.link[t] = std::max(whole.link[t], part.link[t]);
        is_known = true;
      }
      if (!is_known) {
        whole.link[t] = std::min(whole.presence[t], whole.presence[next]);
      }
    }
  }

  StitchOptions options_;
  cv::Rect grid_;
  std::vector<Window> windows_;  // in canonical order
  std::vector<Member> members_;  // by window, then by ComesBefore
  std::vector<std::vector<int>> members_of_window_;
  std::vector<BoxIndex> index_of_window_;
};

void CheckShare(double value, const char* name) {
  if (!(value >= 0.0 && value <= 1.0)) {
    throw Error(ErrorCode::kUsage, std::string(name) +
                                       " must lie between 0 and 1, not " +
                                       std::to_string(value));
  }
}

}  // namespace

void StitchOptions::Validate() const {
  CheckShare(min_iou, "min_iou");
  CheckShare(max_cover, "max_cover");
  CheckShare(max_loss, "max_loss");
  if (edge_px < 0 || min_area_px < 0) {
    throw Error(ErrorCode::kUsage,
                "edge_px and min_area_px must not be negative");
  }
}

TrackSet StitchTracks(const std::vector<Window>& windows,
                      const std::vector<TrackSet>& tracks, int editions,
                      const StitchOptions& options) {
  options.Validate();
  MAPWEAVE_CHECK(editions >= 0);
  MAPWEAVE_CHECK(windows.size() == tracks.size());
  for (const TrackSet& set : tracks) {
    for (const Track& track : set) {
      MAPWEAVE_CHECK(track.masks.size() == static_cast<size_t>(editions));
      MAPWEAVE_CHECK(track.presence.size() == track.masks.size());
      MAPWEAVE_CHECK(track.link.size() == track.masks.size());
    }
  }
  return Stitcher(windows, tracks, options).Stitch();
}

}  // namespace mapweave::tracking
