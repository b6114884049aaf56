// SPDX-License-Identifier: MIT
//
// Trains a sheet probe: sound windows against the same with a defect.
#include "core/error.h"
#include "models/ssl/defects.h"
#include "models/ssl/detection.h"
#include "models/ssl/sheet_probe.h"
#include "models/ssl/sheet_probe_net.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/trainer.h"
#include "models/ssl/views.h"
#include "models/vis/device.h"
#include "models/vis/segmenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mapweave::ssl {
namespace {

constexpr uint64_t kHeldOutStream = 0x70726f6265ULL;

// Windows as a scan would have them: a part of an image in other colours, a
// little larger or smaller than it was drawn.
ViewRecipe WindowViews(int window_px, int64_t image_px) {
  const auto area = [&](double scale) {
    const double side = scale * window_px / static_cast<double>(image_px);
    return std::min(1.0, side * side);
  };
  ViewRecipe recipe;
  recipe.globals = 1;
  recipe.global_px = window_px;
  recipe.global_area_min = area(0.8);
  recipe.global_area_max = area(1.25);
  recipe.stain = 0.0;  // which would be a defect
  recipe.line_width = 0.1;
  recipe.blur_sigma_px = 1.0;
  recipe.colour_strength = 0.25;
  return recipe;
}

struct LabelledWindows {
  torch::Tensor images;  // [N, 3, side, side]
  torch::Tensor label;   // [N] int64: 0 = sound, else 1 + kind
};

// Half of the windows with a defect; then some blur and noise of the scanner
// on all of them, so that a defect is not known by its sharp edge.
LabelledWindows DamageHalf(const torch::Tensor& windows, const Rng& rng) {
  torch::Generator generator = MakeGenerator(rng);
  const int64_t n = windows.size(0);
  const auto uniform = [&](double low, double high) {
    return (torch::rand({n}, generator) * (high - low) + low)
        .to(windows.options());
  };
  const DefectedImages damaged =
      ApplyDefects(windows, uniform(0.0, 1.0).lt(0.5), {}, rng.Fork(1));
  const torch::Tensor blurred = GaussianBlur(damaged.images, uniform(0.2, 0.9),
                                             uniform(0.0, 1.0).lt(0.6));
  const torch::Tensor noise =
      torch::randn(windows.sizes(), generator).to(windows.options()) *
      uniform(0.0, 0.02).view({-1, 1, 1, 1});
  return {(blurred + noise).clamp(0.0, 1.0), damaged.kind + 1};
}

// Trains the parts of a net; the net itself is not registered, or its encoder
// would be there twice.
class SheetProbeMethod : public Method {
 public:
  SheetProbeMethod(const SheetProbeNet& net, const ViewRecipe& views)
      : Method("sheet-probe", net->SharedEncoder()), net_(net), views_(views) {
    register_module("head", net_->Head());
  }
  ViewRecipe DefaultViews() const override { return views_; }
  Bag Step(const Views& views, const StepContext& context) override {
    const LabelledWindows windows =
        DamageHalf(views.views.at(0).images, context.rng);
    Bag bag;
    bag[kLoss] = torch::nn::functional::cross_entropy(
        net_->forward(windows.images), windows.label);
    return bag;
  }

 private:
  SheetProbeNet net_;
  ViewRecipe views_;
};

Dataset ReadSquares(const ImageSource& source, int window_px) {
  Dataset data;
  const int64_t count = source.Size();
  for (int64_t i = 0; i < count; ++i) {
    const cv::Mat rgb = source.Get(i).rgb.clone();
    if (i == 0) {
      data.images = torch::empty({count, 3, rgb.rows, rgb.cols}, torch::kUInt8);
    }
    if (rgb.type() != CV_8UC3 || rgb.rows != rgb.cols ||
        rgb.rows != data.images.size(2) || rgb.rows < window_px) {
      throw Error(ErrorCode::kBadInput,
                  "sheet probe: the images are not squares of one size, as "
                  "large as a window or larger");
    }
    data.images[i].copy_(
        torch::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, torch::kUInt8)
            .permute({2, 0, 1}));
  }
  if (count == 0) {
    throw Error(ErrorCode::kBadInput, "sheet probe: there are no images");
  }
  data.label = torch::full({count}, -1, torch::kLong);
  return data;
}

void MeasureHeldOut(SheetProbeNet& net, const Dataset& data,
                    const ViewRecipe& views, const torch::Device& device,
                    SheetProbeReport& report) {
  constexpr int64_t kBatchSize = 128;
  const torch::NoGradGuard no_grad;
  net->eval();
  std::vector<torch::Tensor> scores;
  std::vector<torch::Tensor> labels;
  const Rng rng(kHeldOutStream);
  for (int64_t begin = 0; begin < data.Size(); begin += kBatchSize) {
    const torch::Tensor index =
        torch::arange(begin, std::min(begin + kBatchSize, data.Size()));
    const Rng stream = rng.Fork(static_cast<uint64_t>(begin));
    const LabelledWindows windows = DamageHalf(
        MakeViews(data.Gather(index, device), views, stream).views[0].images,
        stream.Fork(1));
    scores.push_back(
        1.0 - torch::softmax(net->forward(windows.images), 1).select(1, 0));
    labels.push_back(windows.label);
  }
  const torch::Tensor score = torch::cat(scores).to(torch::kCPU);
  const torch::Tensor label = torch::cat(labels).to(torch::kCPU);
  report.auroc = Auroc(score, label.gt(0));
  const torch::Tensor sound = score.masked_select(label.eq(0));
  report.score_of_1_percent = std::get<0>(sound.sort(
      /*dim=*/0, /*descending=*/true))[sound.size(0) / 100]
                                  .item<double>();
  for (size_t k = 0; k < net->Kinds().size(); ++k) {
    const torch::Tensor kind = label.eq(static_cast<int64_t>(k) + 1);
    const torch::Tensor both = kind.logical_or(label.eq(0));
    if (!kind.any().item<bool>()) continue;
    report.auroc_of[net->Kinds()[k]] =
        Auroc(score.masked_select(both), kind.masked_select(both));
  }
}

Json TrainingOf(const SheetProbeOptions& options,
                const SheetProbeReport& report) {
  return {{"steps", options.steps},
          {"batch", options.batch},
          {"learning_rate", options.learning_rate},
          {"seed", options.seed},
          {"images", report.images},
          {"held_out_auroc", report.auroc},
          {"held_out_auroc_of", report.auroc_of},
          {"score_of_1_percent", report.score_of_1_percent}};
}

}  // namespace

void SheetProbeOptions::Validate() const {
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw Error(ErrorCode::kUsage, text);
  };
  require(window_px >= 16 && window_px <= 512 && window_px % 8 == 0,
          "sheet probe: the window must be 16 to 512 px, in eights");
  require(width >= 1 && width <= 64, "sheet probe: the width must be 1 to 64");
  require(steps >= 1, "sheet probe: steps must be 1 or more");
  require(batch >= 2, "sheet probe: a batch needs two windows");
  require(learning_rate > 0.0, "sheet probe: the rate must be positive");
}

SheetProbeReport TrainSheetProbe(const ImageSource& sound,
                                 const ImageSource& held_out,
                                 const SheetProbeOptions& options,
                                 RunContext& context) {
  options.Validate();
  return vis::WithTorchErrors("sheet probe", [&] {
    const vis::OneThreadScope one_thread;
    const Dataset train = ReadSquares(sound, options.window_px);
    const Dataset test = ReadSquares(held_out, options.window_px);
    EncoderConfig config;
    config.kind = "resnet18";
    config.width = options.width;
    std::vector<std::string> kinds;
    for (const Defect defect : AllDefects())
      kinds.push_back(DefectName(defect));
    SheetProbeNet net(config, options.window_px, kinds, Rng(options.seed));
    const ViewRecipe views =
        WindowViews(options.window_px, train.images.size(3));
    const torch::Device device =
        vis::ToTorchDevice(vis::ResolveDevice(options.device));
    SheetProbeMethod method(net, views);
    method.to(device);
    TrainerOptions trainer;
    trainer.steps = options.steps;
    trainer.batch = options.batch;
    trainer.schedule.kind = ScheduleKind::kOneCycle;
    trainer.schedule.peak = options.learning_rate;
    trainer.seed = options.seed;
    const TrainerResult result =
        TrainMethod(method, train, trainer, {}, context);
    SheetProbeReport report;
    report.images = train.Size();
    report.steps = result.steps;
    report.seconds = result.seconds;
    report.loss = result.loss;
    for (const torch::Tensor& parameter : net->parameters()) {
      report.parameters += parameter.numel();
    }
    MeasureHeldOut(net, test, views, device, report);
    net->to(torch::kCPU);
    SaveSheetProbe(options.output, net, TrainingOf(options, report));
    return report;
  });
}

cv::Mat DrawWindowPreview(const ImageSource& sound,
                          const SheetProbeOptions& options) {
  options.Validate();
  const torch::NoGradGuard no_grad;
  constexpr int64_t kColumns = 12;
  const int side = options.window_px;
  const Dataset data = ReadSquares(sound, side);
  const Rng rng(options.seed, kHeldOutStream);
  torch::Generator generator = MakeGenerator(rng);
  const torch::Tensor sound_windows =
      MakeViews(data.Gather(torch::randint(0, data.Size(), {kColumns},
                                           generator, torch::kLong),
                            torch::kCPU),
                WindowViews(side, data.images.size(3)), rng)
          .views[0]
          .images;
  std::vector<torch::Tensor> rows = {sound_windows};
  for (const Defect defect : AllDefects()) {
    DefectOptions only;
    only.kinds = {defect};
    rows.push_back(ApplyDefects(sound_windows,
                                torch::ones({kColumns}, torch::kBool), only,
                                rng.Fork(rows.size()))
                       .images);
  }
  const auto height = static_cast<int64_t>(rows.size()) * side;
  // [rows, columns, 3, side, side] to [height, width, 3]
  torch::Tensor pixels = (torch::stack(rows) * 255.0)
                             .round()
                             .to(torch::kUInt8)
                             .permute({0, 3, 1, 4, 2})
                             .contiguous()
                             .view({height, kColumns * side, 3});
  return cv::Mat(static_cast<int>(height), static_cast<int>(kColumns) * side,
                 CV_8UC3, pixels.data_ptr<uint8_t>())
      .clone();
}

}  // namespace mapweave::ssl
