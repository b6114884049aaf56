// SPDX-License-Identifier: MIT
#include "tracking/youtube_vis.h"

#include "core/error.h"
#include "tracking/coco_rle.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr const char* kCategory = "building";
constexpr const char* kOwn = "mapweave";
constexpr int64_t kMaxFrames = 100000;
constexpr int64_t kMaxId = std::numeric_limits<int64_t>::max();

// ---- Writing ----

// Null for a mask without pixels.
Json SegmentationToJson(const Mask& mask, cv::Size size) {
  if (mask.IsEmpty()) return nullptr;
  return {{"size", {size.height, size.width}},
          {"counts", PackRleCounts(RleCounts(mask, size))}};
}

std::vector<Mask> ClippedTo(const VisVideo& video, const Track& track) {
  std::vector<Mask> masks;
  for (const Mask& mask : track.masks) {
    masks.push_back(mask.Clipped({0, 0, video.size.width, video.size.height}));
  }
  return masks;
}

bool IsSeen(const std::vector<Mask>& masks) {
  for (const Mask& mask : masks) {
    if (!mask.IsEmpty()) return true;
  }
  return false;
}

Json SegmentationsToJson(const std::vector<Mask>& masks, cv::Size size) {
  Json segmentations = Json::array();
  for (const Mask& mask : masks) {
    segmentations.push_back(SegmentationToJson(mask, size));
  }
  return segmentations;
}

Json AnnotationToJson(const VisVideo& video, const std::vector<Mask>& masks) {
  Json areas = Json::array();
  Json boxes = Json::array();
  for (const Mask& mask : masks) {
    if (mask.IsEmpty()) {
      areas.push_back(nullptr);
      boxes.push_back(nullptr);
      continue;
    }
    const cv::Rect box = mask.Bounds();
    areas.push_back(mask.Area());
    boxes.push_back({box.x, box.y, box.width, box.height});
  }
  return {{"width", video.size.width},
          {"height", video.size.height},
          {"length", video.frames.size()},
          {"segmentations", SegmentationsToJson(masks, video.size)},
          {"areas", std::move(areas)},
          {"bboxes", std::move(boxes)}};
}

void CheckVideo(const VisVideo& video, std::set<int64_t>& ids) {
  const auto bad = [&](const std::string& fault) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("video {}: {}", video.id, fault));
  };
  if (video.id < 1) bad("ids run from 1");
  if (!ids.insert(video.id).second) bad("two videos of one id");
  const size_t frames = video.frames.size();
  if (!video.editions.empty() && video.editions.size() != frames) {
    bad(fmt::format("{} edition labels for {} frames", video.editions.size(),
                    frames));
  }
  if (!video.track_ids.empty() &&
      video.track_ids.size() != video.tracks.size()) {
    bad(fmt::format("{} track ids for {} tracks", video.track_ids.size(),
                    video.tracks.size()));
  }
  for (const TrackSet* set : {&video.tracks, &video.crowds}) {
    for (const Track& track : *set) {
      if (track.masks.size() != frames) {
        bad(fmt::format("a track over {} frames of {}", track.masks.size(),
                        frames));
      }
    }
  }
}

// annotation_ids[i]: of track i; none for one that is nowhere seen.
Json LineageToJson(const VisVideo& video,
                   const std::vector<std::optional<int64_t>>& annotation_ids) {
  Json rows = Json::array();
  const auto end = [&](const std::optional<size_t>& track) {
    return track ? annotation_ids.at(*track) : std::nullopt;
  };
  for (const LineageEvent& event : video.lineage) {
    const std::optional<int64_t> from = end(event.from_track);
    const std::optional<int64_t> to = end(event.to_track);
    if (event.from_track.has_value() != from.has_value() ||
        event.to_track.has_value() != to.has_value()) {
      continue;
    }
    rows.push_back({{"kind", LineageKindName(event.kind)},
                    {"from", from ? Json(*from) : Json()},
                    {"to", to ? Json(*to) : Json()},
                    {"from_frame", event.from_edition},
                    {"to_frame", event.to_edition},
                    {"probability", event.probability}});
  }
  return rows;
}

// ---- Reading ----

// What `read` refuses is refused with the place.
template <typename Read>
auto ReadAt(const JsonPlace& place, Read read) {
  try {
    return read();
  } catch (const Error& fault) {
    place.Throw("has " + fault.Message(), fault.Hint());
  }
}

int ReadSide(const JsonPlace& object, const char* key) {
  return static_cast<int>(object.At(key).Integer(1, kMaxFrameSide));
}

std::vector<std::string> ReadTexts(const JsonPlace& list) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < list.Size(); ++i) {
    texts.push_back(list.At(i).Text());
  }
  return texts;
}

Mask ReadPolygons(const JsonPlace& list, cv::Size size) {
  Mask mask;
  for (size_t i = 0; i < list.Size(); ++i) {
    const JsonPlace polygon = list.At(i);
    std::vector<double> coordinates;
    for (size_t k = 0; k < polygon.Size(); ++k) {
      coordinates.push_back(polygon.At(k).Number());
    }
    mask = mask.Union(ReadAt(
        polygon, [&] { return MaskFromCocoPolygon(coordinates, size); }));
  }
  return mask;
}

Mask ReadSegmentation(const JsonPlace& place, cv::Size size) {
  if (place.IsNull()) return {};
  if (place.IsArray()) return ReadPolygons(place, size);
  const JsonPlace sides = place.At("size");
  if (sides.Size() != 2 || sides.At(0).Integer() != size.height ||
      sides.At(1).Integer() != size.width) {
    sides.Throw(fmt::format("should be the video's [height, width], [{}, {}]",
                            size.height, size.width));
  }
  const JsonPlace counts = place.At("counts");
  std::vector<uint32_t> lengths;
  if (counts.IsText()) {
    lengths = ReadAt(counts, [&] { return UnpackRleCounts(counts.Text()); });
  } else {
    for (size_t i = 0; i < counts.Size(); ++i) {
      lengths.push_back(static_cast<uint32_t>(
          counts.At(i).Integer(0, std::numeric_limits<uint32_t>::max())));
    }
  }
  return ReadAt(counts, [&] { return MaskFromRleCounts(lengths, size); });
}

Track ReadTrack(const JsonPlace& object, const VisVideo& video, float score) {
  const JsonPlace list = object.At("segmentations");
  if (list.Size() != video.frames.size()) {
    list.Throw(fmt::format("has {} items for {} frames", list.Size(),
                           video.frames.size()));
  }
  std::vector<Mask> masks;
  for (size_t t = 0; t < list.Size(); ++t) {
    masks.push_back(ReadSegmentation(list.At(t), video.size));
  }
  return TrackAsDrawn(std::move(masks), score);
}

int64_t ReadCategory(const JsonPlace& categories) {
  std::optional<int64_t> ours;
  for (size_t i = 0; i < categories.Size(); ++i) {
    const JsonPlace category = categories.At(i);
    const int64_t id = category.At("id").Integer();
    if (categories.Size() == 1 || category.At("name").Text() == kCategory) {
      ours = id;
    }
  }
  if (!ours) {
    categories.Throw(
        fmt::format("has {} categories and none named \"{}\"",
                    categories.Size(), kCategory),
        "Keep one category, or name the one to compare \"building\".");
  }
  return *ours;
}

VisVideo ReadVideo(const JsonPlace& place) {
  VisVideo video;
  video.id = place.At("id").Integer(0, kMaxId);
  video.size = {ReadSide(place, "width"), ReadSide(place, "height")};
  if (place.Has("file_names")) {
    video.frames = ReadTexts(place.At("file_names"));
  } else {
    video.frames.resize(
        static_cast<size_t>(place.At("length").Integer(0, kMaxFrames)));
  }
  if (place.Has(kOwn) && place.At(kOwn).Has("editions")) {
    const JsonPlace editions = place.At(kOwn).At("editions");
    video.editions = ReadTexts(editions);
    if (video.editions.size() != video.frames.size()) {
      editions.Throw(fmt::format("has {} labels for {} frames",
                                 video.editions.size(), video.frames.size()));
    }
  }
  return video;
}

// What an annotation's id stands for.
struct TrackPlace {
  size_t video = 0;
  size_t track = 0;
};

class DocumentReader {
 public:
  explicit DocumentReader(const JsonPlace& root) : root_(root) {}

  VisDocument Read() {
    if (root_.Has("info") && root_.At("info").Has("description")) {
      document_.description = root_.At("info").At("description").Text();
    }
    document_.category_id = ReadCategory(root_.At("categories"));
    const JsonPlace videos = root_.At("videos");
    for (size_t i = 0; i < videos.Size(); ++i) {
      const VisVideo& video =
          document_.videos.emplace_back(ReadVideo(videos.At(i)));
      if (!video_of_id_.emplace(video.id, i).second) {
        videos.At(i).At("id").Throw("is that of another video, too");
      }
    }
    const JsonPlace annotations = root_.At("annotations");
    for (size_t i = 0; i < annotations.Size(); ++i) {
      ReadAnnotation(annotations.At(i));
    }
    for (size_t i = 0; i < videos.Size(); ++i) {
      ReadLineage(videos.At(i), i);
      CompleteTrackIds(document_.videos[i]);
    }
    return std::move(document_);
  }

 private:
  void ReadAnnotation(const JsonPlace& place) {
    if (place.At("category_id").Integer() != document_.category_id) {
      ++document_.other_annotations;
      return;
    }
    const JsonPlace video_id = place.At("video_id");
    const auto found = video_of_id_.find(video_id.Integer());
    if (found == video_of_id_.end()) video_id.Throw("is that of no video");
    VisVideo& video = document_.videos[found->second];
    Track track = ReadTrack(place, video, 1.0f);
    if (place.Has("iscrowd") && place.At("iscrowd").Integer(0, 1) == 1) {
      video.crowds.push_back(std::move(track));
      return;
    }
    const int64_t id = place.At("id").Integer(0, kMaxId);
    const TrackPlace at = {found->second, video.tracks.size()};
    if (!track_of_id_.emplace(id, at).second) {
      place.At("id").Throw("is that of another annotation, too");
    }
    video.tracks.push_back(std::move(track));
    if (place.Has(kOwn) && place.At(kOwn).Has("track_id")) {
      video.track_ids.resize(video.tracks.size());
      video.track_ids.back() = place.At(kOwn).At("track_id").Text();
    }
  }

  // One for each track, or none at all.
  static void CompleteTrackIds(VisVideo& video) {
    if (!video.track_ids.empty()) video.track_ids.resize(video.tracks.size());
  }

  void ReadLineage(const JsonPlace& place, size_t video) {
    if (!place.Has(kOwn) || !place.At(kOwn).Has("lineage")) return;
    const JsonPlace rows = place.At(kOwn).At("lineage");
    const auto frames =
        static_cast<int64_t>(document_.videos[video].frames.size());
    for (size_t i = 0; i < rows.Size(); ++i) {
      const JsonPlace row = rows.At(i);
      LineageEvent event;
      const JsonPlace kind = row.At("kind");
      event.kind = ReadAt(kind, [&] { return ParseLineageKind(kind.Text()); });
      event.from_track = ReadEnd(row.At("from"), video);
      event.to_track = ReadEnd(row.At("to"), video);
      event.from_edition =
          static_cast<size_t>(row.At("from_frame").Integer(0, frames - 1));
      event.to_edition =
          static_cast<size_t>(row.At("to_frame").Integer(0, frames - 1));
      event.probability = row.At("probability").Number();
      document_.videos[video].lineage.push_back(std::move(event));
    }
  }

  std::optional<size_t> ReadEnd(const JsonPlace& place, size_t video) const {
    if (place.IsNull()) return std::nullopt;
    const auto found = track_of_id_.find(place.Integer());
    if (found == track_of_id_.end() || found->second.video != video) {
      place.Throw("is the id of no annotation of this video");
    }
    return found->second.track;
  }

  const JsonPlace& root_;
  VisDocument document_;
  std::map<int64_t, size_t> video_of_id_;
  std::map<int64_t, TrackPlace> track_of_id_;
};

}  // namespace

Json ToYoutubeVis(const VisDocument& document) {
  Json videos = Json::array();
  Json annotations = Json::array();
  std::set<int64_t> ids;
  int64_t next_id = 1;
  const auto add = [&](const VisVideo& video, const Track& track,
                       bool is_crowd) -> std::optional<int64_t> {
    const std::vector<Mask> masks = ClippedTo(video, track);
    if (!IsSeen(masks)) return std::nullopt;
    Json annotation = {{"id", next_id},
                       {"video_id", video.id},
                       {"category_id", document.category_id},
                       {"iscrowd", is_crowd ? 1 : 0}};
    annotation.update(AnnotationToJson(video, masks));
    annotations.push_back(std::move(annotation));
    return next_id++;
  };
  for (const VisVideo& video : document.videos) {
    CheckVideo(video, ids);
    std::vector<std::optional<int64_t>> annotation_ids;
    for (size_t i = 0; i < video.tracks.size(); ++i) {
      annotation_ids.push_back(add(video, video.tracks[i], false));
      if (annotation_ids.back() && !video.track_ids.empty()) {
        annotations.back()[kOwn] = {{"track_id", video.track_ids[i]}};
      }
    }
    for (const Track& crowd : video.crowds) add(video, crowd, true);
    Json entry = {{"id", video.id},
                  {"width", video.size.width},
                  {"height", video.size.height},
                  {"length", video.frames.size()},
                  {"file_names", video.frames}};
    if (!video.editions.empty()) entry[kOwn]["editions"] = video.editions;
    if (!video.lineage.empty()) {
      entry[kOwn]["lineage"] = LineageToJson(video, annotation_ids);
    }
    videos.push_back(std::move(entry));
  }
  const Json category = {{"id", document.category_id},
                         {"name", kCategory},
                         {"supercategory", kCategory}};
  return {{"info", {{"description", document.description}}},
          {"categories", Json::array({category})},
          {"videos", std::move(videos)},
          {"annotations", std::move(annotations)}};
}

VisDocument FromYoutubeVis(const Json& json, const std::string& origin) {
  const JsonPlace root(json, origin);
  return DocumentReader(root).Read();
}

bool IsYoutubeVis(const Json& json) {
  return json.is_object() && json.contains("videos") &&
         json.contains("annotations");
}

bool IsYoutubeVisResults(const Json& json) {
  return json.is_array() &&
         (json.empty() ||
          (json[0].is_object() && json[0].contains("video_id") &&
           json[0].contains("segmentations")));
}

Json ToYoutubeVisResults(const VisDocument& document) {
  Json results = Json::array();
  for (const VisVideo& video : document.videos) {
    for (const Track& track : video.tracks) {
      const std::vector<Mask> masks = ClippedTo(video, track);
      if (!IsSeen(masks)) continue;
      results.push_back(
          {{"video_id", video.id},
           {"score", track.score},
           {"category_id", document.category_id},
           {"segmentations", SegmentationsToJson(masks, video.size)}});
    }
  }
  return results;
}

VisDocument FromYoutubeVisResults(const Json& json, const VisDocument& truth,
                                  const std::string& origin) {
  VisDocument predicted;
  predicted.category_id = truth.category_id;
  std::map<int64_t, size_t> video_of_id;
  for (const VisVideo& video : truth.videos) {
    video_of_id.emplace(video.id, predicted.videos.size());
    VisVideo& copy = predicted.videos.emplace_back();
    copy.id = video.id;
    copy.size = video.size;
    copy.frames = video.frames;
    copy.editions = video.editions;
  }
  const JsonPlace results(json, origin);
  for (size_t i = 0; i < results.Size(); ++i) {
    const JsonPlace result = results.At(i);
    const JsonPlace video_id = result.At("video_id");
    const auto found = video_of_id.find(video_id.Integer());
    if (found == video_of_id.end()) {
      video_id.Throw("is that of no video of the truth",
                     "Compare predictions with the truth of the same videos.");
    }
    if (result.At("category_id").Integer() != truth.category_id) {
      ++predicted.other_annotations;
      continue;
    }
    VisVideo& video = predicted.videos[found->second];
    video.tracks.push_back(ReadTrack(
        result, video, static_cast<float>(result.At("score").Number())));
  }
  return predicted;
}

}  // namespace mapweave::tracking
