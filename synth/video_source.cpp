// SPDX-License-Identifier: MIT
#include "synth/video_source.h"

#include "core/error.h"
#include "core/log.h"
#include "core/random.h"
#include "synth/video_frames.h"
#include "synth/video_stock.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace mapweave::synth {
namespace {

// Keeps the seeds of videos apart from those of worlds and their clips.
constexpr uint64_t kVideoNamespace = 0x766964656f73ULL;

// Room around a clip on its plate, beyond what the registration error needs.
constexpr int kMarginPx = 8;
// A chance in decoys and changes where there is no building to count.
constexpr double kChangesOfEmpty = 1.5;
// Of edits that last from one frame to an earlier end than the last.
constexpr double kEpisode = 0.2;

StockSheet MakeSheet(const MapSheet& sheet, const VideoOptions& options) {
  return MakeStockSheet(sheet, options.pseudo);
}

}  // namespace

struct VideoClipSource::Stock {
  std::vector<StockSheet> sheets;
  std::vector<Sprite> library;  // of all sheets
  std::vector<double> weights;  // of sheets: their buildings
  std::vector<double> areas;    // of sheets
  LetteringStock lettering;
};

VideoClipSource::VideoClipSource(std::vector<MapSheet> sheets,
                                 VideoOptions options, int threads)
    : options_(std::move(options)) {
  options_.Validate();
  if (sheets.empty()) {
    throw Error(ErrorCode::kUsage, "no sheets to make videos from",
                "give at least one scanned map");
  }
  std::vector<std::optional<StockSheet>> made(sheets.size());
  std::vector<std::exception_ptr> failures(sheets.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < sheets.size(); i = next++) {
      try {
        made[i] = MakeSheet(sheets[i], options_);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
  std::vector<std::jthread> workers;  // join when they go out of scope
  for (int t = 1; t < threads; ++t) workers.emplace_back(work);
  work();
  workers.clear();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);

  auto stock = std::make_shared<Stock>(
      Stock{{}, {}, {}, {}, LetteringStock(options_.seed)});
  std::map<std::string, size_t> found;
  for (std::optional<StockSheet>& sheet : made) {
    found[sheet->name] += sheet->buildings.size();
    stock->weights.push_back(static_cast<double>(sheet->buildings.size()));
    stock->areas.push_back(static_cast<double>(sheet->rgb.total()));
    stock->library.insert(stock->library.end(), sheet->sprites.begin(),
                          sheet->sprites.end());
    stock->sheets.push_back(std::move(*sheet));
  }
  for (const auto& [name, buildings] : found) {
    LogInfo("{}: {} pseudo-instances", name, buildings);
    if (buildings > 0) continue;
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("nothing on {} looks like a building", name),
        "leave the sheet out, read it at another resolution (buildings should "
        "be 5 to 60 pixels wide), or try another --pseudo");
  }
  stock_ = std::move(stock);
}

VideoClipSource VideoClipSource::WithSeed(uint64_t seed) const {
  VideoClipSource other = *this;
  other.options_.seed = seed;
  return other;
}

VideoClipSource::~VideoClipSource() = default;

int64_t VideoClipSource::PseudoInstances() const {
  int64_t sum = 0;
  for (const StockSheet& sheet : stock_->sheets)
    sum += static_cast<int64_t>(sheet.buildings.size());
  return sum;
}

namespace {

// Frames [begin, end) that show an edit: not all of them.
std::pair<int, int> DrawInterval(int frames, Rng& rng) {
  const int at = static_cast<int>(rng.Int(1, frames - 1));
  if (frames > 2 && rng.Chance(kEpisode)) {
    const int end = static_cast<int>(rng.Int(at + 1, frames));
    return {at, end};
  }
  return rng.Chance(0.5) ? std::pair{0, at} : std::pair{at, frames};
}

struct TimedEdit {
  Edit edit;
  int begin = 0;
  int end = 0;
};

std::vector<TimedEdit> DrawEdits(const VideoOptions& options,
                                 const Plate& plate,
                                 const std::vector<Sprite>& library, int frames,
                                 Rng& rng) {
  std::vector<TimedEdit> edits;
  const double buildings = static_cast<double>(plate.buildings.size());
  const double changes =
      rng.Uniform(0.0, options.change) * std::max(buildings, kChangesOfEmpty);
  const auto round = [&](double x) {
    return static_cast<int>(std::floor(x + rng.Uniform()));
  };
  std::vector<VideoOperator> plan;
  std::vector<double> weights;
  for (const auto& [op, weight] : options.operators) weights.push_back(weight);
  if (!weights.empty()) {
    for (int i = round(changes); i > 0; --i)
      plan.push_back(options.operators[rng.Choice(weights)].first);
  }
  for (int i = round(changes * options.decoys); i > 0; --i) {
    plan.push_back(rng.Chance(0.5) ? VideoOperator::kPutBack
                                   : VideoOperator::kGroundPatch);
  }
  rng.Shuffle(plan);
  VideoEditor editor(plate, library);
  for (const VideoOperator op : plan) {
    std::optional<Edit> edit = editor.Make(op, rng);
    if (!edit) continue;
    const auto [begin, end] = DrawInterval(frames, rng);
    edits.push_back({std::move(*edit), begin, end});
  }
  return edits;
}

}  // namespace

tracking::LabelledClip VideoClipSource::Get(uint64_t index) const {
  return Trace(index).clip;
}

TracedClip VideoClipSource::Trace(uint64_t index) const {
  Rng rng = Rng(options_.seed, kVideoNamespace).Fork(index);
  const bool blank = rng.Chance(options_.blank);
  const StockSheet& sheet =
      stock_->sheets[rng.Choice(blank ? stock_->areas : stock_->weights)];
  const double scale = std::exp(
      rng.Uniform(std::log(options_.min_scale), std::log(options_.max_scale)));
  const int margin =
      kMarginPx + static_cast<int>(std::ceil(
                      (options_.max_jitter_px + options_.max_distortion_px +
                       options_.max_rotation_deg * options_.size_px / 80.0) /
                      scale));
  const int side = static_cast<int>(std::ceil(options_.size_px / scale));
  cv::Point centre(static_cast<int>(rng.Int(0, sheet.rgb.cols - 1)),
                   static_cast<int>(rng.Int(0, sheet.rgb.rows - 1)));
  if (!blank) {
    const cv::Rect& box = rng.Pick(sheet.buildings);
    centre = (box.tl() + box.br()) / 2 +
             cv::Point(static_cast<int>(rng.Int(-side / 3, side / 3)),
                       static_cast<int>(rng.Int(-side / 3, side / 3)));
  }
  // As much of the clip as can be lies on the sheet.
  const auto keep_inside = [&](int at, int limit) {
    return limit <= side ? limit / 2
                         : std::clamp(at, side / 2, limit - (side + 1) / 2);
  };
  centre = {keep_inside(centre.x, sheet.rgb.cols),
            keep_inside(centre.y, sheet.rgb.rows)};
  const Plate plate = CutPlate(sheet, centre, side + 2 * margin);
  const int frames =
      static_cast<int>(rng.Int(options_.min_frames, options_.max_frames));
  const std::vector<TimedEdit> edits =
      DrawEdits(options_, plate, stock_->library, frames, rng);
  PastedInstances pasted;
  if (options_.pasted > 0) {
    pasted = DrawPasted(plate, stock_->library,
                        static_cast<int>(rng.Int(1, options_.pasted)), rng);
  }

  TracedClip out;
  for (const TimedEdit& timed : edits)
    out.edits.push_back({timed.edit.op, timed.begin, timed.end, {}});
  const int orientation = options_.flips ? static_cast<int>(rng.Int(0, 7)) : 0;
  const StockSheet& other = rng.Pick(stock_->sheets);
  for (int t = 0; t < frames; ++t) {
    Plate frame = plate;
    frame.rgb = plate.rgb.clone();
    frame.labels = plate.labels.clone();
    for (const TimedEdit& timed : edits) {
      if (t < timed.begin || t >= timed.end) continue;
      Apply(timed.edit, frame.rgb, frame.labels);
    }
    if (!pasted.empty()) PasteInto(pasted, t, rng, frame);
    FillStyle style = FillStyle::kAsDrawn;
    if (rng.Chance(options_.restyle))
      style = static_cast<FillStyle>(rng.Int(1, 3));
    RestyleBuildings(style, sheet.colours, frame.labels, rng, frame.rgb);
    if (rng.Chance(options_.recolour)) {
      sheet.colours.Apply(sheet.colours.DrawColours(other.colours, rng),
                          frame.rgb);
    }
    const Registration registration =
        DrawRegistration(options_, scale, orientation, frame.rgb.cols, rng);
    Frame drawn = WarpFrame(frame, registration, options_.size_px);
    if (rng.Chance(options_.lettering))
      stock_->lettering.Print(sheet.colours.Ink(), rng, drawn.rgb);
    ApplyLook(DrawFrameLook(options_.wear, rng), rng, drawn.rgb);
    for (size_t i = 0; i < edits.size(); ++i) {
      const cv::Rect& box = edits[i].edit.box;
      out.edits[i].centre.push_back(registration.FrameFromPlate(
          {static_cast<float>(box.x) + static_cast<float>(box.width) / 2.0f,
           static_cast<float>(box.y) + static_cast<float>(box.height) / 2.0f}));
    }
    out.clip.clip.frames.push_back(std::move(drawn.rgb));
    out.clip.clip.coverage.push_back(std::move(drawn.coverage));
    out.clip.labels.push_back(std::move(drawn.labels));
  }
  tracking::RenumberLabels(out.clip.labels);
  return out;
}

}  // namespace mapweave::synth
