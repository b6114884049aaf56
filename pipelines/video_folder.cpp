// SPDX-License-Identifier: MIT
#include "pipelines/video_folder.h"

#include "core/error.h"
#include "core/json.h"
#include "core/random.h"
#include "pipelines/image_file.h"
#include "tracking/youtube_vis.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using tracking::LabelledClip;
using tracking::VisVideo;

constexpr uint64_t kClipStream = 0x766973636c6970ULL;

cv::Mat ReadFrame(const VisVideo& video, size_t frame, const fs::path& folder) {
  const fs::path path = folder / video.frames[frame];
  cv::Mat image = ReadImage(path);
  if (image.size() == video.size) return image;
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("'{}' has {} x {} pixels, its labels {} x {}", path.string(),
                  image.cols, image.rows, video.size.width, video.size.height),
      "Give the frames that the labels were made for (of a simulated world: "
      "'mapweave synth world --frames').");
}

LabelledClip CutClip(const VisVideo& video, const std::vector<size_t>& frames,
                     const cv::Rect& box, const fs::path& folder) {
  LabelledClip clip;
  for (const size_t t : frames) {
    clip.clip.frames.push_back(ReadFrame(video, t, folder)(box).clone());
    clip.clip.coverage.push_back(cv::Mat::ones(box.size(), CV_8UC1));
    cv::Mat labels = cv::Mat::zeros(box.size(), CV_32SC1);
    for (size_t k = 0; k < video.tracks.size(); ++k) {
      video.tracks[k].masks[t].Paint(labels, static_cast<int>(k) + 1, box.tl());
    }
    for (const tracking::Track& crowd : video.crowds) {
      crowd.masks[t].Paint(labels, kUnknownLabel, box.tl());
    }
    clip.labels.push_back(labels);
  }
  tracking::RenumberLabels(clip.labels);
  return clip;
}

std::vector<size_t> AllFrames(const VisVideo& video) {
  std::vector<size_t> frames(video.frames.size());
  std::iota(frames.begin(), frames.end(), 0);
  return frames;
}

int64_t CountBuildings(const std::vector<VisVideo>& videos) {
  int64_t count = 0;
  for (const VisVideo& video : videos) {
    count += static_cast<int64_t>(video.tracks.size());
  }
  return count;
}

struct Stock {
  fs::path folder;
  std::vector<VisVideo> training;
  std::vector<VisVideo> held_out;
};

class TrainingClips : public tracking::ClipSource {
 public:
  TrainingClips(std::shared_ptr<const Stock> stock,
                const PlacedClipOptions& options)
      : stock_(std::move(stock)), options_(options) {}

  LabelledClip Get(uint64_t index) const override {
    Rng rng = Rng(options_.seed, kClipStream).Fork(index);
    const VisVideo& video = rng.Pick(stock_->training);
    const std::vector<size_t> frames = DrawPositions(
        video.frames.size(), static_cast<size_t>(options_.max_editions), rng);
    const int width = std::min(options_.size_px, video.size.width);
    const int height = std::min(options_.size_px, video.size.height);
    const cv::Rect box(static_cast<int>(rng.Int(0, video.size.width - width)),
                       static_cast<int>(rng.Int(0, video.size.height - height)),
                       width, height);
    return CutClip(video, frames, box, stock_->folder);
  }

 private:
  std::shared_ptr<const Stock> stock_;
  PlacedClipOptions options_;
};

class HeldOutClips : public tracking::ClipSource {
 public:
  explicit HeldOutClips(std::shared_ptr<const Stock> stock)
      : stock_(std::move(stock)) {}

  LabelledClip Get(uint64_t index) const override {
    const VisVideo& video = stock_->held_out[index % stock_->held_out.size()];
    return CutClip(video, AllFrames(video), {{0, 0}, video.size},
                   stock_->folder);
  }

 private:
  std::shared_ptr<const Stock> stock_;
};

}  // namespace

bool IsVideoLabels(const fs::path& path) {
  return path.extension() == ".json" && tracking::IsYoutubeVis(ReadJson(path));
}

PlacedClips MakeVideoClips(const fs::path& document, const fs::path& frames,
                           const PlacedClipOptions& options) {
  options.Validate();
  auto stock = std::make_shared<Stock>();
  stock->folder = frames.empty() ? document.parent_path() : frames;
  std::vector<VisVideo> videos =
      tracking::FromYoutubeVis(ReadJson(document), document.string()).videos;
  if (CountBuildings(videos) == 0) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("'{}' holds no labelled building", document.string()),
        "Training needs a document with videos and annotations.");
  }
  std::ranges::sort(videos, {}, &VisVideo::id);
  for (const VisVideo& video : videos) ReadFrame(video, 0, stock->folder);
  Rng(kSplitSeed).Shuffle(videos);
  const auto cut =
      videos.begin() + static_cast<int64_t>(options.HeldOutOf(videos.size()));
  stock->held_out.assign(std::make_move_iterator(videos.begin()),
                         std::make_move_iterator(cut));
  stock->training.assign(std::make_move_iterator(cut),
                         std::make_move_iterator(videos.end()));
  PlacedClips clips;
  clips.training_buildings = CountBuildings(stock->training);
  clips.held_out_buildings = CountBuildings(stock->held_out);
  clips.held_out_places = static_cast<int64_t>(stock->held_out.size());
  clips.training = std::make_shared<TrainingClips>(stock, options);
  if (clips.held_out_places > 0) {
    clips.held_out = std::make_shared<HeldOutClips>(stock);
  }
  return clips;
}

}  // namespace mapweave::pipelines
