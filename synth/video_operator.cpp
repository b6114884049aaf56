// SPDX-License-Identifier: MIT
#include "synth/video_operator.h"

#include <array>
#include <utility>

namespace mapweave::synth {
namespace {

constexpr std::array<std::pair<VideoOperator, const char*>, 16> kNames = {{
    {VideoOperator::kShift, "shift"},
    {VideoOperator::kAppear, "appear"},
    {VideoOperator::kDisappear, "disappear"},
    {VideoOperator::kEnlarge, "enlarge"},
    {VideoOperator::kReduce, "reduce"},
    {VideoOperator::kReshape, "reshape"},
    {VideoOperator::kMerge, "merge"},
    {VideoOperator::kSplit, "split"},
    {VideoOperator::kReplace, "replace"},
    {VideoOperator::kRedraw, "redraw"},
    {VideoOperator::kPutBack, "put-back"},
    {VideoOperator::kGroundPatch, "ground-patch"},
    {VideoOperator::kBlackBlock, "black-block"},
    {VideoOperator::kFlatFill, "flat-fill"},
    {VideoOperator::kBlockOverlap, "block-overlap"},
    {VideoOperator::kBlackMerge, "black-merge"},
}};

}  // namespace

const char* VideoOperatorName(VideoOperator op) {
  for (const auto& [value, name] : kNames)
    if (value == op) return name;
  return "";
}

bool IsDecoy(VideoOperator op) {
  return op == VideoOperator::kPutBack || op == VideoOperator::kGroundPatch;
}

std::vector<VideoOperator> AllVideoOperators() {
  std::vector<VideoOperator> all;
  for (const auto& [op, name] : kNames) all.push_back(op);
  return all;
}

}  // namespace mapweave::synth
