// SPDX-License-Identifier: MIT
#include "pipelines/videos.h"

#include "core/error.h"
#include "core/random.h"
#include "geo/scan_reader.h"
#include "pipelines/image_file.h"
#include "tracking/youtube_vis.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWindowStream = 0x77696e646f7773ULL;
// Colours, coverage and the labels of the pseudo-instances.
constexpr int64_t kBytesPerPixel = 8;
// Windows with less paper are passed over.
constexpr double kMinPaper = 0.1;

cv::Mat MatFrom(const ImageU8& image) {
  return cv::Mat(image.height, image.width, CV_8UC(image.channels),
                 const_cast<uint8_t*>(image.data.data()))
      .clone();
}

std::vector<geo::Window> WindowsOf(const geo::ScanReader& reader,
                                   const MapSheetOptions& options) {
  const int64_t pixels = int64_t{reader.Width()} * reader.Height();
  if (pixels <= options.whole_sheet_px)
    return {{0, 0, reader.Width(), reader.Height()}};
  std::vector<geo::Window> windows;
  const int side = options.window_px;
  for (int row = 0; row + side / 2 < reader.Height(); row += side) {
    for (int col = 0; col + side / 2 < reader.Width(); col += side) {
      windows.push_back({col, row, std::min(side, reader.Width() - col),
                         std::min(side, reader.Height() - row)});
    }
  }
  return windows;
}

// The clip's frames as files and its tracks as a video of the document.
tracking::VisVideo WriteClip(const tracking::LabelledClip& clip, int64_t index,
                             const fs::path& folder, Overwrite overwrite) {
  tracking::VisVideo video;
  video.id = index + 1;
  video.size = clip.labels.at(0).size();
  video.tracks = tracking::TracksFromLabels(clip.labels);
  const std::string name = fmt::format("{:06}", index);
  fs::create_directories(folder / name);
  for (size_t t = 0; t < clip.clip.frames.size(); ++t) {
    video.frames.push_back(fmt::format("{}/{}.png", name, t));
    WriteImage(folder / video.frames.back(), clip.clip.frames[t], overwrite);
  }
  return video;
}

std::vector<tracking::VisVideo> WriteClips(const synth::VideoClipSource& source,
                                           const VideoSetOptions& options,
                                           const fs::path& folder,
                                           Overwrite overwrite,
                                           RunContext& context) {
  std::vector<tracking::VisVideo> videos(static_cast<size_t>(options.count));
  std::vector<std::exception_ptr> failures(
      static_cast<size_t>(options.threads));
  std::atomic<int64_t> next{0};
  const auto work = [&](size_t worker) {
    try {
      for (int64_t i = next++; i < options.count; i = next++) {
        context.cancel.ThrowIfCancelled();
        videos[static_cast<size_t>(i)] = WriteClip(
            source.Get(static_cast<uint64_t>(i)), i, folder, overwrite);
        context.progress.Advance();
      }
    } catch (...) {
      failures[worker] = std::current_exception();
      next = options.count;
    }
  };
  std::vector<std::thread> workers;
  for (int t = 1; t < options.threads; ++t)
    workers.emplace_back(work, static_cast<size_t>(t));
  work(0);
  for (std::thread& worker : workers) worker.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return videos;
}

}  // namespace

void MapSheetOptions::Validate() const {
  const auto require = [](bool condition, const char* name, int64_t value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage, fmt::format("{} is {}", name, value),
                "set it within the range that --help gives");
  };
  require(downsample >= 1 && downsample <= 64, "downsample", downsample);
  require(window_px >= 256 && window_px <= 8192, "window_px", window_px);
  require(memory_mb >= 64, "memory_mb", memory_mb);
}

std::vector<synth::MapSheet> ReadMapSheets(
    const std::vector<std::string>& paths, const MapSheetOptions& options,
    RunContext& context) {
  options.Validate();
  const int64_t budget =
      options.memory_mb * int64_t{500'000} / kBytesPerPixel /
      std::max<int64_t>(1, static_cast<int64_t>(paths.size()));
  std::vector<synth::MapSheet> sheets;
  context.progress.Start("read", static_cast<int64_t>(paths.size()));
  for (size_t i = 0; i < paths.size(); ++i) {
    context.cancel.ThrowIfCancelled();
    geo::ScanReaderOptions scan;
    scan.downsample = options.downsample;
    geo::ScanReader reader(paths[i], scan);
    std::vector<geo::Window> windows = WindowsOf(reader, options);
    Rng rng(options.seed, kWindowStream + i);
    rng.Shuffle(windows);
    int64_t held = 0;
    for (const geo::Window& window : windows) {
      const int64_t pixels = int64_t{window.width} * window.height;
      if (held > 0 && held + pixels > budget) break;
      const geo::Pixels read = reader.Read(window);
      synth::MapSheet sheet{paths[i], MatFrom(read.rgb),
                            MatFrom(read.coverage)};
      const bool paper = cv::countNonZero(sheet.coverage) >
                         kMinPaper * static_cast<double>(pixels);
      if (!paper && windows.size() > 1) continue;
      sheets.push_back(std::move(sheet));
      held += pixels;
    }
    context.progress.Advance();
  }
  context.progress.Finish();
  return sheets;
}

VideoSetReport WriteVideoSet(const VideoSetOptions& options,
                             Overwrite overwrite, RunContext& context) {
  if (options.output.empty() && options.preview.empty()) {
    throw Error(ErrorCode::kUsage, "nothing to write",
                "Give a folder with -o, or a picture with --preview.");
  }
  options.clips.Validate();
  VideoSetReport report;
  report.preview = options.preview;
  if (!options.preview.empty()) CheckWritable(options.preview, overwrite);
  fs::path folder = options.output;
  if (!options.output.empty()) {
    fs::path annotations = folder / "annotations.json";
    if (folder.extension() == ".json") {
      annotations = folder;
      folder = folder.parent_path();
    }
    if (!folder.empty()) fs::create_directories(folder);
    CheckWritable(annotations, overwrite);
    report.annotations = annotations.string();
  }
  const synth::VideoClipSource source(
      ReadMapSheets(options.sheets, options.reading, context), options.clips,
      options.threads);
  report.pseudo_instances = source.PseudoInstances();
  if (!options.preview.empty()) {
    WriteContactSheet(source, options.preview_clips, options.clips.max_frames,
                      options.preview, overwrite);
  }
  if (!options.output.empty()) {
    context.progress.Start("clips", options.count);
    tracking::VisDocument document;
    document.description = "Synthetic videos from unlabelled maps";
    document.videos = WriteClips(source, options, folder, overwrite, context);
    context.progress.Finish();
    report.clips = options.count;
    for (const tracking::VisVideo& video : document.videos)
      report.tracks += static_cast<int64_t>(video.tracks.size());
    WriteFileAtomically(report.annotations,
                        tracking::ToYoutubeVis(document).dump(), overwrite);
  }
  return report;
}

Json ToJson(const VideoSetReport& report) {
  Json document = {{"pseudo_instances", report.pseudo_instances}};
  if (!report.preview.empty()) document["preview"] = report.preview;
  if (!report.annotations.empty()) {
    document["annotations"] = report.annotations;
    document["clips"] = report.clips;
    document["tracks"] = report.tracks;
  }
  return document;
}

}  // namespace mapweave::pipelines
