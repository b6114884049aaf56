// SPDX-License-Identifier: MIT
#include "models/vis/batch_loader.h"

#include "core/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>

namespace mapweave::vis {
namespace {

using tracking::LabelledClip;

// Batches that wait at most for the arithmetic, per loading thread.
constexpr int64_t kPrefetch = 2;
// Streams of Rng(seed): clips, steps and losses must not share theirs.
constexpr uint64_t kClipStream = uint64_t{1} << 62;
constexpr uint64_t kStepStream = uint64_t{1} << 61;
constexpr uint64_t kLossStream = uint64_t{1} << 60;
constexpr int64_t kSizeUnit = 16;

// Applies `change` to every image of the clip.
template <typename Change>
void ForEachImage(LabelledClip& labelled, const Change& change) {
  for (auto* images :
       {&labelled.clip.frames, &labelled.clip.coverage, &labelled.labels}) {
    for (cv::Mat& image : *images) {
      cv::Mat changed;
      change(image, changed);
      image = changed;
    }
  }
}

void CheckClip(const LabelledClip& labelled) {
  const auto& frames = labelled.clip.frames;
  const auto& coverage = labelled.clip.coverage;
  bool fits = !frames.empty() && frames.size() == coverage.size() &&
              frames.size() == labelled.labels.size();
  for (size_t t = 0; fits && t < frames.size(); ++t) {
    fits = frames[t].type() == CV_8UC3 && coverage[t].type() == CV_8UC1 &&
           labelled.labels[t].type() == CV_32SC1 && !frames[t].empty() &&
           frames[t].size() == frames[0].size() &&
           coverage[t].size() == frames[0].size() &&
           labelled.labels[t].size() == frames[0].size();
  }
  fits = fits &&
         (labelled.groups.empty() || labelled.groups.size() == frames.size());
  if (!fits) {
    throw Error(ErrorCode::kBadInput,
                "a training clip's frames, coverage and labels do not fit "
                "together");
  }
}

// Keeps `editions` of the clip's, at random, in their order.
void ThinEditions(LabelledClip& labelled, int64_t editions, Rng& rng) {
  std::vector<size_t> kept(labelled.labels.size());
  std::iota(kept.begin(), kept.end(), 0);
  rng.Shuffle(kept);
  kept.resize(static_cast<size_t>(editions));
  std::sort(kept.begin(), kept.end());
  LabelledClip thinned;
  for (const size_t t : kept) {
    thinned.clip.frames.push_back(labelled.clip.frames[t]);
    thinned.clip.coverage.push_back(labelled.clip.coverage[t]);
    thinned.labels.push_back(labelled.labels[t]);
    if (!labelled.groups.empty()) thinned.groups.push_back(labelled.groups[t]);
  }
  labelled = std::move(thinned);
}

void Crop(LabelledClip& labelled, int side, Rng& rng) {
  const cv::Size size = labelled.labels[0].size();
  const int width = std::min(side, size.width);
  const int height = std::min(side, size.height);
  const cv::Rect box(static_cast<int>(rng.Int(0, size.width - width)),
                     static_cast<int>(rng.Int(0, size.height - height)), width,
                     height);
  ForEachImage(labelled, [&](const cv::Mat& from, cv::Mat& to) {
    to = from(box).clone();
  });
}

// Gain, offset, blur and noise of one edition, and the clip's colour order.
void ChangeColours(cv::Mat& frame, const std::array<int, 3>& order,
                   const AugmentOptions& options, Rng& rng) {
  const double gain = 1.0 + rng.Uniform(-options.gain, options.gain);
  const double offset = 255.0 * rng.Uniform(-options.offset, options.offset);
  const double noise = 255.0 * rng.Uniform(0.0, options.noise);
  const bool blur = rng.Chance(options.blur);
  cv::Mat changed = frame;
  if (blur) cv::GaussianBlur(frame, changed, {3, 3}, 0.8);
  // A table of deviates, read in a scrambled order: drawing one per value would
  // cost more than everything else here.
  constexpr size_t kDeviates = 1024;
  std::array<int, kDeviates> deviates{};
  for (int& deviate : deviates) {
    deviate = static_cast<int>(std::lround(rng.Normal(0.0, noise)));
  }
  std::array<int, 256> table{};
  for (int i = 0; i < 256; ++i) {
    table[static_cast<size_t>(i)] =
        static_cast<int>(std::lround(128.0 + gain * (i - 128.0) + offset));
  }
  uint64_t scrambled = rng.Next() | 1;
  cv::Mat result(changed.size(), CV_8UC3);
  for (int row = 0; row < changed.rows; ++row) {
    const auto* from = changed.ptr<uint8_t>(row);
    auto* to = result.ptr<uint8_t>(row);
    for (int col = 0; col < changed.cols; ++col, from += 3, to += 3) {
      for (size_t c = 0; c < 3; ++c) {
        scrambled = scrambled * 6364136223846793005ULL + 1442695040888963407ULL;
        const int value =
            table[from[order[c]]] + deviates[(scrambled >> 54) % kDeviates];
        to[c] = static_cast<uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
  frame = result;
}

// Clip `slot` of a batch whose arrays are zero.
void FillClip(const LabelledClip& labelled, size_t slot, Batch& batch) {
  const size_t editions = labelled.labels.size();
  const auto width = static_cast<size_t>(batch.width);
  const size_t frame_pixels = static_cast<size_t>(batch.height) * width;
  std::unordered_map<int32_t, int32_t> numbers;
  for (size_t t = 0; t < editions; ++t) {
    const cv::Mat& frame = labelled.clip.frames[t];
    const size_t start = (slot * editions + t) * frame_pixels;
    for (int row = 0; row < frame.rows; ++row) {
      const auto* colours = frame.ptr<uint8_t>(row);
      const auto* covered = labelled.clip.coverage[t].ptr<uint8_t>(row);
      const auto* labels = labelled.labels[t].ptr<int32_t>(row);
      const size_t first = start + static_cast<size_t>(row) * width;
      uint8_t* to = batch.pixels.data() + first * 4;
      int32_t* label_to = batch.labels.data() + first;
      for (int col = 0; col < frame.cols; ++col, colours += 3, to += 4) {
        std::copy_n(colours, 3, to);
        to[3] = covered[col] != 0 ? 1 : 0;
        if (covered[col] == 0 || labels[col] <= 0) continue;
        const auto next = static_cast<int32_t>(numbers.size()) + 1;
        label_to[col] = numbers.try_emplace(labels[col], next).first->second;
      }
    }
  }
  batch.tracks.push_back(static_cast<int32_t>(numbers.size()));
  std::copy(
      labelled.groups.begin(), labelled.groups.end(),
      batch.groups.begin() + static_cast<std::ptrdiff_t>(slot * editions));
  if (batch.dense) {
    batch.dense->Fill(static_cast<int64_t>(slot), labelled.labels,
                      labelled.clip.coverage);
  }
}

}  // namespace

void Augment(LabelledClip& labelled, const AugmentOptions& options, Rng& rng) {
  if (options.reverse_time && rng.Chance(0.5)) {
    std::reverse(labelled.clip.frames.begin(), labelled.clip.frames.end());
    std::reverse(labelled.clip.coverage.begin(), labelled.clip.coverage.end());
    std::reverse(labelled.labels.begin(), labelled.labels.end());
    std::reverse(labelled.groups.begin(), labelled.groups.end());
  }
  if (options.rotate && rng.Chance(0.75)) {
    const std::array<int, 3> turns = {cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180,
                                      cv::ROTATE_90_COUNTERCLOCKWISE};
    const int turn = turns[static_cast<size_t>(rng.Int(0, 2))];
    ForEachImage(labelled, [turn](const cv::Mat& from, cv::Mat& to) {
      cv::rotate(from, to, turn);
    });
  }
  // With the turns, one flip reaches all eight positions.
  if (options.flip && rng.Chance(0.5)) {
    ForEachImage(labelled, [](const cv::Mat& from, cv::Mat& to) {
      cv::flip(from, to, 1);
    });
  }
  std::array<int, 3> order = {0, 1, 2};
  if (options.permute_colours) {
    for (size_t i = 3; i > 1; --i) {
      std::swap(
          order[i - 1],
          order[static_cast<size_t>(rng.Int(0, static_cast<int64_t>(i) - 1))]);
    }
  }
  for (cv::Mat& frame : labelled.clip.frames) {
    ChangeColours(frame, order, options, rng);
  }
}

Batch MakeBatch(const std::vector<LabelledClip>& clips, TargetKind targets,
                const BatchSize& least) {
  MAPWEAVE_CHECK(!clips.empty());
  auto rows = static_cast<int>(least.height);
  auto cols = static_cast<int>(least.width);
  for (const LabelledClip& labelled : clips) {
    CheckClip(labelled);
    if (labelled.labels.size() != clips[0].labels.size()) {
      throw Error(ErrorCode::kBadInput,
                  "clips of one batch differ in their number of editions");
    }
    rows = std::max(rows, labelled.labels[0].rows);
    cols = std::max(cols, labelled.labels[0].cols);
  }
  const auto round_up = [](int64_t size) {
    return (size + kSizeUnit - 1) / kSizeUnit * kSizeUnit;
  };
  Batch batch;
  batch.clips = static_cast<int64_t>(clips.size());
  batch.joined_clips = batch.clips;
  batch.editions = static_cast<int64_t>(clips[0].labels.size());
  batch.height = round_up(rows);
  batch.width = round_up(cols);
  const auto frames = static_cast<size_t>(batch.clips * batch.editions);
  const auto frame_pixels = static_cast<size_t>(batch.height * batch.width);
  batch.pixels.assign(frames * frame_pixels * 4, 0);
  batch.labels.assign(frames * frame_pixels, 0);
  batch.groups.assign(frames, "");
  if (targets == TargetKind::kDense) {
    batch.dense.emplace(batch.clips, batch.editions, batch.height, batch.width);
  }
  for (size_t b = 0; b < clips.size(); ++b) FillClip(clips[b], b, batch);
  return batch;
}

BatchLoader::BatchLoader(const tracking::ClipSource& source,
                         const TrainOptions& options, TargetKind targets,
                         LoaderStart start)
    : source_(source),
      options_(options),
      targets_(targets),
      take_step_(start.step),
      claim_step_(start.step),
      claim_clip_(start.clip) {
  for (int i = 0; i < options.loader_threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

BatchLoader::Plan BatchLoader::PlanStep(int64_t step,
                                        uint64_t first_clip) const {
  Rng rng(options_.seed, kStepStream + static_cast<uint64_t>(step));
  Plan plan;
  plan.step = step;
  plan.first_clip = first_clip;
  plan.editions = rng.Int(options_.min_editions, options_.max_editions);
  plan.clips = std::max<int64_t>(1, options_.frames_per_step / plan.editions);
  const nn::ProcessOptions& processes = options_.processes;
  plan.begin = plan.clips * processes.rank / processes.size;
  plan.end = plan.clips * (processes.rank + 1) / processes.size;
  return plan;
}

std::vector<LabelledClip> BatchLoader::Load(const Plan& plan) const {
  std::vector<LabelledClip> clips;
  for (int64_t i = plan.begin; i < plan.end; ++i) {
    clips.push_back(source_.Get(plan.first_clip + static_cast<uint64_t>(i)));
    CheckClip(clips.back());
  }
  return clips;
}

Batch BatchLoader::Make(const Plan& plan, std::vector<LabelledClip> clips,
                        const BatchSize& size) const {
  int64_t editions = size.editions;
  for (const LabelledClip& labelled : clips) {
    editions = std::min(editions, static_cast<int64_t>(labelled.labels.size()));
  }
  for (size_t i = 0; i < clips.size(); ++i) {
    const int64_t place = plan.begin + static_cast<int64_t>(i);
    Rng rng(options_.seed,
            kClipStream + plan.first_clip + static_cast<uint64_t>(place));
    ThinEditions(clips[i], editions, rng);
    if (options_.crop > 0) Crop(clips[i], options_.crop, rng);
    Augment(clips[i], options_.augment, rng);
  }
  Batch batch = MakeBatch(clips, targets_, size);
  batch.seed =
      Rng(options_.seed, kLossStream + static_cast<uint64_t>(plan.step)).Next();
  batch.first_clip = plan.begin;
  batch.joined_clips = plan.clips;
  return batch;
}

void BatchLoader::Work() {
  const int64_t ahead = kPrefetch * options_.loader_threads;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(
        lock, [&] { return stopping_ || claim_step_ < take_step_ + ahead; });
    if (stopping_) return;
    const Plan plan = PlanStep(claim_step_, claim_clip_);
    ++claim_step_;
    claim_clip_ += static_cast<uint64_t>(plan.clips);
    lock.unlock();
    Made made;
    made.plan = plan;
    try {
      std::vector<LabelledClip> clips = Load(plan);
      // Images are shared with the copy, and nothing changes them in place.
      if (options_.processes.size > 1) made.clips = clips;
      made.batch = Make(plan, std::move(clips), {plan.editions, 0, 0});
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    ready_[plan.step] = std::move(made);
    changed_.notify_all();
  }
}

Batch BatchLoader::Take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.contains(take_step_); });
  taken_ = std::move(ready_.extract(take_step_).mapped());
  ++take_step_;
  lock.unlock();
  changed_.notify_all();
  if (taken_.error) std::rethrow_exception(taken_.error);
  return std::move(*taken_.batch);
}

Batch BatchLoader::Retake(const BatchSize& size) const {
  MAPWEAVE_CHECK(!taken_.clips.empty());
  return Make(taken_.plan, taken_.clips, size);
}

}  // namespace mapweave::vis
