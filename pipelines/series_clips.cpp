// SPDX-License-Identifier: MIT
#include "pipelines/series_clips.h"

#include "core/error.h"
#include "core/random.h"
#include "tracking/box_index.h"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

namespace mapweave::pipelines {
namespace {

using tracking::LabelledClip;
using tracking::Mask;

constexpr uint64_t kClipStream = 0x6c6162656c73ULL;
// Places get smaller until there are so many of them, or so small.
constexpr size_t kEnoughPlaces = 10;
constexpr int kSmallestPlacePx = 32;
// Share of the clips from places without a building.
constexpr double kBare = 0.15;
// A clip is drawn again if less of it counts.
constexpr double kLeastCounted = 0.25;
constexpr int kAttempts = 12;

cv::Rect BoundsOf(const tracking::Track& track) {
  cv::Rect box;
  for (const Mask& mask : track.masks) box |= mask.Bounds();
  return box;
}

int FloorDiv(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// The square of the lattice that holds the point.
cv::Point PlaceOf(const cv::Point& p, int side) {
  return {FloorDiv(p.x, side), FloorDiv(p.y, side)};
}

cv::Rect BoxOf(const cv::Point& place, int side) {
  return {place.x * side, place.y * side, side, side};
}

struct ByRow {
  bool operator()(const cv::Point& a, const cv::Point& b) const {
    return std::pair(a.y, a.x) < std::pair(b.y, b.x);
  }
};
using PlaceSet = std::set<cv::Point, ByRow>;

// Readers of all labelled editions, lent to one thread at a time.
class ReaderPool {
 public:
  using Readers = std::vector<geo::EditionReader>;

  ReaderPool(const Project& project, const std::vector<size_t>& editions) {
    for (const size_t t : editions) {
      prototypes_.push_back(OpenEdition(project, t));
    }
  }

  Readers Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      Readers readers;
      for (const geo::EditionReader& reader : prototypes_) {
        readers.push_back(reader.Fork());
      }
      return readers;
    }
    Readers readers = std::move(idle_.back());
    idle_.pop_back();
    return readers;
  }

  void GiveBack(Readers readers) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(readers));
  }

 private:
  std::mutex mutex_;
  Readers prototypes_;
  std::vector<Readers> idle_;
};

// What all clips of a series share.
struct Stock {
  Stock(const Project& project, SeriesLabels said,
        const PlacedClipOptions& options);

  void ChoosePlaces(const PlacedClipOptions& options);
  // 1 where the labels of edition `t` say what is there, wherever it is held
  // out.
  cv::Mat Known(const cv::Rect& box, size_t t) const;
  LabelledClip Cut(const cv::Rect& box,
                   const std::vector<size_t>& editions) const;
  // Makes what is held out unknown.
  void HideHeldOut(const cv::Rect& box, const std::vector<size_t>& editions,
                   LabelledClip& clip) const;

  SeriesLabels labels;
  std::vector<cv::Rect> bounds;  // of tracks
  tracking::BoxIndex index;
  int place_px = 0;
  // Places with a building, and places that are labelled as bare ground.
  std::vector<cv::Point> training;
  std::vector<cv::Point> bare;
  std::vector<cv::Point> held_out;
  PlaceSet is_held_out;
  std::vector<bool> touches_held_out;  // by track
  mutable ReaderPool readers;
};

Stock::Stock(const Project& project, SeriesLabels said,
             const PlacedClipOptions& options)
    : labels(std::move(said)), readers(project, labels.editions) {
  MAPWEAVE_CHECK(!labels.editions.empty());
  MAPWEAVE_CHECK(labels.extent.size() == labels.editions.size());
  MAPWEAVE_CHECK(labels.doubtful.empty() ||
                 labels.doubtful.size() == labels.editions.size());
  const cv::Rect grid(0, 0, static_cast<int>(project.grid.width),
                      static_cast<int>(project.grid.height));
  std::erase_if(labels.tracks, [&](const tracking::Track& track) {
    return (BoundsOf(track) & grid).empty();
  });
  if (labels.tracks.empty()) {
    throw Error(ErrorCode::kBadInput, "no labelled building lies on the series",
                "Compare the CRS and the place of the labels with those of the "
                "sheets ('mapweave info').");
  }
  for (size_t k = 0; k < labels.tracks.size(); ++k) {
    bounds.push_back(BoundsOf(labels.tracks[k]));
    index.Insert(static_cast<int>(k), bounds.back());
  }
  ChoosePlaces(options);
}

void Stock::ChoosePlaces(const PlacedClipOptions& options) {
  const auto middle = [](const cv::Rect& box) {
    return cv::Point(box.x + box.width / 2, box.y + box.height / 2);
  };
  std::vector<cv::Point> built;
  for (place_px = options.size_px;; place_px /= 2) {
    PlaceSet places;
    for (const cv::Rect& box : bounds) {
      places.insert(PlaceOf(middle(box), place_px));
    }
    built.assign(places.begin(), places.end());
    if (built.size() >= kEnoughPlaces || place_px / 2 < kSmallestPlacePx) break;
  }
  Rng(kSplitSeed).Shuffle(built);
  const auto cut =
      built.begin() + static_cast<int64_t>(options.HeldOutOf(built.size()));
  held_out.assign(built.begin(), cut);
  built.erase(built.begin(), cut);
  is_held_out.insert(held_out.begin(), held_out.end());
  training = std::move(built);
  PlaceSet others;
  for (const Mask& mask : labels.extent) {
    for (const tracking::Run& run : mask.Runs()) {
      if (run.row % (place_px / 2) != 0) continue;
      const int last = PlaceOf({run.end - 1, run.row}, place_px).x;
      cv::Point place = PlaceOf({run.begin, run.row}, place_px);
      for (; place.x <= last; ++place.x) {
        if (!is_held_out.contains(place)) others.insert(place);
      }
    }
  }
  for (const cv::Point& place : training) others.erase(place);
  bare.assign(others.begin(), others.end());
  for (const cv::Rect& box : bounds) {
    bool touches = false;
    const cv::Point from = PlaceOf(box.tl(), place_px);
    const cv::Point to = PlaceOf(box.br() - cv::Point(1, 1), place_px);
    for (int y = from.y; y <= to.y; ++y) {
      for (int x = from.x; x <= to.x; ++x) {
        touches = touches || is_held_out.contains({x, y});
      }
    }
    touches_held_out.push_back(touches);
  }
}

cv::Mat Stock::Known(const cv::Rect& box, size_t t) const {
  cv::Mat known = cv::Mat::zeros(box.size(), CV_8UC1);
  labels.extent[t].Paint(known, 1, box.tl());
  if (!labels.doubtful.empty()) labels.doubtful[t].Paint(known, 0, box.tl());
  return known;
}

LabelledClip Stock::Cut(const cv::Rect& box,
                        const std::vector<size_t>& editions) const {
  LabelledClip clip;
  const std::vector<int> present = index.Overlapping(box);
  ReaderPool::Readers lent = readers.Take();
  for (const size_t t : editions) {
    geo::Pixels pixels = lent[t].Read({box.x, box.y, box.width, box.height});
    clip.clip.frames.push_back(BorrowMat(pixels.rgb).clone());
    clip.clip.coverage.push_back(BorrowMat(pixels.coverage).clone());
    cv::Mat image = cv::Mat::zeros(box.size(), CV_32SC1);
    for (const int k : present) {
      labels.tracks[static_cast<size_t>(k)].masks[t].Paint(image, k + 1,
                                                           box.tl());
    }
    image.setTo(kUnknownLabel, Known(box, t) == 0);
    image.setTo(0, clip.clip.coverage.back() == 0);
    clip.labels.push_back(image);
  }
  readers.GiveBack(std::move(lent));
  return clip;
}

void Stock::HideHeldOut(const cv::Rect& box,
                        const std::vector<size_t>& editions,
                        LabelledClip& clip) const {
  const cv::Point from = PlaceOf(box.tl(), place_px);
  const cv::Point to = PlaceOf(box.br() - cv::Point(1, 1), place_px);
  for (int y = from.y; y <= to.y; ++y) {
    for (int x = from.x; x <= to.x; ++x) {
      if (!is_held_out.contains({x, y})) continue;
      const cv::Rect hidden = (BoxOf({x, y}, place_px) & box) - box.tl();
      for (cv::Mat& image : clip.labels) image(hidden) = kUnknownLabel;
    }
  }
  for (const int k : index.Overlapping(box)) {
    if (!touches_held_out[static_cast<size_t>(k)]) continue;
    const tracking::Track& track = labels.tracks[static_cast<size_t>(k)];
    for (size_t i = 0; i < editions.size(); ++i) {
      track.masks[editions[i]].Paint(clip.labels[i], kUnknownLabel, box.tl());
    }
  }
}

class TrainingClips : public tracking::ClipSource {
 public:
  TrainingClips(std::shared_ptr<const Stock> stock,
                const PlacedClipOptions& options)
      : stock_(std::move(stock)), options_(options) {}

  LabelledClip Get(uint64_t index) const override {
    Rng rng = Rng(options_.seed, kClipStream).Fork(index);
    const std::vector<size_t> editions =
        DrawPositions(stock_->labels.editions.size(),
                      static_cast<size_t>(options_.max_editions), rng);
    const int size = options_.size_px;
    cv::Rect box(0, 0, size, size);
    for (int i = 0; i < kAttempts; ++i) {
      const bool is_bare = rng.Chance(kBare) && !stock_->bare.empty();
      const cv::Rect place =
          BoxOf(rng.Pick(is_bare ? stock_->bare : stock_->training),
                stock_->place_px);
      box.x = place.x - size / 2 + static_cast<int>(rng.Int(0, place.width));
      box.y = place.y - size / 2 + static_cast<int>(rng.Int(0, place.height));
      const cv::Mat known = stock_->Known(box, editions.front());
      if (cv::countNonZero(known) >= kLeastCounted * size * size) break;
    }
    LabelledClip clip = stock_->Cut(box, editions);
    stock_->HideHeldOut(box, editions, clip);
    tracking::RenumberLabels(clip.labels);
    return clip;
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
    const cv::Point& place = stock_->held_out[index % stock_->held_out.size()];
    std::vector<size_t> editions(stock_->labels.editions.size());
    std::iota(editions.begin(), editions.end(), 0);
    LabelledClip clip = stock_->Cut(BoxOf(place, stock_->place_px), editions);
    // A network is judged on all paper that it is shown.
    for (size_t t = 0; t < editions.size(); ++t) {
      const cv::Mat unknown = clip.labels[t] == kUnknownLabel;
      clip.clip.coverage[t].setTo(0, unknown);
      clip.labels[t].setTo(0, unknown);
    }
    tracking::RenumberLabels(clip.labels);
    return clip;
  }

 private:
  std::shared_ptr<const Stock> stock_;
};

}  // namespace

PlacedClips MakeSeriesClips(const Project& project, SeriesLabels labels,
                            const PlacedClipOptions& options) {
  options.Validate();
  const auto stock =
      std::make_shared<const Stock>(project, std::move(labels), options);
  PlacedClips clips;
  clips.training = std::make_shared<TrainingClips>(stock, options);
  clips.held_out_places = static_cast<int64_t>(stock->held_out.size());
  if (clips.held_out_places > 0) {
    clips.held_out = std::make_shared<HeldOutClips>(stock);
  }
  clips.training_buildings = std::ranges::count(stock->touches_held_out, false);
  clips.held_out_buildings = std::ranges::count(stock->touches_held_out, true);
  return clips;
}

}  // namespace mapweave::pipelines
