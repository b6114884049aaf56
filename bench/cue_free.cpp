// SPDX-License-Identifier: MIT
//
// Do synthetic videos give their edits away? A small convolutional network is
// trained on single frames to tell edited places from places that are not, on
// some sheets, and tested on others. Its area under the ROC curve, operator by
// operator, is 0.5 where the operator leaves no trace.
//
// A fair pair: for every sample the operator is asked for an edit, which a coin
// then applies or throws away, so that places, ground and frames have the same
// statistics. Where buildings differ in size afterwards, samples are drawn so
// that both classes have the same sizes. A building that disappeared is
// compared with ground over which ground could have been copied. Operators
// published without care for traces are tested along, to show that the network
// can see them. Prints Markdown.
#include "core/error.h"
#include "core/log.h"
#include "core/random.h"
#include "synth/video_frames.h"
#include "synth/video_look.h"
#include "synth/video_stock.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace mapweave {
namespace {

using synth::VideoOperator;

constexpr int kPatchPx = 40;
constexpr int kPlatePx = 160;
// No patch reaches beyond its plate.
constexpr float kMarginPx = 38.0f;
constexpr double kSizeBin = 0.35;  // of the natural logarithm of the area

struct Options {
  std::vector<std::string> train;
  std::vector<std::string> test;
  int samples = 700;  // per operator and class
  int epochs = 8;
  uint64_t seed = 1;
  int threads = 1;
  std::string dump;
};

const std::vector<VideoOperator>& Operators() {
  static const std::vector<VideoOperator> operators = {
      VideoOperator::kShift,     VideoOperator::kAppear,
      VideoOperator::kDisappear, VideoOperator::kEnlarge,
      VideoOperator::kReduce,    VideoOperator::kReshape,
      VideoOperator::kMerge,     VideoOperator::kSplit,
      VideoOperator::kReplace,   VideoOperator::kRedraw,
      VideoOperator::kPutBack,   VideoOperator::kGroundPatch,
      VideoOperator::kFlatFill};
  return operators;
}

bool IsGround(VideoOperator op) {
  return op == VideoOperator::kDisappear || op == VideoOperator::kGroundPatch ||
         op == VideoOperator::kFlatFill;
}

struct Sample {
  cv::Mat rgb;  // kPatchPx square
  VideoOperator op = VideoOperator::kShift;
  bool edited = false;
  int size_bin = 0;
};

// Middle of the label that the edit changes, and its area, on `labels`.
struct Target {
  cv::Point2f centre;
  int area = 0;
};

Target TargetOf(const cv::Mat& labels, const std::vector<int>& identities) {
  cv::Mat mask = cv::Mat::zeros(labels.size(), CV_8UC1);
  for (const int k : identities) mask |= labels == k;
  const cv::Moments moments = cv::moments(mask, true);
  if (moments.m00 <= 0.0) return {};
  return {{static_cast<float>(moments.m10 / moments.m00),
           static_cast<float>(moments.m01 / moments.m00)},
          static_cast<int>(moments.m00)};
}

std::vector<int> ChangedIdentities(const cv::Mat& before, const cv::Mat& after,
                                   bool edited) {
  std::vector<int> found;
  for (int y = 0; y < before.rows; ++y) {
    for (int x = 0; x < before.cols; ++x) {
      const int a = before.at<uint16_t>(y, x);
      const int b = after.at<uint16_t>(y, x);
      if (a == b) continue;
      const int k = edited ? b : a;
      if (k != 0 && std::ranges::find(found, k) == found.end())
        found.push_back(k);
    }
  }
  return found;
}

// One place, edited or not, rendered as clips are. Nothing if the operator
// finds no place on this plate.
std::optional<Sample> DrawSample(const synth::StockSheet& sheet,
                                 VideoOperator op, bool edited, Rng& rng) {
  const cv::Rect& box = rng.Pick(sheet.buildings);
  const int reach = kPlatePx / 4;
  const synth::Plate plate =
      synth::CutPlate(sheet,
                      (box.tl() + box.br()) / 2 +
                          cv::Point(static_cast<int>(rng.Int(-reach, reach)),
                                    static_cast<int>(rng.Int(-reach, reach))),
                      kPlatePx);
  synth::VideoEditor editor(plate, sheet.sprites);
  // Ground that was a building is compared with ground that always was.
  const bool ground = IsGround(op);
  const VideoOperator asked =
      ground && !edited ? VideoOperator::kGroundPatch : op;
  std::optional<synth::Edit> edit = editor.Make(asked, rng);
  if (!edit) return {};
  synth::Plate shown = plate;
  shown.rgb = plate.rgb.clone();
  shown.labels = plate.labels.clone();
  if (edited) {
    edit->rgb.copyTo(shown.rgb(edit->box));
    edit->labels.copyTo(shown.labels(edit->box));
  }
  Sample sample;
  sample.op = op;
  sample.edited = edited;
  cv::Point2f centre(
      static_cast<float>(edit->box.x) + static_cast<float>(edit->box.width) / 2,
      static_cast<float>(edit->box.y) +
          static_cast<float>(edit->box.height) / 2);
  if (!ground) {
    std::vector<int> identities =
        ChangedIdentities(plate.labels(edit->box), edit->labels, edited);
    if (op == VideoOperator::kPutBack)
      identities = {plate.labels.at<uint16_t>(cv::Point(centre))};
    if (op == VideoOperator::kAppear && !edited) {
      // A building that could stand elsewhere, where it does stand.
      const size_t k = static_cast<size_t>(
          rng.Int(0, static_cast<int64_t>(plate.buildings.size()) - 1));
      const cv::Rect whole(synth::kSpriteRimPx, synth::kSpriteRimPx,
                           kPlatePx - 2 * synth::kSpriteRimPx,
                           kPlatePx - 2 * synth::kSpriteRimPx);
      const cv::Rect& bounds = plate.buildings[k];
      if (bounds.empty() || (bounds & whole) != bounds ||
          !synth::CutSprite(plate.rgb, plate.labels, static_cast<int>(k) + 1,
                            bounds)
               .movable) {
        return {};
      }
      identities = {static_cast<int>(k) + 1};
    }
    const Target target = TargetOf(shown.labels, identities);
    if (target.area == 0) return {};
    centre = target.centre;
    sample.size_bin =
        static_cast<int>(std::floor(std::log(target.area) / kSizeBin));
  } else {
    const int area = cv::countNonZero(edit->changed);
    sample.size_bin = static_cast<int>(std::floor(std::log(area) / kSizeBin));
  }
  if (std::min(centre.x, centre.y) < kMarginPx ||
      std::max(centre.x, centre.y) > kPlatePx - kMarginPx) {
    return {};
  }
  synth::VideoOptions options;
  options.size_px = kPatchPx;
  const double scale = std::exp(
      rng.Uniform(std::log(options.min_scale), std::log(options.max_scale)));
  synth::Registration registration =
      synth::DrawRegistration(options, scale, 0, kPlatePx, rng);
  // The place in the middle of the frame, give or take.
  registration.shift +=
      cv::Point2d(centre) - cv::Point2d(kPlatePx / 2.0, kPlatePx / 2.0);
  synth::Frame frame = synth::WarpFrame(shown, registration, kPatchPx);
  synth::ApplyLook(synth::DrawFrameLook(options.wear, rng), rng, frame.rgb);
  sample.rgb = frame.rgb;
  return sample;
}

// As many edited as not, of the same sizes.
std::vector<Sample> Balanced(std::vector<Sample> samples) {
  std::map<int, std::pair<std::vector<Sample>, std::vector<Sample>>> bins;
  for (Sample& sample : samples) {
    auto& bin = bins[sample.size_bin];
    (sample.edited ? bin.first : bin.second).push_back(std::move(sample));
  }
  std::vector<Sample> out;
  for (auto& [size, bin] : bins) {
    const size_t n = std::min(bin.first.size(), bin.second.size());
    out.insert(out.end(), bin.first.begin(),
               bin.first.begin() + static_cast<int64_t>(n));
    out.insert(out.end(), bin.second.begin(),
               bin.second.begin() + static_cast<int64_t>(n));
  }
  return out;
}

std::vector<Sample> DrawSamples(const std::vector<synth::StockSheet>& sheets,
                                const Options& options, uint64_t stream) {
  std::vector<Sample> all;
  for (const VideoOperator op : Operators()) {
    std::vector<Sample> samples;
    int counts[2] = {0, 0};
    for (uint64_t i = 0; i < static_cast<uint64_t>(60 * options.samples); ++i) {
      Rng rng = Rng(options.seed, stream)
                    .Fork(static_cast<uint64_t>(op) * 1'000'000 + i);
      const bool edited = i % 2 == 0;
      if (counts[edited ? 1 : 0] >= options.samples) continue;
      auto sample = DrawSample(rng.Pick(sheets), op, edited, rng);
      if (!sample) continue;
      ++counts[edited ? 1 : 0];
      samples.push_back(std::move(*sample));
    }
    samples = Balanced(std::move(samples));
    LogInfo("{}: {} samples", synth::VideoOperatorName(op), samples.size());
    all.insert(all.end(), samples.begin(), samples.end());
  }
  return all;
}

// Sees the frame and, enlarged, what a blur takes from it; one output per
// operator, so that each has an adversary of its own on common features.
struct ClassifierImpl : torch::nn::Module {
  ClassifierImpl() {
    const auto block = [](int64_t in, int64_t out, int64_t stride) {
      return torch::nn::Sequential(
          torch::nn::Conv2d(
              torch::nn::Conv2dOptions(in, out, 3).stride(stride).bias(false)),
          torch::nn::BatchNorm2d(out), torch::nn::ReLU());
    };
    trunk = register_module("trunk", torch::nn::Sequential());
    for (const auto& part :
         {block(6, 16, 1), block(16, 24, 2), block(24, 32, 1), block(32, 48, 2),
          block(48, 48, 1)}) {
      trunk->extend(*part);
    }
    head = register_module(
        "head",
        torch::nn::Linear(96, static_cast<int64_t>(Operators().size())));
  }

  // [N, 3, H, W] in [-1, 1] → [N, operators] logits.
  torch::Tensor forward(const torch::Tensor& rgb) {
    const torch::Tensor smooth =
        torch::avg_pool2d(torch::replication_pad2d(rgb, {1, 1, 1, 1}), 3, 1);
    const torch::Tensor x =
        trunk->forward(torch::cat({rgb, 6.0 * (rgb - smooth)}, 1));
    return head(torch::cat({x.mean({2, 3}), x.amax({2, 3})}, 1));
  }

  torch::nn::Sequential trunk{nullptr};
  torch::nn::Linear head{nullptr};
};
TORCH_MODULE(Classifier);

// [N, 1]: which output judges each sample.
torch::Tensor OutputsOf(const std::vector<Sample>& samples,
                        const std::vector<size_t>& index) {
  std::vector<int64_t> outputs;
  for (const size_t i : index) {
    outputs.push_back(std::ranges::find(Operators(), samples[i].op) -
                      Operators().begin());
  }
  return torch::tensor(outputs, torch::kInt64).unsqueeze(1);
}

torch::Tensor Batch(const std::vector<Sample>& samples,
                    const std::vector<size_t>& index, Rng* augment) {
  torch::Tensor batch =
      torch::empty({static_cast<int64_t>(index.size()), 3, kPatchPx, kPatchPx});
  for (size_t i = 0; i < index.size(); ++i) {
    cv::Mat rgb = samples[index[i]].rgb;
    if (augment != nullptr) {
      if (augment->Chance(0.5)) cv::flip(rgb, rgb, 1);
      if (augment->Chance(0.5)) cv::flip(rgb, rgb, 0);
      if (augment->Chance(0.5)) cv::transpose(rgb, rgb);
    }
    rgb = rgb.clone();
    batch[static_cast<int64_t>(i)] =
        torch::from_blob(rgb.data, {kPatchPx, kPatchPx, 3}, torch::kUInt8)
            .permute({2, 0, 1})
            .to(torch::kFloat32)
            .div(127.5)
            .sub(1.0);
  }
  return batch;
}

Classifier Train(const std::vector<Sample>& samples, const Options& options) {
  torch::manual_seed(options.seed);
  Classifier net;
  constexpr size_t kBatch = 64;
  const auto steps =
      static_cast<double>(samples.size() / kBatch * options.epochs);
  torch::optim::AdamW optimiser(net->parameters(),
                                torch::optim::AdamWOptions(3e-3));
  Rng rng(options.seed, 77);
  std::vector<size_t> order(samples.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  int64_t step = 0;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    rng.Shuffle(order);
    double sum = 0.0;
    for (size_t at = 0; at + kBatch <= order.size(); at += kBatch) {
      const std::vector<size_t> index(
          order.begin() + static_cast<int64_t>(at),
          order.begin() + static_cast<int64_t>(at + kBatch));
      std::vector<float> target;
      for (const size_t i : index)
        target.push_back(samples[i].edited ? 1.0f : 0.0f);
      for (auto& group : optimiser.param_groups()) {
        static_cast<torch::optim::AdamWOptions&>(group.options())
            .lr(1.5e-3 *
                (1.0 + std::cos(M_PI * static_cast<double>(step) / steps)));
      }
      ++step;
      optimiser.zero_grad();
      const torch::Tensor loss = torch::binary_cross_entropy_with_logits(
          net(Batch(samples, index, &rng))
              .gather(1, OutputsOf(samples, index))
              .squeeze(1),
          torch::tensor(target));
      loss.backward();
      optimiser.step();
      sum += loss.item<double>();
    }
    LogInfo("epoch {}: loss {:.4f}", epoch + 1,
            sum / static_cast<double>(order.size() / kBatch));
  }
  net->eval();
  return net;
}

std::vector<double> Score(Classifier& net, const std::vector<Sample>& samples) {
  torch::NoGradGuard guard;
  std::vector<double> scores;
  for (size_t i = 0; i < samples.size(); ++i) {
    scores.push_back(net(Batch(samples, {i}, nullptr))
                         .gather(1, OutputsOf(samples, {i}))
                         .item<double>());
  }
  return scores;
}

// Chance that an edited sample scores above one that is not (Mann and Whitney).
double AreaUnderCurve(std::vector<double> edited,
                      std::vector<double> not_edited) {
  if (edited.empty() || not_edited.empty()) return 0.5;
  std::ranges::sort(not_edited);
  double sum = 0.0;
  for (const double score : edited) {
    const auto low = std::ranges::lower_bound(not_edited, score);
    const auto high = std::ranges::upper_bound(not_edited, score);
    sum += static_cast<double>(low - not_edited.begin()) +
           0.5 * static_cast<double>(high - low);
  }
  return sum / static_cast<double>(edited.size()) /
         static_cast<double>(not_edited.size());
}

std::vector<synth::StockSheet> Load(const std::vector<std::string>& paths) {
  std::vector<synth::StockSheet> sheets;
  for (const std::string& path : paths) {
    cv::Mat rgb = cv::imread(path, cv::IMREAD_COLOR);
    if (rgb.empty()) {
      throw Error(ErrorCode::kBadInput, fmt::format("cannot read {}", path),
                  "give a picture or a GeoTIFF with 8-bit colours");
    }
    cv::cvtColor(rgb, rgb, cv::COLOR_BGR2RGB);
    sheets.push_back(synth::MakeStockSheet({path, rgb, {}}, {}));
    if (sheets.back().buildings.empty()) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("no pseudo-instances on {}", path), "");
    }
  }
  return sheets;
}

// Edited above, not edited below; one row per operator.
void Dump(const std::vector<Sample>& samples, const std::string& path) {
  constexpr int kColumns = 24;
  cv::Mat picture =
      cv::Mat::zeros(static_cast<int>(2 * Operators().size()) * (kPatchPx + 2),
                     kColumns * (kPatchPx + 2), CV_8UC3);
  std::map<int, int> filled;
  for (const Sample& sample : samples) {
    const auto op = std::ranges::find(Operators(), sample.op);
    const int row = 2 * static_cast<int>(op - Operators().begin()) +
                    (sample.edited ? 0 : 1);
    const int column = filled[row]++;
    if (column >= kColumns) continue;
    sample.rgb.copyTo(picture(cv::Rect(
        column * (kPatchPx + 2), row * (kPatchPx + 2), kPatchPx, kPatchPx)));
  }
  cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR);
  cv::imwrite(path, picture);
}

void Run(const Options& options) {
  torch::set_num_threads(options.threads);
  const std::vector<Sample> train =
      DrawSamples(Load(options.train), options, 1);
  const std::vector<Sample> test = DrawSamples(Load(options.test), options, 2);
  if (!options.dump.empty()) Dump(test, options.dump);
  Classifier net = Train(train, options);
  const std::vector<double> scores = Score(net, test);
  const auto of = [&](VideoOperator op, bool edited) {
    std::vector<double> found;
    for (size_t i = 0; i < test.size(); ++i)
      if (test[i].op == op && test[i].edited == edited)
        found.push_back(scores[i]);
    return found;
  };
  fmt::print("| operator | samples | AUC |\n");
  fmt::print("|---|---|---|\n");
  std::vector<double> edited;
  std::vector<double> not_edited;
  for (const VideoOperator op : Operators()) {
    const std::vector<double> yes = of(op, true);
    const std::vector<double> no = of(op, false);
    fmt::print("| {} | {} | {:.3f} |\n", synth::VideoOperatorName(op),
               yes.size() + no.size(), AreaUnderCurve(yes, no));
    if (op == VideoOperator::kFlatFill || synth::IsDecoy(op)) continue;
    edited.insert(edited.end(), yes.begin(), yes.end());
    not_edited.insert(not_edited.end(), no.begin(), no.end());
  }
  fmt::print("| all of ours | {} | {:.3f} |\n",
             edited.size() + not_edited.size(),
             AreaUnderCurve(edited, not_edited));
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  mapweave::Options options;
  CLI::App app("Can a network tell edited places of synthetic videos?");
  app.add_option("--train", options.train, "Sheets to learn on")->required();
  app.add_option("--test", options.test, "Other sheets")->required();
  app.add_option("--samples", options.samples)->capture_default_str();
  app.add_option("--epochs", options.epochs)->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_option("--dump", options.dump, "PNG of test samples");
  CLI11_PARSE(app, argc, argv);
  try {
    mapweave::Run(options);
  } catch (const mapweave::Error& error) {
    std::fprintf(stderr, "%s\n%s\n", error.what(), error.Hint().c_str());
    return static_cast<int>(error.Code());
  }
  return 0;
}
