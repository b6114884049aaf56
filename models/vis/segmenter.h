// SPDX-License-Identifier: MIT
//
// The interface that both network families share: a clip in, tracks out. No
// Torch here, so that its users do not pay for Torch headers.
#pragma once

#include "core/json.h"
#include "tracking/clip.h"
#include "tracking/succession.h"

#include <memory>
#include <string>
#include <vector>

namespace mapweave::vis {

struct Segmentation {
  // In the clip's pixel frame, ordered by their first mask's first pixel.
  tracking::TrackSet tracks;
  // What a learned linker thinks of drawings that may come one of the other;
  // empty without one.
  std::vector<tracking::Relation> relations;
  // Of them the network took so long, with its device's answers back; the rest
  // went into reading instances off them and linking.
  double network_seconds = 0.0;
};

class Segmenter {
 public:
  virtual ~Segmenter() = default;
  // T from 1 upward, any size. Pixels outside the coverage never belong to a
  // mask. Not thread-safe: one Segmenter per thread (see Clone).
  virtual Segmentation Segment(const tracking::Clip& clip) = 0;
  // Another segmenter that shares the weights.
  virtual std::unique_ptr<Segmenter> Clone() const = 0;
};

// What a checkpoint file says of itself.
struct CheckpointInfo {
  std::string family;  // "dense"
  std::string preset;  // "small"
  Json config;         // the header's whole configuration
  int64_t parameters = 0;
};

struct SegmenterOptions {
  std::string device = "cpu";      // "cpu" or "cuda[:N]" (see ResolveDevice)
  std::string precision = "auto";  // see ResolvePrecision
  // In how many of the eight symmetries of the square a window is looked at;
  // what the network says of them is averaged. 1, 2, 4 or 8. More find a little
  // more and cost as many times as much. Only the dense family takes more than
  // one.
  int looks = 1;
  // In [1, 3]. Above 1, a window is also looked at magnified so many times,
  // which finds smaller buildings; likewise of the dense family alone.
  double zoom = 1.0;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// Loads a safetensors checkpoint written by the trainer. Throws Error{kDevice}
// naming the file if it is not a checkpoint of ours, is damaged, or its tensors
// do not fit, Error{kUsage} for options that its family does not have.
std::unique_ptr<Segmenter> LoadSegmenter(const std::string& path,
                                         const SegmenterOptions& options = {});
CheckpointInfo InspectCheckpoint(const std::string& path);

// "auto" becomes "cuda:0" or "cpu"; an explicit device that is not there is
// Error{kDevice}, never a silent fallback.
std::string ResolveDevice(const std::string& requested);
// What convolutions compute in, "bf16" or "fp32". "auto" becomes bf16 where the
// device has it, which is nearly twice as fast on such a CPU and moves scores
// by about a hundredth; "bf16" that is not there is Error{kDevice}.
std::string ResolvePrecision(const std::string& requested,
                             const std::string& device);
// One line per usable device, for `mapweave info`.
std::vector<std::string> ListDevices();

// Version of LibTorch.
std::string TorchVersion();

// Threads of the arithmetic in training. Segmenters compute in the calling
// thread alone, whatever is set here, so that their results do not depend on
// it: run windows side by side, each with a Clone of its own.
void SetTorchThreads(int threads);

}  // namespace mapweave::vis
