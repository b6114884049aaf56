// SPDX-License-Identifier: MIT
//
// Synthetic videos from a user's own scans: reading sheets without asking where
// on the ground they lie, and writing clips for other programs.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"
#include "synth/video_source.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct MapSheetOptions {
  // Sheets of more pixels are read in windows of this side.
  int64_t whole_sheet_px = 8'000'000;
  int window_px = 1024;
  // What the pixels of all sheets may take; of larger series, windows are drawn
  // at random, as many of each sheet.
  int memory_mb = 2048;
  int downsample = 1;
  uint64_t seed = 1;
  // Throws Error{kUsage} that names the option.
  void Validate() const;
};

// Georeferenced or not. Throws Error{kBadInput} naming the file that cannot be
// read.
std::vector<synth::MapSheet> ReadMapSheets(
    const std::vector<std::string>& paths, const MapSheetOptions& options,
    RunContext& context);

struct VideoSetOptions {
  std::vector<std::string> sheets;
  MapSheetOptions reading;
  synth::VideoOptions clips;
  int64_t count = 100;
  int threads = 1;
  // A folder, or a .json file whose folder takes the frames; empty: none.
  std::string output;
  std::string preview;  // a picture, or none
  int preview_clips = 64;
};

struct VideoSetReport {
  int64_t pseudo_instances = 0;
  int64_t clips = 0;
  int64_t tracks = 0;
  std::string annotations;
  std::string preview;
};

// Writes CLIP/FRAME.png and the annotations as YouTube-VIS JSON
// (annotations.json in the folder). Frames, clips and identities are the same
// for any number of threads. Throws what ReadMapSheets and
// synth::VideoClipSource throw, and Error{kUsage} if there is nothing to write.
VideoSetReport WriteVideoSet(const VideoSetOptions& options,
                             Overwrite overwrite, RunContext& context);

Json ToJson(const VideoSetReport& report);

}  // namespace mapweave::pipelines
