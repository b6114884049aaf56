// SPDX-License-Identifier: MIT
//
// What is found out about the sheets once, before any clip is cut from them.
// Internal to synth.
#pragma once

#include "synth/video_look.h"
#include "synth/video_operators.h"
#include "synth/video_source.h"

#include <vector>

namespace mapweave::synth {

struct StockSheet {
  std::string name;
  cv::Mat rgb;                      // CV_8UC3
  cv::Mat coverage;                 // CV_8UC1, 1 = paper
  cv::Mat labels;                   // CV_32SC1: pseudo-instances from 1
  std::vector<cv::Rect> buildings;  // bounds of label k + 1
  ColourField colours;
  std::vector<Sprite> sprites;
};

// Throws Error{kBadInput} if the sheet is too small.
StockSheet MakeStockSheet(const MapSheet& sheet, const PseudoOptions& options);

// The square of `side` pixels around `centre`; what lies beyond the sheet is
// white and not covered.
Plate CutPlate(const StockSheet& sheet, cv::Point centre, int side);

}  // namespace mapweave::synth
