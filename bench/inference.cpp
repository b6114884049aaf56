// SPDX-License-Identifier: MIT
//
// What one pass of the dense network costs through LibTorch, and what the same
// network costs in Python (inference.py beside this file), turn by turn in one
// run on one machine, in float32 and bfloat16. Prints Markdown for
// docs/measurements.md.
#include "core/error.h"
#include "core/json.h"
#include "models/vis/checkpoint.h"
#include "models/vis/dense_network.h"
#include "models/vis/segmenter.h"
#include "synth/clip_source.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string checkpoint;
  std::string script;
  std::string python = "python3";
  int editions = 4;
  int size_px = 512;
  int passes = 5;
  int rounds = 3;
  int threads = 1;
  uint64_t seed = 1;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

torch::Tensor WorldInput(const Options& options, torch::ScalarType dtype) {
  synth::WorldClipOptions world;
  world.seed = options.seed;
  world.size_px = options.size_px;
  world.min_editions = world.max_editions = options.editions;
  world.blank = 0.0;
  const tracking::Clip clip = synth::WorldClipSource(world).Get(0).clip;
  return vis::NormaliseInput(vis::ClipBytes(clip), torch::kCPU, dtype);
}

std::vector<double> Passes(vis::DenseNet& net, const torch::Tensor& x,
                           int count) {
  const torch::NoGradGuard no_grad;
  std::vector<double> seconds;
  net->Infer(x);
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    net->Infer(x);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count());
  }
  return seconds;
}

// The input and the answers, as inference.py reads them.
void WriteClip(const fs::path& path, const torch::Tensor& x,
               const torch::Tensor& answers) {
  std::ofstream file(path, std::ios::binary);
  for (const torch::Tensor& tensor : {x, answers}) {
    const torch::Tensor values = tensor.to(torch::kFloat).contiguous();
    file.write(reinterpret_cast<const char*>(values.data_ptr<float>()),
               static_cast<std::streamsize>(values.numel() * 4));
  }
  if (!file) {
    throw Error(ErrorCode::kFailure, path.string() + ": cannot be written");
  }
}

Json RunPython(const Options& options, const fs::path& clip,
               const torch::Tensor& x, bool bf16) {
  const std::string command = fmt::format(
      "{} {} {} {} --size {} {} {} --passes {} --threads {}{}", options.python,
      options.script, options.checkpoint, clip.string(), x.size(0), x.size(2),
      x.size(3), options.passes, options.threads, bf16 ? " --bf16" : "");
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    throw Error(ErrorCode::kFailure, "cannot start " + options.python);
  }
  std::string text;
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) text += buffer;
  if (pclose(pipe) != 0) {
    throw Error(ErrorCode::kFailure, command + " failed",
                "It needs Python with PyTorch: python3-torch.");
  }
  return Json::parse(text);
}

void Compare(const Options& options, vis::DenseNet& net, bool bf16) {
  const torch::Tensor x =
      WorldInput(options, bf16 ? torch::kBFloat16 : torch::kFloat);
  const fs::path clip = fs::temp_directory_path() /
                        fmt::format("mapweave_inference_{}.raw", getpid());
  {
    const torch::NoGradGuard no_grad;
    WriteClip(clip, x, net->Infer(x));
  }
  std::vector<double> ours;
  std::vector<double> python;
  double difference = 0.0;
  std::string version;
  // Turn by turn, so that a busy machine slows both.
  for (int round = 0; round < options.rounds; ++round) {
    for (const double s : Passes(net, x, options.passes)) ours.push_back(s);
    const Json report = RunPython(options, clip, x, bf16);
    for (const double s : report["seconds"]) python.push_back(s);
    difference =
        std::max(difference, report["largest_difference"].get<double>());
    version = report["torch"].get<std::string>();
  }
  fs::remove(clip);
  const double megapixels =
      static_cast<double>(x.size(0) * x.size(2) * x.size(3)) / 1e6;
  const double best = *std::ranges::min_element(ours);
  const double best_python = *std::ranges::min_element(python);
  fmt::print(
      "| {} | {} | {:.3f} | {:.3f} | {:.2f} | {:.3f} | {:.2f} | {:.1e} | "
      "{} / {} |\n",
      bf16 ? "bf16" : "fp32", options.threads, Median(ours), Median(python),
      Median(ours) / Median(python), best / best_python,
      megapixels / Median(ours), difference, vis::TorchVersion(), version);
}

void Run(const Options& options) {
  vis::SetTorchThreads(options.threads);
  const vis::Checkpoint checkpoint = vis::LoadCheckpoint(options.checkpoint);
  auto* network = dynamic_cast<vis::DenseNetwork*>(checkpoint.network.get());
  if (network == nullptr) {
    throw Error(ErrorCode::kUsage,
                options.checkpoint + ": is no dense network");
  }
  fmt::print(
      "`inference`: one clip of {} editions of {} x {} px, medians of {} "
      "passes:\n\n| type | threads | LibTorch s | Python s | ratio | ratio of "
      "the fastest | megapixel-editions/s | largest difference | versions |\n"
      "|---|---|---|---|---|---|---|---|---|\n",
      options.editions, options.size_px, options.size_px,
      options.passes * options.rounds);
  Compare(options, network->Net(), false);
  if (vis::ResolvePrecision("auto", "cpu") == "bf16") {
    Compare(options, network->Net(), true);
  }
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  CLI::App app("One pass of the dense network, LibTorch against Python");
  mapweave::Options options;
  options.checkpoint = MAPWEAVE_WEIGHTS_DIR "/small.safetensors";
  options.script = MAPWEAVE_BENCH_DIR "/inference.py";
  app.add_option("--checkpoint", options.checkpoint);
  app.add_option("--python", options.python, "With PyTorch");
  app.add_option("--editions", options.editions)->check(CLI::Range(1, 16));
  app.add_option("--size-px", options.size_px)->check(CLI::Range(64, 4096));
  app.add_option("--passes", options.passes)->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  try {
    mapweave::Run(options);
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "inference: {} {}\n", error.Message(), error.Hint());
    return 1;
  }
  return 0;
}
