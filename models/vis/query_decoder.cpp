// SPDX-License-Identifier: MIT
#include "models/vis/query_decoder.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace mapweave::vis {
namespace {

using tracking::Mask;
using tracking::Track;
using tracking::TrackSet;

void CheckRange(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorCode::kUsage, std::string("decoding option ") + name +
                                     " is " + std::to_string(value) +
                                     ", must be " + std::to_string(low) +
                                     " to " + std::to_string(high));
}

// Links from each edition with a mask to the next one with a mask.
void FillLinks(Track& track) {
  track.link.assign(track.masks.size(), 0.0f);
  size_t from = track.masks.size();
  for (size_t t = 0; t < track.masks.size(); ++t) {
    if (track.masks[t].IsEmpty()) continue;
    if (from < t) track.link[from] = track.presence[from] * track.presence[t];
    from = t;
  }
}

bool IsEmpty(const Track& track) {
  return std::all_of(track.masks.begin(), track.masks.end(),
                     [](const Mask& mask) { return mask.IsEmpty(); });
}

// The track that one query stands for; without masks if it shows nothing.
Track ShownTrack(const QueryTrack& query, const QueryDecodeOptions& options) {
  Track track;
  double certainty = 0.0;
  double area = 0.0;
  for (size_t t = 0; t < query.masks.size(); ++t) {
    const bool shown =
        static_cast<double>(query.presence[t]) >= options.min_presence &&
        query.masks[t].Area() >= options.min_area_px;
    track.masks.push_back(shown ? query.masks[t] : Mask());
    track.presence.push_back(query.presence[t]);
    const auto pixels = static_cast<double>(track.masks[t].Area());
    certainty += pixels * static_cast<double>(query.certainty[t]);
    area += pixels;
  }
  if (area > 0.0) {
    track.score =
        static_cast<float>(static_cast<double>(query.building) *
                           std::pow(certainty / area, options.mask_weight));
  }
  return track;
}

bool MayOverlap(const Track& a, const Track& b) {
  for (size_t t = 0; t < a.masks.size(); ++t) {
    if ((a.masks[t].Bounds() & b.masks[t].Bounds()).area() > 0) return true;
  }
  return false;
}

// `tracks` from the best to the worst.
TrackSet WithoutOverlaps(TrackSet tracks, const QueryDecodeOptions& options) {
  TrackSet kept;
  for (Track& track : tracks) {
    std::vector<const Track*> near;
    for (const Track& better : kept) {
      if (MayOverlap(track, better)) near.push_back(&better);
    }
    if (std::any_of(near.begin(), near.end(), [&](const Track* better) {
          return SpatioTemporalIoU(track, *better) > options.max_overlap;
        })) {
      continue;
    }
    for (const Track* better : near) {
      for (size_t t = 0; t < track.masks.size(); ++t) {
        track.masks[t] = track.masks[t].Difference(better->masks[t]);
        if (track.masks[t].Area() < options.min_area_px) {
          track.masks[t] = Mask();
        }
      }
    }
    if (!IsEmpty(track)) kept.push_back(std::move(track));
  }
  return kept;
}

// Edition, row and column of the first pixel.
std::tuple<size_t, int32_t, int32_t> FirstPixel(const Track& track) {
  for (size_t t = 0; t < track.masks.size(); ++t) {
    if (track.masks[t].IsEmpty()) continue;
    const tracking::Run& run = track.masks[t].Runs().front();
    return {t, run.row, run.begin};
  }
  return {track.masks.size(), 0, 0};
}

}  // namespace

void QueryDecodeOptions::Validate() const {
  CheckRange("min_score", min_score, 0.0, 1.0);
  CheckRange("min_presence", min_presence, 0.0, 1.0);
  CheckRange("min_area_px", min_area_px, 1, 1e6);
  CheckRange("max_overlap", max_overlap, 0.0, 1.0);
  CheckRange("mask_weight", mask_weight, 0.0, 4.0);
}

Json QueryDecodeOptions::ToJson() const {
  return {{"min_score", min_score},
          {"min_presence", min_presence},
          {"min_area_px", min_area_px},
          {"max_overlap", max_overlap},
          {"mask_weight", mask_weight}};
}

QueryDecodeOptions QueryDecodeOptions::FromJson(
    const Json& json, const QueryDecodeOptions& defaults) {
  QueryDecodeOptions options = defaults;
  const auto read = [&json](const char* key, auto& value) {
    if (!json.contains(key)) return;
    if (!json[key].is_number()) {
      throw Error(ErrorCode::kBadInput,
                  std::string("decoding option \"") + key + "\" is no number");
    }
    json[key].get_to(value);
  };
  read("min_score", options.min_score);
  read("min_presence", options.min_presence);
  read("min_area_px", options.min_area_px);
  read("max_overlap", options.max_overlap);
  read("mask_weight", options.mask_weight);
  options.Validate();
  return options;
}

TrackSet TracksFromQueries(const std::vector<QueryTrack>& queries,
                           const QueryDecodeOptions& options) {
  TrackSet tracks;
  for (const QueryTrack& query : queries) {
    Track track = ShownTrack(query, options);
    if (!IsEmpty(track)) tracks.push_back(std::move(track));
  }
  std::stable_sort(
      tracks.begin(), tracks.end(),
      [](const Track& a, const Track& b) { return a.score > b.score; });
  if (options.max_overlap < 1.0) {
    tracks = WithoutOverlaps(std::move(tracks), options);
  }
  for (Track& track : tracks) FillLinks(track);
  std::stable_sort(tracks.begin(), tracks.end(),
                   [](const Track& a, const Track& b) {
                     return FirstPixel(a) < FirstPixel(b);
                   });
  return tracks;
}

}  // namespace mapweave::vis
