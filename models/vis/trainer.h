// SPDX-License-Identifier: MIT
//
// Supervised training of a network on labelled clips: where the clips come
// from is the caller's affair (a simulated world, drawn labels, pseudo-labels).
// No Torch here, so that its users do not pay for Torch headers.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/nn/divergence_watch.h"
#include "models/nn/per_group_loss.h"
#include "models/nn/process_options.h"
#include "tracking/clip.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::vis {

// Random changes to a training clip that leave its labels true. All of them
// are drawn from the run's seed and the clip's index.
struct AugmentOptions {
  bool rotate = true;           // by quarter turns
  bool flip = true;             // left-right and up-down
  bool reverse_time = true;     // editions in the opposite order
  bool permute_colours = true;  // R, G and B, for all editions alike
  // Per edition, in intensities of [0, 1]: gain in 1 +- gain, offset in
  // +- offset, standard deviation of white noise in [0, noise].
  double gain = 0.15;
  double offset = 0.08;
  double noise = 0.03;
  // Probability per edition of a 3x3 blur.
  double blur = 0.15;
};

// Presets of networks of all families.
std::vector<std::string> PresetNames();

// Which network is made where none is loaded.
struct NetworkOptions {
  std::string preset = "small";
  // Of the dense trunk "group" or "batch", of a ResNet "group" or "frozen";
  // empty: the preset's own, and "frozen" for a backbone that is loaded.
  std::string norm{};
  uint64_t seed = 1;
  // torchvision's ResNet-50 weights as safetensors, for the preset "paper".
  std::string backbone{};
  // A dense checkpoint that a query network on the dense trunk starts from; the
  // trunk takes its shape.
  std::string trunk{};
  bool freeze_trunk = false;
  int64_t queries = 0;  // per clip; 0: the preset's own

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct TrainOptions : NetworkOptions {
  // Ends after this many steps or this many seconds of training (validation
  // not counted), whichever comes first; 0 = no such limit, one must be set.
  // The learning rate follows the larger of the two elapsed fractions.
  int64_t steps = 0;
  double seconds = 0.0;

  // Every step takes one number of editions T, drawn from [min_editions,
  // max_editions], and frames_per_step / T clips (at least one; of several
  // processes, one for each). Clips with more editions are thinned to a random
  // T of them, in order.
  int frames_per_step = 12;
  int min_editions = 2;
  int max_editions = 4;
  // Side in pixels of a random crop; 0 = clips as they come.
  int crop = 0;

  double learning_rate = 2e-3;
  int warmup_steps = 100;
  // The cosine ends at this fraction of learning_rate.
  double final_fraction = 0.02;
  // Decoupled (AdamW); not applied to norms and biases.
  double weight_decay = 0.05;
  // Largest L2 norm of all gradients together.
  double clip_norm = 5.0;
  // Decay of the exponential moving average of the weights that is validated
  // and saved; 0 = the raw weights.
  double ema_decay = 0.998;
  // Convolutions in bfloat16 on the CPU; norms, losses and weights stay in
  // float32.
  bool bf16 = true;
  AugmentOptions augment;

  int threads = 1;             // of the arithmetic
  int loader_threads = 1;      // that make clips ahead of it
  std::string device = "cpu";  // see ResolveDevice
  // Several processes that train one network: each takes its part of every
  // step's clips, and all of them together do what one process would. On GPUs
  // each takes that of its local rank unless `device` names one. They read the
  // same files; the first alone validates and writes.
  nn::ProcessOptions processes;
  // When a training has left what it had learned.
  nn::DivergenceOptions divergence;

  // Starts from the weights of this checkpoint, with a fresh optimiser.
  std::string init_checkpoint;
  // Batch norms keep the statistics of init_checkpoint: those of a few labelled
  // clips would tell of these alone, and what was known of other drawings is
  // lost before the weights have moved (bench/pretraining).
  bool freeze_norm = false;
  // Goes on with the interrupted run that wrote `output`, exactly where its
  // last checkpoint was.
  bool resume = false;
  // Where the checkpoint goes (safetensors); the state that `resume` needs
  // lies beside it in OUTPUT.state.
  std::string output;
  // Loss curve, one row per step; the validations go to a file beside it whose
  // name ends in .validation.csv, the losses by group of clips at those steps
  // to one that ends in .groups.csv. Empty = none.
  std::string curves_csv;
  // In steps; 0 = only at the end.
  int64_t checkpoint_every = 500;
  int64_t validate_every = 500;
  // Clips 0 .. n-1 of the validation source are used.
  int validation_clips = 24;
  // Facts for the checkpoint's header and its card (data, licence ...).
  Json notes = Json::object();

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// The options that a preset is trained with where nothing else is asked for;
// those of "paper" are the published ones, but that its weights are averaged.
TrainOptions PresetRecipe(const std::string& preset);

// Measures on the validation clips, in [0, 1], as tracking/measures.h defines
// them; detections are pooled over editions.
struct ValidationScores {
  double detection_f1 = 0.0;
  double link_f1 = 0.0;
  double track_f1 = 0.0;
  double ap_unlimited = 0.0;
  // Score threshold at which they were reached; stored in the checkpoint.
  double threshold = 0.5;
};

struct TrainResult {
  int64_t steps = 0;
  int64_t clips = 0;
  double seconds = 0.0;  // of training, over all resumed parts
  double loss = 0.0;     // mean over the last 50 steps
  bool validated = false;
  ValidationScores validation;
  // Of this call's time in steps, the part in which the device had to wait for
  // clips, in [0, 1]. Of several processes, for the slowest.
  double waiting_share = 0.0;
  // Of the clips of the last 250 to 500 steps that name a group; see
  // GroupLosses.
  nn::PerGroupLoss groups;
};

// Trains and writes options.output. Clips are taken in the order 0, 1, 2 ... of
// `train`; `validation` may be null. With a limit in steps the result depends
// only on the sources and the options, not on loader_threads or resumes, and,
// but for rounding, not on the number of processes.
//
// Throws Error{kInterrupted} after saving when context.cancel is set in any
// process; Error{kFailure} when the loss is no longer finite or
// options.divergence says so, keeping the last checkpoint from before, and when
// another process has stopped; Error{kDevice} for checkpoints and devices;
// Error{kBadInput} for clips whose parts do not fit together.
TrainResult Train(const tracking::ClipSource& train,
                  const tracking::ClipSource* validation,
                  const TrainOptions& options, RunContext& context);

// Chooses the decoding thresholds of a trained checkpoint anew, on clips 0 ..
// clips - 1 of `source` (maps of another kind than it was trained on, say),
// and writes them into the file. Throws Error{kUsage} without clips, and
// Error{kDevice} as LoadSegmenter does.
ValidationScores Calibrate(const std::string& checkpoint,
                           const tracking::ClipSource& source, int clips,
                           const std::string& device);

}  // namespace mapweave::vis
