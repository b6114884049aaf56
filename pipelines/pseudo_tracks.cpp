// SPDX-License-Identifier: MIT
#include "pipelines/pseudo_tracks.h"

#include "core/error.h"
#include "core/random.h"
#include "models/vis/segmenter.h"
#include "tracking/box_index.h"
#include "tracking/stitch.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <thread>
#include <utility>

namespace mapweave::pipelines {
namespace {

using tracking::Clip;
using tracking::Mask;
using tracking::Track;
using tracking::TrackSet;

constexpr uint64_t kViewStream = 0x7669657773ULL;
// Doubt reaches this far beyond what was found.
constexpr int kDoubtPx = 2;

// One way to look at a window. Turns come before the mirror.
struct View {
  cv::Point offset;
  int quarter_turns = 0;  // clockwise
  bool mirrored = false;
  std::array<int, 3> channels = {0, 1, 2};
  double gain = 1.0;
};

View DrawView(int index, const PseudoTrackOptions& options, Rng rng) {
  View view;
  if (index == 0) return view;
  const int most = options.max_offset_px;
  view.offset = {static_cast<int>(rng.Int(-most, most)),
                 static_cast<int>(rng.Int(-most, most))};
  view.quarter_turns = static_cast<int>(rng.Int(0, 3));
  view.mirrored = rng.Chance(0.5);
  for (size_t i = 3; i > 1; --i) {
    std::swap(view.channels[i - 1], view.channels[static_cast<size_t>(rng.Int(
                                        0, static_cast<int64_t>(i) - 1))]);
  }
  view.gain = rng.Uniform(0.85, 1.15);
  return view;
}

cv::Mat Turned(const cv::Mat& image, const View& view) {
  constexpr std::array<int, 4> kTurns = {0, cv::ROTATE_90_CLOCKWISE,
                                         cv::ROTATE_180,
                                         cv::ROTATE_90_COUNTERCLOCKWISE};
  cv::Mat result = image;
  if (view.quarter_turns != 0) {
    cv::rotate(image, result, kTurns[static_cast<size_t>(view.quarter_turns)]);
  }
  if (view.mirrored) cv::flip(result, result, 1);
  return result.clone();
}

cv::Mat Recoloured(const cv::Mat& rgb, const View& view) {
  cv::Mat result(rgb.size(), rgb.type());
  const std::array<int, 6> pairs = {view.channels[0], 0, view.channels[1], 1,
                                    view.channels[2], 2};
  cv::mixChannels(&rgb, 1, &result, 1, pairs.data(), 3);
  result.convertTo(result, -1, view.gain, 128.0 * (1.0 - view.gain));
  return result;
}

// Of a view `side` pixels wide and high, in the pixels before it was turned.
Mask TurnedBack(const Mask& mask, const View& view, int side) {
  if (view.quarter_turns == 0 && !view.mirrored) return mask;
  std::vector<tracking::Run> runs;
  for (const tracking::Run& run : mask.Runs()) {
    for (int col = run.begin; col < run.end; ++col) {
      cv::Point p(view.mirrored ? side - 1 - col : col, run.row);
      for (int i = 0; i < view.quarter_turns; ++i) p = {p.y, side - 1 - p.x};
      runs.push_back({p.y, p.x, p.x + 1});
    }
  }
  return Mask::FromRuns(std::move(runs));
}

cv::Rect BoundsOf(const Track& track) {
  cv::Rect box;
  for (const Mask& mask : track.masks) box |= mask.Bounds();
  return box;
}

// What one view finds, in grid pixels.
TrackSet Look(const Clip& wide, const cv::Rect& wide_box, const cv::Rect& box,
              const View& view, vis::Segmenter& segmenter) {
  const cv::Rect seen = box + view.offset;
  const cv::Rect within = seen - wide_box.tl();
  Clip clip;
  for (size_t t = 0; t < wide.frames.size(); ++t) {
    clip.frames.push_back(
        Turned(Recoloured(wide.frames[t](within), view), view));
    clip.coverage.push_back(Turned(wide.coverage[t](within), view));
  }
  TrackSet tracks = segmenter.Segment(clip).tracks;
  for (Track& track : tracks) {
    for (Mask& mask : track.masks) {
      mask = TurnedBack(mask, view, seen.width).Translated(seen.x, seen.y);
    }
  }
  return tracks;
}

// Pixels that more than half of the masks hold.
Mask Majority(const std::vector<const Mask*>& masks) {
  cv::Rect box;
  for (const Mask* mask : masks) box |= mask->Bounds();
  if (box.empty()) return {};
  cv::Mat votes = cv::Mat::zeros(box.size(), CV_8UC1);
  cv::Mat one(box.size(), CV_8UC1);
  for (const Mask* mask : masks) {
    one.setTo(0);
    mask->Paint(one, 1, box.tl());
    votes += one;
  }
  return Mask::FromImage(votes > static_cast<double>(masks.size()) / 2.0,
                         box.tl());
}

Mask Grown(const Mask& mask, int by) {
  std::vector<tracking::Run> runs;
  for (const tracking::Run& run : mask.Runs()) {
    for (int dy = -by; dy <= by; ++dy) {
      runs.push_back({run.row + dy, run.begin - by, run.end + by});
    }
  }
  return Mask::FromRuns(std::move(runs));
}

struct WindowFindings {
  TrackSet believed;
  std::vector<Mask> doubtful;  // per edition
  int64_t doubted = 0;
};

// Weighs the views' tracks of one window against each other.
WindowFindings Weigh(const std::vector<TrackSet>& views, const cv::Rect& core,
                     size_t editions, const PseudoTrackOptions& options) {
  WindowFindings findings;
  findings.doubtful.resize(editions);
  std::vector<tracking::BoxIndex> index(views.size());
  for (size_t v = 1; v < views.size(); ++v) {
    for (size_t k = 0; k < views[v].size(); ++k) {
      index[v].Insert(static_cast<int>(k), BoundsOf(views[v][k]));
    }
  }
  std::vector<std::vector<tracking::Run>> claimed(editions);
  for (const Track& track : views.front()) {
    const cv::Rect box = BoundsOf(track);
    // Every track belongs to the one window in whose core its middle lies.
    if (!core.contains({box.x + box.width / 2, box.y + box.height / 2})) {
      continue;
    }
    std::vector<const Track*> same = {&track};
    for (size_t v = 1; v < views.size(); ++v) {
      const Track* best = nullptr;
      double best_iou = options.min_iou;
      for (const int k : index[v].Overlapping(box)) {
        const Track& other = views[v][static_cast<size_t>(k)];
        const double iou = tracking::SpatioTemporalIoU(track, other);
        if (iou < best_iou) continue;
        best = &other;
        best_iou = iou;
      }
      if (best != nullptr) same.push_back(best);
    }
    const double share = views.size() > 1
                             ? static_cast<double>(same.size() - 1) /
                                   static_cast<double>(views.size() - 1)
                             : 1.0;
    if (share < options.min_agreement) {
      ++findings.doubted;
      continue;
    }
    std::vector<Mask> masks;
    for (size_t t = 0; t < editions; ++t) {
      std::vector<const Mask*> votes;
      for (const Track* one : same) votes.push_back(&one->masks[t]);
      masks.push_back(Majority(votes));
      claimed[t].insert(claimed[t].end(), masks.back().Runs().begin(),
                        masks.back().Runs().end());
    }
    findings.believed.push_back(
        tracking::TrackAsDrawn(std::move(masks), track.score));
  }
  for (size_t t = 0; t < editions; ++t) {
    const Mask sure = Mask::FromRuns(std::move(claimed[t]));
    std::vector<tracking::Run> found;
    for (const TrackSet& tracks : views) {
      for (const Track& track : tracks) {
        const Mask rest = track.masks[t].Difference(sure);
        // The rim of a building is where views always differ a little.
        if (rest.Area() * 2 <= track.masks[t].Area()) continue;
        const Mask doubt = Grown(rest, kDoubtPx);
        found.insert(found.end(), doubt.Runs().begin(), doubt.Runs().end());
      }
    }
    findings.doubtful[t] =
        Mask::FromRuns(std::move(found)).Difference(sure).Clipped(core);
  }
  return findings;
}

class PseudoLabeller {
 public:
  PseudoLabeller(const Project& project, const PseudoTrackOptions& options)
      : project_(project), options_(options) {
    tracking::WindowOptions plan;
    plan.size_px = options.window_px;
    plan.overlap_px = 2 * options.border_px;
    windows_ =
        tracking::PlanWindows(cv::Size(static_cast<int>(project.grid.width),
                                       static_cast<int>(project.grid.height)),
                              plan);
    for (size_t t = 0; t < project.editions.size(); ++t) {
      readers_.push_back(OpenEdition(project, t));
    }
  }

  size_t Windows() const { return windows_.size(); }

  std::vector<geo::EditionReader> ForkReaders() const {
    std::vector<geo::EditionReader> readers;
    for (const geo::EditionReader& reader : readers_) {
      readers.push_back(reader.Fork());
    }
    return readers;
  }

  WindowFindings Find(size_t window, vis::Segmenter& segmenter,
                      std::vector<geo::EditionReader>& readers) const {
    const cv::Point middle =
        (windows_[window].box.tl() + windows_[window].box.br()) / 2;
    const int side = options_.window_px;
    // Square whatever the grid, so that it can be turned.
    const cv::Rect box(middle.x - side / 2, middle.y - side / 2, side, side);
    const int margin = options_.max_offset_px;
    const cv::Rect wide(box.x - margin, box.y - margin, side + 2 * margin,
                        side + 2 * margin);
    Clip clip;
    bool any = false;
    for (geo::EditionReader& reader : readers) {
      geo::Pixels pixels =
          reader.Read({wide.x, wide.y, wide.width, wide.height});
      clip.frames.push_back(BorrowMat(pixels.rgb).clone());
      clip.coverage.push_back(BorrowMat(pixels.coverage).clone());
      any = any || cv::countNonZero(clip.coverage.back()) > 0;
    }
    std::vector<TrackSet> views;
    const Rng rng = Rng(options_.seed, kViewStream).Fork(window);
    for (int v = 0; v < options_.views; ++v) {
      if (!any) {
        views.emplace_back();
        continue;
      }
      const View view =
          DrawView(v, options_, rng.Fork(static_cast<uint64_t>(v)));
      views.push_back(Look(clip, wide, box, view, segmenter));
    }
    return Weigh(views, windows_[window].core, readers.size(), options_);
  }

 private:
  const Project& project_;
  const PseudoTrackOptions& options_;
  std::vector<tracking::Window> windows_;
  std::vector<geo::EditionReader> readers_;
};

PseudoLabels Join(std::vector<WindowFindings> findings,
                  const Project& project) {
  PseudoLabels result;
  const size_t editions = project.editions.size();
  std::vector<std::vector<tracking::Run>> doubt(editions);
  for (WindowFindings& window : findings) {
    result.believed += static_cast<int64_t>(window.believed.size());
    result.doubted += window.doubted;
    for (Track& track : window.believed) {
      result.labels.tracks.push_back(std::move(track));
    }
    for (size_t t = 0; t < editions; ++t) {
      const auto& runs = window.doubtful[t].Runs();
      doubt[t].insert(doubt[t].end(), runs.begin(), runs.end());
    }
  }
  const cv::Rect grid(0, 0, static_cast<int>(project.grid.width),
                      static_cast<int>(project.grid.height));
  std::vector<tracking::Run> rows;
  for (int row = 0; row < grid.height; ++row) {
    rows.push_back({row, 0, grid.width});
  }
  for (size_t t = 0; t < editions; ++t) {
    result.labels.editions.push_back(t);
    result.labels.extent.push_back(Mask::FromRuns(rows));
    result.labels.doubtful.push_back(Mask::FromRuns(std::move(doubt[t])));
  }
  return result;
}

}  // namespace

void PseudoTrackOptions::Validate() const {
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(
        ErrorCode::kUsage,
        fmt::format("the option {} of pseudo-tracks is {}", name, value),
        "set it within its range");
  };
  require(views >= 2 && views <= 64, "views", views);
  require(window_px >= 64 && window_px <= 4096, "window_px", window_px);
  require(border_px >= 0 && 4 * border_px <= window_px, "border_px", border_px);
  require(max_offset_px >= 0 && max_offset_px <= window_px / 4, "max_offset_px",
          max_offset_px);
  require(min_iou > 0.0 && min_iou <= 1.0, "min_iou", min_iou);
  require(min_agreement >= 0.0 && min_agreement <= 1.0, "min_agreement",
          min_agreement);
  require(threads >= 1, "threads", threads);
}

PseudoLabels FindPseudoTracks(const Project& project,
                              const std::string& checkpoint,
                              const PseudoTrackOptions& options,
                              RunContext& context) {
  options.Validate();
  const PseudoLabeller labeller(project, options);
  vis::SetTorchThreads(1);
  const std::string device = vis::ResolveDevice(options.device);
  std::vector<std::unique_ptr<vis::Segmenter>> segmenters;
  segmenters.push_back(vis::LoadSegmenter(checkpoint, {.device = device}));
  for (int i = 1; i < options.threads; ++i) {
    segmenters.push_back(segmenters.front()->Clone());
  }
  std::vector<WindowFindings> findings(labeller.Windows());
  std::vector<std::exception_ptr> failures(segmenters.size());
  std::atomic<size_t> next{0};
  context.progress.Start("look", static_cast<int64_t>(findings.size()));
  const auto work = [&](size_t worker) {
    try {
      std::vector<geo::EditionReader> readers = labeller.ForkReaders();
      for (size_t i = next++; i < findings.size(); i = next++) {
        context.cancel.ThrowIfCancelled();
        findings[i] = labeller.Find(i, *segmenters[worker], readers);
        context.progress.Advance();
      }
    } catch (...) {
      failures[worker] = std::current_exception();
      next = findings.size();
    }
  };
  {
    std::vector<std::jthread> workers;  // join when they go out of scope
    for (size_t i = 1; i < segmenters.size(); ++i)
      workers.emplace_back(work, i);
    work(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  context.progress.Finish();
  return Join(std::move(findings), project);
}

}  // namespace mapweave::pipelines
