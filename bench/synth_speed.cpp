// SPDX-License-Identifier: MIT
//
// How many training clips of 128 x 128 pixels and two frames the synthetic
// supplies give per second, with one thread and with two. Wall clock says what
// a training gets on this machine as busy as it is; seconds of processor time
// say what one thread costs, whatever else runs. Prints Markdown for
// docs/measurements.md.
#include "core/error.h"
#include "synth/clip_source.h"
#include "synth/render.h"
#include "synth/video_source.h"
#include "synth/world.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace mapweave {
namespace {

constexpr int kRepeats = 5;

double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Speed {
  double per_wall_second = 0.0;
  double per_processor_second = 0.0;
};

Speed MeasureOnce(const tracking::ClipSource& source, int clips, int threads,
                  uint64_t first) {
  std::atomic<int> next = 0;
  const auto work = [&] {
    for (int i = next++; i < clips; i = next++) {
      const tracking::LabelledClip clip =
          source.Get(first + static_cast<uint64_t>(i));
      MAPWEAVE_CHECK(!clip.labels.empty());
    }
  };
  const auto started = std::chrono::steady_clock::now();
  const double cpu_before = ProcessorSeconds();
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  const double cpu = ProcessorSeconds() - cpu_before;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started)
          .count();
  return {clips / wall, clips / cpu};
}

// The median of each figure over a few repeats on clips of their own.
Speed Measure(const tracking::ClipSource& source, int clips, int threads) {
  std::vector<double> wall;
  std::vector<double> cpu;
  for (int i = 0; i < kRepeats; ++i) {
    const Speed speed =
        MeasureOnce(source, clips, threads,
                    static_cast<uint64_t>(i) * static_cast<uint64_t>(clips));
    wall.push_back(speed.per_wall_second);
    cpu.push_back(speed.per_processor_second);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(cpu.begin(), cpu.end());
  return {wall[kRepeats / 2], cpu[kRepeats / 2]};
}

void Report(const std::string& name, const tracking::ClipSource& source,
            int clips) {
  MeasureOnce(source, clips / 10 + 1, 1, 1u << 20);  // fonts, caches
  const Speed one = Measure(source, clips, 1);
  const Speed two = Measure(source, clips, 2);
  fmt::print("| {} | {:.0f} | {:.0f} | {:.2f} | {:.0f} |\n", name,
             one.per_wall_second, two.per_wall_second,
             two.per_wall_second / one.per_wall_second,
             one.per_processor_second);
}

synth::WorldClipSource Worlds(uint64_t seed) {
  synth::WorldClipOptions options;
  options.seed = seed;
  options.min_editions = options.max_editions = 2;
  return synth::WorldClipSource(options);
}

// Videos are cut from two simulated sheets, so that no data is needed.
synth::VideoClipSource Videos(uint64_t seed) {
  synth::WorldOptions town;
  town.seed = seed;
  town.width_px = town.height_px = 1000;
  town.editions = {"1880", "1900"};
  const synth::World world = synth::MakeWorld(town);
  std::vector<synth::MapSheet> sheets;
  for (int t = 0; t < 2; ++t) {
    synth::RenderOptions drawing;
    drawing.hand = t == 0 ? "cadastre" : "solid-black";
    drawing.seed = seed + static_cast<uint64_t>(t);
    const synth::EditionImage image = RenderEdition(world, t, drawing);
    sheets.push_back({drawing.hand, image.rgb, image.coverage});
  }
  synth::VideoOptions options;
  options.seed = seed;
  options.min_frames = options.max_frames = 2;
  return synth::VideoClipSource(std::move(sheets), options);
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  CLI::App app("Clips per second of the synthetic supplies");
  int clips = 400;
  uint64_t seed = 1;
  app.add_option("--clips", clips, "Per repeat")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  // Threads are those of the clips alone.
  cv::setNumThreads(1);
  try {
    fmt::print(
        "`synth_speed --clips {}`, clips of 128 x 128 px, two frames, median "
        "of {}:\n\n| supply | clips/s, 1 thread | clips/s, 2 threads | ratio | "
        "clips per processor second |\n|---|---|---|---|---|\n",
        clips, mapweave::kRepeats);
    mapweave::Report("worlds", mapweave::Worlds(seed), clips);
    mapweave::Report("videos", mapweave::Videos(seed), clips);
  } catch (const mapweave::Error& error) {
    fmt::print(stderr, "synth_speed: {} {}\n", error.Message(), error.Hint());
    return 1;
  }
  return 0;
}
