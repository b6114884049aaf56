// SPDX-License-Identifier: MIT
//
// YouTube-VIS JSON. What is read can be written and read again.
#include "tracking/youtube_vis.h"

#include "core/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mapweave::fuzz::Feed([&] {
    const mapweave::Json json =
        mapweave::ParseJson(mapweave::fuzz::TextOf(data, size), "input.json");
    const auto document =
        mapweave::tracking::FromYoutubeVis(json, "input.json");
    mapweave::tracking::FromYoutubeVis(
        mapweave::tracking::ToYoutubeVis(document), "written.json");
  });
  return 0;
}
