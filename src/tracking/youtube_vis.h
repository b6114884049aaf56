// SPDX-License-Identifier: MIT
//
// Tracks as YouTube-VIS JSON (Yang et al., ICCV 2019; the annotation and result
// format of its challenge), which other programs for video instance
// segmentation read and write. A frame is an edition, a video a clip or a whole
// series; the one category is "building".
//
// Written and read: videos {id, width, height, length, file_names}, categories,
// annotations {id, video_id, category_id, iscrowd, width, height, length,
// segmentations, areas, bboxes} with ids from 1. A segmentation is a run-length
// code, column by column, {"size": [height, width], "counts": packed text or a
// list}, or null where the object is not seen; polygons are read, too, by
// COCO's rule. An empty mask is written as null and read as absent.
//
// What the format has no place for goes into objects named "mapweave", which
// other programs ignore:
//   video: "editions": labels of the frames; "lineage": list of
//     {"kind", "from", "to": annotation ids or null, "from_frame", "to_frame":
//     from 0, "probability"}
//   annotation: "track_id": the building's id in the project file
#pragma once

#include "core/json.h"
#include "tracking/lineage.h"
#include "tracking/track.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::tracking {

struct VisVideo {
  // Unique, from 1.
  int64_t id = 1;
  cv::Size size;
  // One per frame, relative to a folder that the document does not name.
  std::vector<std::string> frames;
  // Labels, one per frame, or none.
  std::vector<std::string> editions;
  // One mask per frame, in pixels of the frame.
  TrackSet tracks;
  // Ids in the project file, one per track, or none.
  std::vector<std::string> track_ids;
  // Positions are those of `tracks` and `frames`; no evidence.
  std::vector<LineageEvent> lineage;
  // Regions of many objects ("iscrowd"), which are no single building.
  TrackSet crowds;
};

struct VisDocument {
  std::string description;  // "info"
  std::vector<VisVideo> videos;
  // Of "building" in the document.
  int64_t category_id = 1;
  // Annotations of other categories, which reading leaves out.
  int64_t other_annotations = 0;
};

// Masks are cut at the frame's edge. A track that is then seen on no frame is
// left out, with its lineage. Throws Error{kBadInput} if lists differ in length
// or ids are not unique.
Json ToYoutubeVis(const VisDocument& document);

// The category that is read is the only one of the document, else the one named
// "building". Tracks are in the order of the annotations, with presence and
// link as drawn and score 1. Throws Error{kBadInput} naming `origin` and the
// place of the fault.
VisDocument FromYoutubeVis(const Json& json, const std::string& origin);

// True if the document looks like one for FromYoutubeVis or
// FromYoutubeVisResults, so that a reader of several formats can choose.
bool IsYoutubeVis(const Json& json);
bool IsYoutubeVisResults(const Json& json);

// Predictions: the challenge's results.json, a list of {video_id, score,
// category_id, segmentations}. Tracks of `document` in their order.
Json ToYoutubeVisResults(const VisDocument& document);

// The videos of `truth` with the predicted tracks in place of the true ones.
// Predictions of another category than the truth's are left out. Throws
// Error{kBadInput} as FromYoutubeVis, and on a video that the truth lacks.
VisDocument FromYoutubeVisResults(const Json& json, const VisDocument& truth,
                                  const std::string& origin);

}  // namespace mapweave::tracking
