// SPDX-License-Identifier: MIT
//
// Training clips out of YouTube-VIS JSON and the folder with its frames, as
// `synth videos`, `synth world` and other programs write them.
#pragma once

#include "pipelines/placed_clips.h"

#include <filesystem>

namespace mapweave::pipelines {

// True if the file is a YouTube-VIS document with truth (not GeoJSON, and not a
// list of results). Throws Error{kBadInput} for a .json file that is no JSON.
bool IsVideoLabels(const std::filesystem::path& path);

// Training clip i is a window of a video's frames, a pure function of the
// document, the options and i; a video is a place. Crowd regions are left
// unlabelled.
//
// `frames` is the folder that the names of the frames are relative to; that of
// the document if empty. Throws Error{kBadInput} naming the file: without a
// labelled building, a frame missing or of another size than the document says
// (looked at for the first frame of every video, then as clips are cut).
PlacedClips MakeVideoClips(const std::filesystem::path& document,
                           const std::filesystem::path& frames,
                           const PlacedClipOptions& options);

}  // namespace mapweave::pipelines
