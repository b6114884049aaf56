// SPDX-License-Identifier: MIT
//
// Self-supervised training and probing from images to files, for callers that
// know nothing of tensors. No Torch here, so that they do not pay for its
// headers.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/ssl/measure.h"

#include <opencv2/core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::ssl {

struct ImageSample {
  cv::Mat rgb;         // CV_8UC3, R, G, B; all of a source are of one size
  int64_t label = -1;  // in [0, classes), or -1 = unknown
};

// Where images come from is the caller's affair.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual int64_t Size() const = 0;
  // A pure function of the index in [0, Size()).
  virtual ImageSample Get(int64_t index) const = 0;
};

struct PretrainOptions {
  std::string method = "simclr";  // one of MethodNames()
  std::string encoder = "trunk";  // one of EncoderNames()
  int64_t patch_px = 8;           // of vision transformers
  double mask_ratio = 0.75;       // of "mae": share of the patches hidden,
  int64_t mask_block = 1;         // in squares of so many patches on a side
  int64_t steps = 1000;
  int64_t batch = 64;
  double learning_rate = 1e-3;
  std::string schedule = "cosine";
  std::string optimiser = "adamw";
  double weight_decay = 0.05;
  uint64_t seed = 1;
  std::string device = "cpu";  // see vis::ResolveDevice
  // Where the encoder goes (safetensors); the state that `resume` needs lies
  // beside it in OUTPUT.state. A trunk's file starts `mapweave train --init`.
  std::string output;
  bool resume = false;
};

struct PretrainReport {
  int64_t images = 0;
  int64_t steps = 0;
  double seconds = 0.0;
  double loss = 0.0;
  Json config;  // all that decides the result
  std::vector<Measure> measures;
};

struct MethodSummary {
  std::string name;
  std::string summary;
  std::string source;
};
std::vector<MethodSummary> MethodSummaries();
std::vector<std::string> MethodNames();
std::vector<std::string> EncoderNames();

// Trains on `images` and writes options.output. All images are held in memory.
// Throws Error{kUsage} for impossible options, Error{kBadInput} for images of
// unequal sizes or too few of them, Error{kInterrupted} after saving the state,
// Error{kFailure} when the loss is no longer a number, Error{kDevice}.
PretrainReport Pretrain(const ImageSource& images,
                        const PretrainOptions& options, RunContext& context);

// What the probes said of one test image.
struct ProbeAnswer {
  int64_t label = 0;
  int64_t linear = 0;
  int64_t knn = 0;
};

struct ProbeReport {
  std::string encoder;
  int64_t width = 0;
  int64_t train_images = 0;
  int64_t test_images = 0;
  double knn_accuracy = 0.0;
  double linear_accuracy = 0.0;
  // Of the training images; 0 where there are no more images than dimensions.
  double rankme = 0.0;
  std::vector<ProbeAnswer>
      answers;  // one per test image, which all have labels
};

// What a checkpoint says of its encoder.
struct EncoderFacts {
  std::string kind;
  Json training = Json::object();  // as Pretrain's configuration; or empty
};
// Throws Error{kDevice} naming the file if it is no encoder.
EncoderFacts DescribeEncoder(const std::string& checkpoint);

// How well the labels of `test` are read off the frozen encoder's embeddings by
// probes that saw `train`. An empty path probes an encoder `kind` with random
// weights of `seed`, as the control.
struct ProbeOptions {
  std::string checkpoint;
  std::string kind = "trunk";
  uint64_t seed = 1;
  std::string device = "cpu";
};
ProbeReport Probe(const ImageSource& train, const ImageSource& test,
                  const ProbeOptions& options);

}  // namespace mapweave::ssl
