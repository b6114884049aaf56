// SPDX-License-Identifier: MIT
#include "tracking/stitch_conflicts.h"

#include "tracking/box_index.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace mapweave::tracking {
namespace {

// Takes edition t out of the track; the link before it now spans it.
void RemoveEdition(Track& track, size_t t) {
  bool seen_later = false;
  for (size_t u = t + 1; u < track.masks.size(); ++u) {
    seen_later = seen_later || !track.masks[u].IsEmpty();
  }
  for (size_t u = t; u-- > 0;) {
    if (track.masks[u].IsEmpty()) continue;
    track.link[u] = seen_later ? track.link[u] * track.link[t] : 0.0f;
    break;
  }
  track.masks[t] = Mask();
  track.presence[t] = 0.0f;
  track.link[t] = 0.0f;
}

bool IsCovered(const Track& track, double min_area,
               const std::vector<Resolved>& kept,
               const std::vector<int>& near) {
  return std::any_of(near.begin(), near.end(), [&](int other) {
    return static_cast<double>(SharedArea(track, kept[other].track)) > min_area;
  });
}

// Takes from the track what others have; false if too little is left of it.
bool GiveWay(Track& track, const TrackSet& kept, const std::vector<int>& near,
             double max_loss) {
  const auto lost_too_much = [&](int64_t before, int64_t after) {
    return static_cast<double>(before - after) >
           max_loss * static_cast<double>(before);
  };
  const int64_t total = TotalArea(track);
  for (size_t t = 0; t < track.masks.size(); ++t) {
    Mask rest = track.masks[t];
    for (const int other : near) rest = rest.Difference(kept[other].masks[t]);
    // Crumbs at another building's rim are no observation of this one.
    if (rest.Area() == track.masks[t].Area()) continue;
    if (rest.IsEmpty() || lost_too_much(track.masks[t].Area(), rest.Area())) {
      RemoveEdition(track, t);
    } else {
      track.masks[t] = std::move(rest);
    }
  }
  const int64_t left = TotalArea(track);
  return left > 0 && !lost_too_much(total, left);
}

}  // namespace

int64_t TotalArea(const Track& track) {
  int64_t area = 0;
  for (const Mask& mask : track.masks) area += mask.Area();
  return area;
}

cv::Rect TotalBounds(const Track& track) {
  cv::Rect bounds;
  for (const Mask& mask : track.masks) bounds |= mask.Bounds();
  return bounds;
}

int64_t SharedArea(const Track& a, const Track& b) {
  int64_t area = 0;
  for (size_t t = 0; t < a.masks.size(); ++t) {
    area += a.masks[t].IntersectionArea(b.masks[t]);
  }
  return area;
}

bool ComesBefore(const Track& a, const Track& b) {
  const auto first_pixel = [](const Track& track) {
    for (size_t t = 0; t < track.masks.size(); ++t) {
      if (track.masks[t].IsEmpty()) continue;
      const Run& run = track.masks[t].Runs().front();
      return std::tuple(run.row, run.begin, t);
    }
    return std::tuple(std::numeric_limits<int32_t>::max(), 0, size_t{0});
  };
  const auto first_a = first_pixel(a);
  const auto first_b = first_pixel(b);
  if (first_a != first_b) return first_a < first_b;
  for (size_t t = 0; t < a.masks.size(); ++t) {
    if (a.masks[t].Runs() != b.masks[t].Runs()) {
      return a.masks[t].Runs() < b.masks[t].Runs();
    }
  }
  return std::tie(a.score, a.presence, a.link) <
         std::tie(b.score, b.presence, b.link);
}

std::vector<Resolved> DropDuplicates(std::vector<Resolved> resolved,
                                     const StitchOptions& options) {
  // Larger ones first, since parts are what is to go.
  std::vector<std::pair<int64_t, Resolved>> by_area;
  for (Resolved& one : resolved) {
    const int64_t area = TotalArea(one.track);
    if (area < options.min_area_px) continue;
    by_area.emplace_back(area, std::move(one));
  }
  std::sort(by_area.begin(), by_area.end(), [](const auto& a, const auto& b) {
    if (a.second.is_sure != b.second.is_sure) return a.second.is_sure;
    if (a.first != b.first) return a.first > b.first;
    return ComesBefore(a.second.track, b.second.track);
  });
  std::vector<Resolved> kept;
  BoxIndex index;
  for (auto& [area, one] : by_area) {
    const cv::Rect bounds = TotalBounds(one.track);
    const double limit = options.max_cover * static_cast<double>(area);
    if (!one.is_sure &&
        IsCovered(one.track, limit, kept, index.Overlapping(bounds))) {
      continue;
    }
    index.Insert(static_cast<int>(kept.size()), bounds);
    kept.push_back(std::move(one));
  }
  return kept;
}

TrackSet SettleConflicts(std::vector<Resolved> resolved,
                         const StitchOptions& options) {
  std::sort(resolved.begin(), resolved.end(),
            [](const Resolved& a, const Resolved& b) {
              if (a.is_sure != b.is_sure) return a.is_sure;
              if (a.track.score != b.track.score) {
                return a.track.score > b.track.score;
              }
              return ComesBefore(a.track, b.track);
            });
  TrackSet kept;
  BoxIndex index;
  for (Resolved& one : resolved) {
    const std::vector<int> near = index.Overlapping(TotalBounds(one.track));
    if (!GiveWay(one.track, kept, near, options.max_loss)) continue;
    index.Insert(static_cast<int>(kept.size()), TotalBounds(one.track));
    kept.push_back(std::move(one.track));
  }
  std::sort(kept.begin(), kept.end(), ComesBefore);
  return kept;
}

}  // namespace mapweave::tracking
