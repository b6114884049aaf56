// SPDX-License-Identifier: MIT
#include "models/ssl/pretrain.h"

#include "core/error.h"
#include "models/ssl/image_set.h"
#include "models/ssl/trainer.h"
#include "models/vis/device.h"
#include "models/vis/segmenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace mapweave::ssl {
namespace {

MaeOptions ToMaeOptions(const PretrainOptions& options) {
  MaeOptions mae;
  mae.mask_ratio = options.mask_ratio;
  mae.mask_block = options.mask_block;
  return mae;
}

TrainerOptions ToTrainerOptions(const PretrainOptions& options) {
  TrainerOptions trainer;
  trainer.steps = options.steps;
  trainer.batch = options.batch;
  trainer.schedule.kind = ParseScheduleKind(options.schedule);
  trainer.schedule.peak = options.learning_rate;
  trainer.optimiser.kind = ParseOptimiserKind(options.optimiser);
  trainer.optimiser.weight_decay = options.weight_decay;
  trainer.seed = options.seed;
  trainer.state = options.output + ".state";
  trainer.resume = options.resume;
  trainer.Validate();
  return trainer;
}

}  // namespace

std::vector<MethodSummary> MethodSummaries() {
  std::vector<MethodSummary> summaries;
  for (const MethodInfo& info : Methods()) {
    summaries.push_back({info.name, info.summary, info.source});
  }
  return summaries;
}

std::vector<std::string> MethodNames() {
  std::vector<std::string> names;
  for (const MethodInfo& info : Methods()) names.push_back(info.name);
  return names;
}

std::vector<std::string> EncoderNames() { return EncoderKinds(); }

PretrainReport Pretrain(const ImageSource& images,
                        const PretrainOptions& options, RunContext& context) {
  const TrainerOptions trainer = ToTrainerOptions(options);
  return vis::WithTorchErrors("pretraining", [&] {
    const Dataset data = ReadImages(images);
    EncoderConfig config;
    config.kind = options.encoder;
    config.patch_px = options.patch_px;
    config.image_px = data.images.size(2);
    const Rng rng(options.seed);
    const Encoder encoder = MakeEncoder(config, rng);
    const int64_t classes = data.label.max().item<int64_t>() + 1;
    const MethodPtr method =
        options.method == "mae"
            ? MakeMae(encoder, ToMaeOptions(options), rng.Fork(1))
            : MakeMethod(options.method, encoder, {data.Size(), classes},
                         rng.Fork(1));
    method->to(vis::ToTorchDevice(vis::ResolveDevice(options.device)));
    std::vector<std::unique_ptr<Monitor>> monitors;
    monitors.push_back(MakeCollapseMonitor());
    monitors.push_back(MakeRankMeMonitor());
    const TrainerResult result =
        TrainMethod(*method, data, trainer, monitors, context);

    PretrainReport report;
    report.images = data.Size();
    report.steps = result.steps;
    report.seconds = result.seconds;
    report.loss = result.loss;
    report.measures = result.measures;
    report.config = {{"method", options.method},
                     {"encoder", config.ToJson()},
                     {"views", method->DefaultViews().ToJson()},
                     {"steps", options.steps},
                     {"batch", options.batch},
                     {"images", data.Size()},
                     {"image_px", data.images.size(2)},
                     {"learning_rate", options.learning_rate},
                     {"schedule", options.schedule},
                     {"optimiser", trainer.optimiser.ToJson()},
                     {"seed", options.seed}};
    if (options.method == "mae") {
      report.config["mask_ratio"] = options.mask_ratio;
      report.config["mask_block"] = options.mask_block;
    }
    encoder->to(torch::kCPU);
    SaveEncoder(options.output, *encoder, report.config);
    std::filesystem::remove(trainer.state);
    return report;
  });
}

EncoderFacts DescribeEncoder(const std::string& checkpoint) {
  return vis::WithTorchErrors("reading an encoder", [&] {
    const SavedEncoder saved = LoadEncoder(checkpoint);
    return EncoderFacts{saved.encoder->Config().kind, saved.training};
  });
}

ProbeReport Probe(const ImageSource& train, const ImageSource& test,
                  const ProbeOptions& options) {
  return vis::WithTorchErrors("probing", [&] {
    const Dataset train_data = ReadImages(train);
    const Dataset test_data = ReadImages(test);
    EncoderConfig config;
    config.kind = options.kind;
    config.image_px = train_data.images.size(2);
    const Encoder encoder = options.checkpoint.empty()
                                ? MakeEncoder(config, Rng(options.seed))
                                : LoadEncoder(options.checkpoint).encoder;
    encoder->to(vis::ToTorchDevice(vis::ResolveDevice(options.device)));
    const LabelledFeatures a{EmbedDataset(*encoder, train_data),
                             train_data.label};
    const LabelledFeatures b{EmbedDataset(*encoder, test_data),
                             test_data.label};
    ProbeReport report;
    report.encoder = encoder->Config().kind;
    report.width = encoder->Width();
    report.train_images = train_data.Size();
    report.test_images = test_data.Size();
    const torch::Tensor knn = KnnPredictions(a, b.features);
    const torch::Tensor linear = LinearProbe(a).Predict(b.features);
    for (int64_t i = 0; i < b.label.size(0); ++i) {
      report.answers.push_back({b.label[i].item<int64_t>(),
                                linear[i].item<int64_t>(),
                                knn[i].item<int64_t>()});
    }
    report.knn_accuracy = KnnAccuracy(a, b);
    report.linear_accuracy =
        linear.eq(b.label).to(torch::kDouble).mean().item<double>();
    if (a.features.size(0) > a.features.size(1)) {
      report.rankme = RankMe(a.features);
    }
    return report;
  });
}

}  // namespace mapweave::ssl
