// SPDX-License-Identifier: MIT
//
// Steps per second of SimCLR with a ResNet-18 on map tiles, through the library
// and through the same loop in Python (ssl_throughput.py beside this file),
// turn by turn in one run on one machine. Prints Markdown for docs/ssl.md.
#include "core/error.h"
#include "core/json.h"
#include "models/nn/safetensors.h"
#include "models/ssl/trainer.h"
#include "models/vis/device.h"
#include "models/vis/segmenter.h"
#include "synth/clip_source.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string script;
  std::string python = "/usr/bin/python3";
  std::string device = "cpu";
  int64_t images = 128;
  int side_px = 64;
  int64_t batch = 32;
  int64_t steps = 4;
  int rounds = 3;
  std::vector<int> threads = {1, 2};
};

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

ssl::Dataset MapTiles(const Options& options) {
  synth::WorldClipOptions world;
  world.size_px = options.side_px;
  world.min_editions = world.max_editions = 1;
  const synth::WorldClipSource source(world);
  ssl::Dataset data;
  data.label = torch::full({options.images}, -1, torch::kLong);
  data.images = torch::empty(
      {options.images, 3, options.side_px, options.side_px}, torch::kUInt8);
  for (int64_t i = 0; i < options.images; ++i) {
    const cv::Mat rgb =
        source.Get(static_cast<uint64_t>(i)).clip.frames.at(0).clone();
    data.images[i].copy_(
        torch::from_blob(rgb.data, {rgb.rows, rgb.cols, 3}, torch::kUInt8)
            .permute({2, 0, 1}));
  }
  return data;
}

ssl::MethodPtr MakeMethod() {
  return ssl::MakeSimClr(ssl::MakeEncoder({}, Rng(1)), {}, Rng(2));
}

// The loss of images beside their mirror images, which Python computes, too.
double FirstLoss(const ssl::Dataset& data, const Options& options) {
  const ssl::MethodPtr method = MakeMethod();
  method->train();
  const ssl::Batch batch =
      data.Gather(torch::arange(options.batch), torch::kCPU);
  ssl::Views views;
  views.views = {{ssl::ViewKind::kGlobal, batch.images, {}},
                 {ssl::ViewKind::kGlobal, batch.images.flip({3}), {}}};
  views.sample_index = batch.sample_index;
  views.label = batch.label;
  return method->Step(views, {}).at(ssl::kLoss).item<double>();
}

void WriteInputs(const fs::path& folder, const ssl::Dataset& data) {
  const ssl::MethodPtr method = MakeMethod();
  nn::Safetensors weights;
  for (const auto& item : method->named_parameters()) {
    weights.tensors[item.key()] = item.value();
  }
  for (const auto& item : method->named_buffers()) {
    if (item.key().ends_with("num_batches_tracked")) continue;
    weights.tensors[item.key()] = item.value();
  }
  nn::WriteSafetensors(folder / "weights.safetensors", weights);
  std::ofstream file(folder / "images.raw", std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.images.data_ptr<uint8_t>()),
             data.images.numel());
  if (!file) {
    throw Error(ErrorCode::kFailure, folder.string() + ": cannot be written");
  }
}

double SecondsPerStep(const ssl::Dataset& data, const Options& options) {
  const ssl::MethodPtr method = MakeMethod();
  method->to(vis::ToTorchDevice(options.device));
  ssl::TrainerOptions trainer;
  trainer.batch = options.batch;
  trainer.schedule.kind = ssl::ScheduleKind::kConstant;
  trainer.measure_every = 0;
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  trainer.steps = 1;  // what is made on first use
  ssl::TrainMethod(*method, data, trainer, {}, context);
  trainer.steps = options.steps;
  return ssl::TrainMethod(*method, data, trainer, {}, context).seconds /
         static_cast<double>(options.steps);
}

Json RunPython(const Options& options, const fs::path& folder, int threads) {
  const std::string command = fmt::format(
      "OMP_NUM_THREADS={} OPENBLAS_NUM_THREADS=1 {} {} {} {} --side {} "
      "--batch {} --steps {} --threads {} --device {}",
      threads, options.python, options.script,
      (folder / "weights.safetensors").string(),
      (folder / "images.raw").string(), options.side_px, options.batch,
      options.steps, threads, options.device);
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

void Compare(const Options& options, const ssl::Dataset& data,
             const fs::path& folder, int threads) {
  vis::SetTorchThreads(threads);
  const double loss = FirstLoss(data, options);
  std::vector<double> ours;
  std::vector<double> python;
  double difference = 0.0;
  std::string version;
  // Turn by turn, so that a busy machine slows both.
  for (int round = 0; round < options.rounds; ++round) {
    ours.push_back(SecondsPerStep(data, options));
    const Json report = RunPython(options, folder, threads);
    python.push_back(report["seconds"].get<double>());
    difference =
        std::max(difference, std::abs(report["loss"].get<double>() - loss));
    version = report["torch"].get<std::string>();
  }
  const double best = *std::ranges::min_element(ours);
  const double best_python = *std::ranges::min_element(python);
  fmt::print(
      "| {} | {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.1e} | {} / {} |\n",
      options.device, threads, 1.0 / Median(ours), 1.0 / Median(python),
      Median(ours) / Median(python), best / best_python, difference,
      vis::TorchVersion(), version);
  std::fflush(stdout);
}

void Run(const Options& options) {
  const ssl::Dataset data = MapTiles(options);
  const fs::path folder = fs::temp_directory_path() /
                          fmt::format("mapweave_ssl_throughput_{}", getpid());
  fs::create_directories(folder);
  WriteInputs(folder, data);
  fmt::print(
      "`ssl_throughput`: SimCLR, ResNet-18, batches of {} tiles of {} px, "
      "views included; medians of {} turns of {} steps:\n\n"
      "| device | threads | LibTorch steps/s | Python steps/s | ratio of the "
      "times | ratio of the fastest | difference of the first loss | versions "
      "|\n|---|---|---|---|---|---|---|---|\n",
      options.batch, options.side_px, options.rounds, options.steps);
  for (const int threads : options.threads) {
    Compare(options, data, folder, threads);
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  CLI::App app("Self-supervised training, LibTorch against Python");
  mapweave::Options options;
  options.script = MAPWEAVE_BENCH_DIR "/ssl_throughput.py";
  app.add_option("--python", options.python, "With PyTorch");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N");
  app.add_option("--batch", options.batch)->check(CLI::Range(2, 128));
  app.add_option("--side-px", options.side_px)->check(CLI::Range(32, 512));
  app.add_option("--steps", options.steps)->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  try {
    mapweave::Run(options);
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "ssl_throughput: {} {}\n", error.Message(),
               error.Hint());
    return 1;
  }
  return 0;
}
