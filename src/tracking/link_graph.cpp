// SPDX-License-Identifier: MIT
#include "tracking/link_graph.h"

#include "core/error.h"
#include "tracking/bit_image.h"
#include "tracking/box_index.h"
#include "tracking/instance_features.h"
#include "tracking/instance_registration.h"
#include "tracking/rim.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr double kForeground = 0.5;
// Part of an instance that must lie within another to count as its part.
constexpr double kPartShare = 0.5;
// Distances beyond this many of their units say no more.
constexpr double kFar = 3.0;
// Where the features that compare a pair with the others of its editions stand.
constexpr size_t kRimAgainstOthers = kPairFeatures - 2;
constexpr size_t kOverlapAgainstOthers = kPairFeatures - 1;
constexpr size_t kFittedRim = kPairFeatures - 6;

void CheckRange(double value, double low, double high, const char* name) {
  if (!(value >= low && value <= high)) {
    throw Error(ErrorCode::kUsage, std::string(name) + " is out of range: " +
                                       std::to_string(value));
  }
}

double Distance(Point2d a, Point2d b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

double Length(cv::Point p) {
  return std::hypot(static_cast<double>(p.x), static_cast<double>(p.y));
}

Mask UnionOf(const std::vector<Instance>& instances) {
  std::vector<Run> runs;
  for (const Instance& instance : instances) {
    runs.insert(runs.end(), instance.mask.Runs().begin(),
                instance.mask.Runs().end());
  }
  return Mask::FromRuns(std::move(runs));
}

// One edition, ready to be searched and registered.
struct EditionView {
  EditionView(const std::vector<Instance>& list, Mask all_drawn, cv::Rect frame)
      : instances(list), drawn(std::move(all_drawn)), bits(drawn, frame) {
    for (size_t i = 0; i < list.size(); ++i) {
      index.Insert(static_cast<int>(i), list[i].mask.Bounds());
      shapes.push_back(ShapeOf(list[i].mask));
      rims.emplace_back(list[i].mask);
    }
  }
  const std::vector<Instance>& instances;
  Mask drawn;  // all that is drawn as a building
  BitImage bits;
  BoxIndex index;
  std::vector<Shape> shapes;
  std::vector<Rim> rims;
};

// One instance on its way to another edition.
struct Passage {
  InstanceShift found;
  cv::Point from_window;  // shift against the window's
  Mask moved;
};

// How one moved instance lies on one of the other edition.
struct Meeting {
  int other = 0;
  double both = 0.0;  // pixels
  double iou = 0.0;
  double share = 0.0;        // of the moved one
  double other_share = 0.0;  // of the other
  double distance = 0.0;     // of the centres
};

// All meetings of one instance with one edition.
struct Encounter {
  Passage passage;
  std::vector<Meeting> meetings;
  // Of the moved instance with all that lie within it together, and their
  // number.
  double joint_iou = 0.0;
  int parts = 0;

  const Meeting* With(int other) const {
    for (const Meeting& meeting : meetings) {
      if (meeting.other == other) return &meeting;
    }
    return nullptr;
  }
  // The one that overlaps most; -1 = none does.
  int Best() const {
    int best = -1;
    double most = 0.0;
    for (const Meeting& meeting : meetings) {
      if (meeting.iou > most) {
        most = meeting.iou;
        best = meeting.other;
      }
    }
    return best;
  }
  double BestBesides(int other) const {
    double best = 0.0;
    for (const Meeting& meeting : meetings) {
      if (meeting.other != other) best = std::max(best, meeting.iou);
    }
    return best;
  }
};

// A pair of instances seen from one of them.
struct Side {
  const Encounter& encounter;  // of this end with the other's edition
  const Encounter& back;       // of the other end with this one's
  int self = 0;
  int other = 0;
  const EditionView& view;
  const EditionView& other_view;
  Point2d vote;
  Point2d other_vote;
  int span = 1;
};

// Overlap of the two masks with their centres on each other.
double ShapeIoU(const Side& side) {
  const Shape& a = side.view.shapes[side.self];
  const Shape& b = side.other_view.shapes[side.other];
  const cv::Point shift(cvRound(b.centre.x - a.centre.x),
                        cvRound(b.centre.y - a.centre.y));
  const double both =
      static_cast<double>(side.view.instances[side.self].mask.IntersectionArea(
          side.other_view.instances[side.other].mask, shift));
  return both / (a.area + b.area - both);
}

// How far apart the long axes point, as far as both have one, in [0, 1].
double Turn(const Shape& a, const Shape& b) {
  return std::abs(std::sin(a.angle - b.angle)) *
         std::tanh(std::min(a.elongation, b.elongation) * 2.0);
}

PairFeatures FeaturesFrom(const Side& side) {
  const Shape& a = side.view.shapes[side.self];
  const Shape& b = side.other_view.shapes[side.other];
  const Passage& passage = side.encounter.passage;
  const cv::Point shift = passage.found.shift;
  Meeting apart;
  apart.distance =
      Distance(b.centre, {a.centre.x + shift.x, a.centre.y + shift.y});
  const Meeting* met = side.encounter.With(side.other);
  const Meeting& meeting = met != nullptr ? *met : apart;
  const double side_px = 0.5 * (a.side + b.side);
  const double votes = Distance(side.vote, side.other_vote);
  const double moved_votes =
      Distance({side.vote.x + shift.x, side.vote.y + shift.y}, side.other_vote);
  const RimMatch rims = CompareRims(side.view.rims[side.self], shift,
                                    side.other_view.rims[side.other]);
  const std::array<double, kPairFeatures> values = {
      meeting.iou, meeting.share, meeting.other_share,
      std::min(meeting.distance / side_px, kFar),
      std::clamp(std::log(b.area / a.area), -kFar, kFar),
      std::min(votes / 4.0, kFar), std::min(votes / side_px, kFar),
      ShapeIoU(side), std::min(Length(passage.from_window) / 4.0, kFar),
      passage.found.correlation,
      2.0 * (passage.found.correlation - passage.found.stay_correlation),
      side.span - 1.0, side.encounter.BestBesides(side.other),
      side.back.BestBesides(side.self), side.encounter.joint_iou,
      std::min(side.encounter.parts / 3.0, 1.0),
      std::min(Length(shift + side.back.passage.found.shift) / 4.0, kFar),
      Turn(a, b), std::min(std::abs(a.elongation - b.elongation), kFar),
      4.0 * std::abs(a.fullness - b.fullness),
      std::min(moved_votes / 4.0, kFar), std::min(moved_votes / side_px, kFar),
      std::min(Length(shift) / 8.0, kFar),
      std::min(Length(shift - passage.found.consensus) / 4.0, kFar), rims.share,
      rims.fitted_share, rims.near_share,
      std::min(2.0 * rims.mean_px / side_px, kFar), rims.ninth_decile_px / 4.0,
      // Only known once all pairs are: SetAgainstOthers.
      0.0, 0.0};
  PairFeatures features{};
  std::transform(values.begin(), values.end(), features.begin(),
                 [](double value) { return static_cast<float>(value); });
  return features;
}

double MedianOf(std::vector<float> values) {
  if (values.empty()) return 0.0;
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

// Of one feature by how much it exceeds the median over the pairs that
// `is_best` marks; 0 where there are none.
void SetAgainstOthers(const std::vector<PairFeatures*>& pairs,
                      const std::vector<bool>& is_best, size_t feature,
                      size_t target) {
  std::vector<float> usual;
  for (size_t p = 0; p < pairs.size(); ++p) {
    if (is_best[p]) usual.push_back((*pairs[p])[feature]);
  }
  if (usual.empty()) return;
  const auto median = static_cast<float>(MedianOf(std::move(usual)));
  for (PairFeatures* pair : pairs) (*pair)[target] = (*pair)[feature] - median;
}

class GraphBuilder {
 public:
  GraphBuilder(const LinkScene& scene, const Clip* clip,
               const LinkGraphOptions& options)
      : scene_(scene), clip_(clip), options_(options), frame_(FrameOf(scene)) {
    for (size_t t = 0; t < scene.per_edition.size(); ++t) {
      views_.emplace_back(
          scene.per_edition[t],
          scene.foreground.empty()
              ? UnionOf(scene.per_edition[t])
              : Mask::FromImage(scene.foreground[t] > kForeground),
          frame_);
    }
  }

  LinkGraph Build() {
    AddNodes();
    const int count = static_cast<int>(views_.size());
    for (int older = 0; older < count; ++older) {
      const int last = std::min(count - 1, older + options_.max_span);
      for (int newer = older + 1; newer <= last; ++newer) {
        AddPairs(older, newer);
      }
    }
    std::sort(graph_.pairs.begin(), graph_.pairs.end(),
              [](const LinkPair& a, const LinkPair& b) {
                return std::pair(a.older, a.newer) <
                       std::pair(b.older, b.newer);
              });
    return std::move(graph_);
  }

 private:
  static cv::Rect FrameOf(const LinkScene& scene) {
    if (!scene.foreground.empty()) {
      return {{0, 0}, scene.foreground[0].size()};
    }
    cv::Rect frame;
    for (const auto& instances : scene.per_edition) {
      for (const Instance& instance : instances) {
        frame |= instance.mask.Bounds();
      }
    }
    return frame;
  }

  cv::Rect Around(const Mask& mask) const {
    const int half = options_.local.neighbourhood_px / 2;
    const cv::Rect bounds = mask.Bounds();
    const cv::Point centre = (bounds.tl() + bounds.br()) / 2;
    return bounds |
           cv::Rect(centre.x - half, centre.y - half, 2 * half, 2 * half);
  }

  Point2d Vote(int t, int i) const {
    if (scene_.centres.empty()) return views_[t].shapes[i].centre;
    return scene_.centres[t][i];
  }

  void AddNodes() {
    for (int t = 0; t < static_cast<int>(views_.size()); ++t) {
      first_node_.push_back(static_cast<int>(graph_.nodes.size()));
      const EditionView& view = views_[t];
      for (int i = 0; i < static_cast<int>(view.instances.size()); ++i) {
        const Instance& instance = view.instances[i];
        const cv::Rect around = Around(instance.mask) & frame_;
        const cv::Rect bounds = instance.mask.Bounds();
        InstanceView features{instance, view.shapes[i], Vote(t, i)};
        features.crowding = static_cast<double>(view.bits.Count(around)) /
                            std::max(1, around.area());
        features.is_cut = bounds.x <= frame_.x || bounds.y <= frame_.y ||
                          bounds.br().x >= frame_.br().x ||
                          bounds.br().y >= frame_.br().y;
        if (clip_ != nullptr) {
          features.frame = &clip_->frames[t];
          features.coverage = &clip_->coverage[t];
          features.drawn = &view.drawn;
        }
        graph_.nodes.push_back({{t, i}, FeaturesOf(features)});
      }
    }
  }

  Encounter EncounterOf(const EditionView& from, const EditionView& to, int i,
                        Passage way) const {
    Encounter encounter;
    encounter.passage = std::move(way);
    const Passage& passage = encounter.passage;
    const Shape& shape = from.shapes[i];
    const Point2d centre{shape.centre.x + passage.found.shift.x,
                         shape.centre.y + passage.found.shift.y};
    const int near = static_cast<int>(std::ceil(options_.near_px));
    const cv::Rect bounds = passage.moved.Bounds();
    const cv::Rect wide(bounds.x - near, bounds.y - near,
                        bounds.width + 2 * near, bounds.height + 2 * near);
    double parts_area = 0.0;
    double parts_both = 0.0;
    for (const int j : to.index.Overlapping(wide)) {
      const Shape& other = to.shapes[j];
      Meeting meeting;
      meeting.other = j;
      meeting.both = static_cast<double>(
          passage.moved.IntersectionArea(to.instances[j].mask));
      meeting.iou = meeting.both / (shape.area + other.area - meeting.both);
      meeting.share = meeting.both / shape.area;
      meeting.other_share = meeting.both / other.area;
      meeting.distance = Distance(other.centre, centre);
      encounter.meetings.push_back(meeting);
      if (meeting.other_share >= kPartShare) {
        ++encounter.parts;
        parts_area += other.area;
        parts_both += meeting.both;
      }
    }
    encounter.joint_iou = parts_both / (shape.area + parts_area - parts_both);
    return encounter;
  }

  std::vector<Encounter> Encounters(int from, int to,
                                    cv::Point window_shift) const {
    const EditionView& view = views_[from];
    std::vector<cv::Rect> bounds;
    for (const Instance& instance : view.instances) {
      bounds.push_back(instance.mask.Bounds());
    }
    const std::vector<InstanceShift> shifts = RegisterInstances(
        view.bits, views_[to].bits, bounds, window_shift, options_.local);
    std::vector<Encounter> encounters;
    for (size_t i = 0; i < shifts.size(); ++i) {
      const cv::Point shift = shifts[i].shift;
      encounters.push_back(
          EncounterOf(view, views_[to], static_cast<int>(i),
                      {shifts[i], shift - window_shift,
                       view.instances[i].mask.Translated(shift.x, shift.y)}));
    }
    return encounters;
  }

  bool IsCandidate(const Meeting& meeting) const {
    return std::max(meeting.share, meeting.other_share) >= options_.min_share ||
           meeting.distance <= options_.near_px;
  }

  // The partners that each instance would have, best first.
  void Propose(const std::vector<Encounter>& encounters, bool from_newer,
               std::set<std::pair<int, int>>& wanted) const {
    for (int i = 0; i < static_cast<int>(encounters.size()); ++i) {
      std::vector<Meeting> meetings = encounters[i].meetings;
      std::erase_if(meetings,
                    [&](const Meeting& m) { return !IsCandidate(m); });
      std::stable_sort(meetings.begin(), meetings.end(),
                       [](const Meeting& a, const Meeting& b) {
                         return std::pair(-a.iou, a.distance) <
                                std::pair(-b.iou, b.distance);
                       });
      for (int k = 0;
           k < static_cast<int>(meetings.size()) && k < options_.max_partners;
           ++k) {
        const int j = meetings[k].other;
        wanted.insert(from_newer ? std::pair(j, i) : std::pair(i, j));
      }
    }
  }

  void AddPairs(int older, int newer) {
    const EditionView& a = views_[older];
    const EditionView& b = views_[newer];
    if (a.instances.empty() || b.instances.empty()) return;
    // With room for every shift, so that the two editions are alike.
    const int room = options_.max_shift_px;
    const cv::Rect wide(frame_.x - room, frame_.y - room,
                        frame_.width + 2 * room, frame_.height + 2 * room);
    const cv::Point shift = FindShift(a.bits, b.bits, wide, {}, room).shift;
    const std::vector<Encounter> forward = Encounters(older, newer, shift);
    const std::vector<Encounter> backward = Encounters(newer, older, -shift);
    std::set<std::pair<int, int>> wanted;
    Propose(forward, false, wanted);
    Propose(backward, true, wanted);
    const size_t first = graph_.pairs.size();
    std::vector<bool> is_best;
    for (const auto& [i, j] : wanted) {
      is_best.push_back(forward[i].Best() == j && backward[j].Best() == i);
      LinkPair pair;
      pair.older = first_node_[older] + i;
      pair.newer = first_node_[newer] + j;
      pair.span = newer - older;
      pair.from_older =
          FeaturesFrom({forward[i], backward[j], i, j, a, b, Vote(older, i),
                        Vote(newer, j), pair.span});
      pair.from_newer =
          FeaturesFrom({backward[j], forward[i], j, i, b, a, Vote(newer, j),
                        Vote(older, i), pair.span});
      pair.iou = static_cast<double>(pair.from_older[0]);
      graph_.pairs.push_back(pair);
    }
    std::vector<PairFeatures*> from_older;
    std::vector<PairFeatures*> from_newer;
    for (size_t p = first; p < graph_.pairs.size(); ++p) {
      from_older.push_back(&graph_.pairs[p].from_older);
      from_newer.push_back(&graph_.pairs[p].from_newer);
    }
    for (const auto& ends : {from_older, from_newer}) {
      SetAgainstOthers(ends, is_best, kFittedRim, kRimAgainstOthers);
      SetAgainstOthers(ends, is_best, 0, kOverlapAgainstOthers);
    }
  }

  const LinkScene& scene_;
  const Clip* clip_;
  const LinkGraphOptions& options_;
  cv::Rect frame_;
  std::vector<EditionView> views_;
  std::vector<int> first_node_;
  LinkGraph graph_;
};

}  // namespace

void LinkGraphOptions::Validate() const {
  CheckRange(max_span, 1, 1000, "max_span");
  CheckRange(max_shift_px, 0, 1000, "max_shift_px");
  CheckRange(local.neighbourhood_px, 2, 1e6, "neighbourhood_px");
  CheckRange(local.max_local_shift_px, 0, 100, "max_local_shift_px");
  CheckRange(local.consensus_px, 0.0, 1e6, "consensus_px");
  CheckRange(local.max_dissent_px, 0, 100, "max_dissent_px");
  CheckRange(local.dissent, 0.0, 2.0, "dissent");
  CheckRange(near_px, 0.0, 1000.0, "near_px");
  CheckRange(min_share, 0.0, 1.0, "min_share");
  CheckRange(max_partners, 1, 1000, "max_partners");
}

LinkGraph BuildLinkGraph(const LinkScene& scene, const Clip* clip,
                         const LinkGraphOptions& options) {
  options.Validate();
  const size_t count = scene.per_edition.size();
  MAPWEAVE_CHECK(scene.foreground.empty() || scene.foreground.size() == count);
  for (const cv::Mat& map : scene.foreground) {
    MAPWEAVE_CHECK(map.type() == CV_32FC1);
    MAPWEAVE_CHECK(map.size() == scene.foreground[0].size());
  }
  MAPWEAVE_CHECK(scene.centres.empty() || scene.centres.size() == count);
  for (size_t t = 0; t < scene.centres.size(); ++t) {
    MAPWEAVE_CHECK(scene.centres[t].size() == scene.per_edition[t].size());
  }
  MAPWEAVE_CHECK(clip == nullptr || (clip->frames.size() == count &&
                                     clip->coverage.size() == count));
  return GraphBuilder(scene, clip, options).Build();
}

}  // namespace mapweave::tracking
