// SPDX-License-Identifier: MIT
//
// A small network that says of a window of a map sheet how much it looks like
// the simulated defects that it was trained on, so that a person can look at
// the worst places first. It ranks; it is no judge. No Torch here.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/pretrain.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct WindowScore {
  // One less the probability of being sound, in [0, 1], as among windows of
  // which half are damaged.
  double score = 0.0;
  std::string kind;  // the likeliest defect
};

class SheetProbe {
 public:
  // Reads what TrainSheetProbe wrote. `device` as vis::ResolveDevice takes it.
  // Throws Error{kDevice} naming the file.
  static SheetProbe Load(const std::filesystem::path& path,
                         const std::string& device);
  ~SheetProbe();
  SheetProbe(SheetProbe&&) noexcept;
  SheetProbe& operator=(SheetProbe&&) noexcept;

  int WindowPx() const;
  const std::vector<std::string>& Kinds() const;
  // How it was trained.
  const Json& Training() const;
  // One for each window: CV_8UC3, R, G, B, WindowPx() square. A window's score
  // depends on its pixels alone. Throws Error{kBadInput} for others.
  std::vector<WindowScore> Score(const std::vector<cv::Mat>& windows) const;

 private:
  struct Impl;
  explicit SheetProbe(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SheetProbeOptions {
  int window_px = 64;  // a multiple of 8
  int64_t width = 12;  // of the ResNet-18's first stage
  int64_t steps = 2500;
  int64_t batch = 64;
  double learning_rate = 3e-3;
  uint64_t seed = 1;
  std::string device = "cpu";
  std::string output;  // .safetensors

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct SheetProbeReport {
  int64_t images = 0;
  int64_t parameters = 0;
  int64_t steps = 0;
  double seconds = 0.0;
  double loss = 0.0;
  // On the held-out images: area under the ROC curve of sound windows against
  // all damaged ones, and against each kind.
  double auroc = 0.0;
  std::map<std::string, double> auroc_of;
  // The score that one in a hundred sound windows exceeds.
  double score_of_1_percent = 0.0;
};

// Trains on windows cut from `sound`, half of which get a defect anew at every
// step, and writes options.output. Images are squares larger than a window; a
// view shows 0.8 to 1.25 windows' lengths of them. Throws what
// options.Validate, Pretrain and TrainMethod throw.
SheetProbeReport TrainSheetProbe(const ImageSource& sound,
                                 const ImageSource& held_out,
                                 const SheetProbeOptions& options,
                                 RunContext& context);

// What a probe learns to tell, as a picture: in each row sound windows, then
// those with one kind of defect. CV_8UC3, R, G, B.
cv::Mat DrawWindowPreview(const ImageSource& sound,
                          const SheetProbeOptions& options);

}  // namespace mapweave::ssl
