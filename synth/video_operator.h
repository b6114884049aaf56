// SPDX-License-Identifier: MIT
//
// What synthetic videos do to the buildings of an unlabelled sheet.
#pragma once

#include <vector>

namespace mapweave::synth {

enum class VideoOperator {
  kShift,      // moved by some pixels
  kAppear,     // a building from elsewhere on free ground
  kDisappear,  // ground in its place
  kEnlarge,
  kReduce,
  kReshape,  // a corner taken off or a wing added
  kMerge,    // with a neighbour
  kSplit,    // by a wall or a gap
  kReplace,  // by another building: a new identity
  kRedraw,   // the same building, its outline a little different
  // Decoys: the traces of the above where the truth does not change.
  kPutBack,      // taken out, the ground filled, and put back
  kGroundPatch,  // ground over ground
  // As published for MapSAM2: no care is taken that they do not show.
  kBlackBlock,    // a black rectangle appears
  kFlatFill,      // filled with the mean colour around
  kBlockOverlap,  // a black rectangle over part of a building
  kBlackMerge,    // two neighbours and a black bridge between them
};

const char* VideoOperatorName(VideoOperator op);
std::vector<VideoOperator> AllVideoOperators();
bool IsDecoy(VideoOperator op);

}  // namespace mapweave::synth
