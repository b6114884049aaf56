// SPDX-License-Identifier: MIT
#include "tracking/series_alignment.h"

#include "core/error.h"
#include "tracking/registration.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace mapweave::tracking {
namespace {

constexpr int kWindow = 128;
// Of the last round, when the editions lie nearly on each other: smaller ones
// follow the field more closely.
constexpr int kLastWindow = 64;
// Frames narrower than some large windows are cut into small ones.
constexpr int kSmallWindow = 64;
constexpr int kSmallFrame = 512;
// Side of a part that is read at once, pixels of the frame.
constexpr int kPartSide = 1024;
// How far features look around a pixel.
constexpr int kFeatureMargin = 40;
// Whole-sheet shifts are searched in images up to this size.
constexpr int kFinestShiftSide = 800;
// How far two editions may still lie apart, in pixels of the frame, after the
// whole-sheet estimate and after each round of fields.
constexpr int kFirstRadius = 16;
constexpr int kNextRadius = 8;
constexpr int kLastRadius = 5;
// Nodes are never nearer than this, pixels of the frame: no single building is
// bent by itself.
constexpr double kLeastSpacing = 96.0;
// Nodes of the first fields, in windows.
constexpr double kFirstSpacing = 2.0;
constexpr double kFirstBend = 0.05;
constexpr double kLastBend = 0.12;
// Matches may differ from their neighbours by this many pixels of the frame.
constexpr double kNeighbourTolerance = 2.0;

int Reduced(int px, int reduction) { return (px + reduction - 1) / reduction; }

cv::Size FrameSize(const SeriesAlignmentOptions& options, int reduction) {
  return {Reduced(options.grid_size.width, reduction),
          Reduced(options.grid_size.height, reduction)};
}

cv::Rect WindowsOf(cv::Size frame, const LocalMatchOptions& match) {
  return {0, 0, Reduced(frame.width, match.stride_px),
          Reduced(frame.height, match.stride_px)};
}

int WindowFor(cv::Size frame) {
  return std::min(frame.width, frame.height) < kSmallFrame ? kSmallWindow
                                                           : kWindow;
}

FeatureImage FeaturesOf(const EditionView& view) {
  return {StructureFeatures(view.rgb, view.coverage), view.coverage};
}

// The frame as it would be read with a displacement, from what was read
// without one.
EditionView Warped(const EditionView& view, const DisplacementField& field,
                   int reduction) {
  if (field.IsEmpty()) return view;
  cv::Mat map(view.rgb.size(), CV_32FC2);
  const double px = reduction;
  for (int row = 0; row < map.rows; ++row) {
    for (int col = 0; col < map.cols; ++col) {
      const Point2d p =
          field.ApplyInverse({(col + 0.5) * px, (row + 0.5) * px});
      // OpenCV's pixel centres lie at whole numbers.
      map.at<cv::Vec2f>(row, col) = {static_cast<float>(p.x / px - 0.5),
                                     static_cast<float>(p.y / px - 0.5)};
    }
  }
  EditionView warped;
  cv::remap(view.rgb, warped.rgb, map, {}, cv::INTER_LINEAR,
            cv::BORDER_CONSTANT, cv::Scalar::all(255));
  cv::remap(view.coverage, warped.coverage, map, {}, cv::INTER_NEAREST,
            cv::BORDER_CONSTANT, cv::Scalar(0));
  return warped;
}

class Alignment {
 public:
  Alignment(const SeriesAlignmentOptions& options, const ReadView& read)
      : options_(options),
        read_(read),
        fields_(options.editions),
        matched_share_(options.editions) {
    const int side =
        std::max(options.grid_size.width, options.grid_size.height);
    overview_reduction_ = Reduced(side, options.overview_px);
    reduction_ =
        std::clamp(static_cast<int>(options.finest_m / options.metres_per_px),
                   1, overview_reduction_);
  }

  SeriesAlignment Run() {
    ReadOverviews();
    FindShifts();
    FindSimilarities();
    if (std::count(aligned_.begin(), aligned_.end(), true) > 1) {
      FitOverviews();
      FitParts();
    }
    return Result();
  }

 private:
  void ReadOverviews() {
    const cv::Rect all({0, 0}, FrameSize(options_, overview_reduction_));
    for (size_t e = 0; e < options_.editions; ++e) {
      overviews_.push_back(read_({e, &fields_[e], overview_reduction_, all}));
    }
  }

  ShiftOptions WholeShift() const {
    ShiftOptions shift;
    shift.max_shift_px =
        std::max(2.0, options_.max_shift_m /
                          (options_.metres_per_px * overview_reduction_));
    shift.min_confidence = options_.min_confidence;
    // The local matches that follow look further than what is left.
    shift.finest_side_px = kFinestShiftSide;
    return shift;
  }

  void FindShifts() {
    std::vector<FeatureImage> features;
    for (const EditionView& view : overviews_) {
      features.push_back(FeaturesOf(view));
    }
    const double px = overview_reduction_;
    shifts_ = EstimateSeriesShifts(features, {WholeShift()}).editions;
    for (size_t e = 0; e < options_.editions; ++e) {
      AffineDisplacement start;
      start.centre =
          0.5 * px *
          cv::Point2d(overviews_[e].rgb.cols, overviews_[e].rgb.rows);
      start.shift = px * shifts_[e].shift;
      affine_.push_back(start);
      aligned_.push_back(shifts_[e].is_confident);
      if (aligned_[e] && e + 1 < options_.editions) {
        fields_[e] =
            DisplacementField::Constant({start.shift.x, start.shift.y});
      }
    }
  }

  // Editions that no shift alone brings onto the others may be turned or
  // stretched. Each that is found serves to find the next.
  void FindSimilarities() {
    bool found = true;
    while (found) {
      found = false;
      for (size_t e = options_.editions; e-- > 0;) {
        if (aligned_[e]) continue;
        for (const size_t other : AlignedNear(e)) {
          found = found || FindSimilarity(e, other);
          if (aligned_[e]) break;
        }
      }
    }
  }

  // The newest edition and the next aligned ones before and after.
  std::vector<size_t> AlignedNear(size_t edition) const {
    std::vector<size_t> near;
    for (size_t e = edition; e-- > 0 && near.empty();) {
      if (aligned_[e]) near.push_back(e);
    }
    const size_t newest = options_.editions - 1;
    size_t next = edition + 1;
    while (next < newest && !aligned_[next]) ++next;
    if (next < newest) near.push_back(next);
    if (edition != newest && aligned_[newest]) near.push_back(newest);
    return near;
  }

  bool FindSimilarity(size_t edition, size_t other) {
    SimilarityOptions options;
    options.shift = WholeShift();
    const SimilarityEstimate estimate =
        EstimateSimilarity(FeaturesOf(overviews_[edition]),
                           FeaturesOf(Warped(overviews_[other], fields_[other],
                                             overview_reduction_)),
                           options);
    if (!estimate.shift.is_confident) return false;
    shifts_[edition].confidence =
        std::min(shifts_[other].confidence, estimate.shift.confidence);
    aligned_[edition] = true;
    const double c = estimate.scale * std::cos(estimate.rotation_rad);
    const double s = estimate.scale * std::sin(estimate.rotation_rad);
    affine_[edition].linear = {c - 1.0, -s, s, c - 1.0};
    affine_[edition].shift =
        static_cast<double>(overview_reduction_) * estimate.shift.shift;
    FieldFitOptions coarse;
    coarse.size = options_.grid_size;
    coarse.spacing_px = kFirstSpacing * kWindow * overview_reduction_;
    fields_[edition] = FitFields({}, affine_, coarse)[edition];
    return true;
  }

  LocalMatchOptions MatchOptions(cv::Size frame, int radius) const {
    LocalMatchOptions match;
    match.window_px = WindowFor(frame);
    match.stride_px = match.window_px;
    match.radius_px = radius;
    return match;
  }

  void FitOverviews() {
    const cv::Size frame = FrameSize(options_, overview_reduction_);
    const LocalMatchOptions match = MatchOptions(frame, kFirstRadius);
    FramePart part;
    part.area = {{0, 0}, frame};
    part.windows = WindowsOf(frame, match);
    for (size_t e = 0; e < options_.editions; ++e) {
      part.editions.push_back(aligned_[e]
                                  ? FeaturesOf(Warped(overviews_[e], fields_[e],
                                                      overview_reduction_))
                                  : FeatureImage{});
    }
    const double window = match.window_px * overview_reduction_;
    FitFrom(LikeNeighbours(MatchLocally(part, match), kNeighbourTolerance),
            overview_reduction_, {kFirstSpacing * window, kFirstBend});
  }

  // Matches of the whole frame, read part by part, as the fields now move it.
  std::vector<LocalMatch> MatchFrame(const LocalMatchOptions& match) const {
    const cv::Size frame = FrameSize(options_, reduction_);
    const cv::Rect windows = WindowsOf(frame, match);
    std::vector<LocalMatch> matches;
    const int side = std::max(1, kPartSide / match.stride_px);
    for (int row = 0; row < windows.height; row += side) {
      for (int col = 0; col < windows.width; col += side) {
        const auto found = MatchLocally(
            ReadPart(cv::Rect(col, row, side, side) & windows, frame, match),
            match);
        matches.insert(matches.end(), found.begin(), found.end());
      }
    }
    return LikeNeighbours(matches, kNeighbourTolerance);
  }

  void FitParts() {
    const cv::Size frame = FrameSize(options_, reduction_);
    // The first fields are good to about a pixel of the overview.
    LocalMatchOptions match = MatchOptions(
        frame,
        std::max(kNextRadius, 2 * Reduced(overview_reduction_, reduction_)));
    const double window = match.window_px * reduction_;
    if (reduction_ < overview_reduction_) {
      FitFrom(MatchFrame(match), reduction_, {window, kFirstBend});
    }
    match.radius_px = kNextRadius;
    if (match.window_px > kLastWindow) {
      FitFrom(MatchFrame(match), reduction_,
              {kLeastSpacing * reduction_, kLastBend});
      match.window_px = kLastWindow;
      match.radius_px = kLastRadius;
    }
    match.stride_px = match.window_px / 2;
    const std::vector<LocalMatch> matches = MatchFrame(match);
    CountMatched(matches, match);
    SeriesFitOptions fit;
    fit.size = options_.grid_size;
    if (!options_.affine_only) {
      const double least = kLeastSpacing * reduction_;
      fit.candidates = {{4.0 * window, 0.02},
                        {2.0 * window, 0.02},
                        {std::max(window, least), 0.02},
                        {std::max(window, least), 0.05},
                        {std::max(window, least), kLastBend},
                        {least, kLastBend}};
    }
    fit.overlap = match.window_px / match.stride_px;
    fit_ =
        FitSeries(matches, TiesOf(matches, fields_, reduction_), affine_, fit);
  }

  void CountMatched(const std::vector<LocalMatch>& matches,
                    const LocalMatchOptions& match) {
    std::vector<cv::Mat> coverage;
    for (size_t e = 0; e < options_.editions; ++e) {
      coverage.push_back(
          aligned_[e]
              ? Warped(overviews_[e], fields_[e], overview_reduction_).coverage
              : cv::Mat::zeros(overviews_[e].coverage.size(), CV_8UC1));
    }
    const double px = static_cast<double>(reduction_) / overview_reduction_;
    const cv::Rect windows = WindowsOf(FrameSize(options_, reduction_), match);
    std::vector<size_t> covered(options_.editions);
    for (int row = 0; row < windows.height; ++row) {
      for (int col = 0; col < windows.width; ++col) {
        const cv::Rect2d window(col * match.stride_px, row * match.stride_px,
                                match.window_px, match.window_px);
        const cv::Rect box =
            cv::Rect(cvFloor(px * window.x), cvFloor(px * window.y),
                     cvCeil(px * window.width), cvCeil(px * window.height)) &
            cv::Rect({0, 0}, coverage.front().size());
        std::vector<size_t> showing;
        for (size_t e = 0; e < options_.editions; ++e) {
          if (!box.empty() && cv::countNonZero(coverage[e](box)) >=
                                  match.min_coverage * box.area()) {
            showing.push_back(e);
          }
        }
        if (showing.size() < 2) continue;
        for (const size_t e : showing) ++covered[e];
      }
    }
    std::vector<std::set<std::pair<int, int>>> matched(options_.editions);
    for (const LocalMatch& found : matches) {
      matched[found.a].emplace(found.window.y, found.window.x);
      matched[found.b].emplace(found.window.y, found.window.x);
    }
    for (size_t e = 0; e < options_.editions; ++e) {
      matched_share_[e] = std::min(
          1.0, static_cast<double>(matched[e].size()) /
                   static_cast<double>(std::max<size_t>(1, covered[e])));
    }
  }

  // Fields of one kind, to start the next round from.
  void FitFrom(const std::vector<LocalMatch>& matches, int reduction,
               SeriesFitOptions::Candidate kind) {
    const std::vector<Tie> ties = TiesOf(matches, fields_, reduction);
    affine_ = FitAffine(ties, affine_);
    FieldFitOptions field;
    field.size = options_.grid_size;
    field.spacing_px = std::max(kind.spacing_px, kLeastSpacing * reduction);
    field.bend = kind.bend;
    fields_ = FitFields(ties, affine_, field);
    for (size_t e = 0; e < options_.editions; ++e) {
      if (!aligned_[e]) fields_[e] = {};
    }
  }

  FramePart ReadPart(cv::Rect windows, cv::Size frame,
                     const LocalMatchOptions& match) const {
    const int margin = MatchMargin(match) + kFeatureMargin;
    const int step = match.stride_px;
    const int more = match.window_px - step + 2 * margin;
    FramePart part;
    part.windows = windows;
    part.area =
        cv::Rect(windows.x * step - margin, windows.y * step - margin,
                 windows.width * step + more, windows.height * step + more) &
        cv::Rect({0, 0}, frame);
    for (size_t e = 0; e < options_.editions; ++e) {
      part.editions.push_back(
          aligned_[e]
              ? FeaturesOf(read_({e, &fields_[e], reduction_, part.area}))
              : FeatureImage{});
    }
    return part;
  }

  // Over the covered part of the overview.
  cv::Point2d MeanShift(size_t edition, const DisplacementField& field) const {
    constexpr int kStep = 16;
    const cv::Mat& coverage = overviews_[edition].coverage;
    const double px = overview_reduction_;
    cv::Point2d sum;
    int count = 0;
    for (int row = kStep / 2; row < coverage.rows; row += kStep) {
      for (int col = kStep / 2; col < coverage.cols; col += kStep) {
        if (coverage.at<uint8_t>(row, col) == 0) continue;
        const Point2d d = field.At({col * px, row * px});
        sum += cv::Point2d(d.x, d.y);
        ++count;
      }
    }
    return count > 0 ? sum / count : sum;
  }

  SeriesAlignment Result() {
    SeriesAlignment result;
    result.chosen = fit_.chosen;
    for (size_t e = 0; e < options_.editions; ++e) {
      EditionAlignment edition;
      edition.aligned = aligned_[e];
      edition.confidence = shifts_[e].confidence;
      if (aligned_[e]) {
        if (!fit_.editions.empty()) edition.fit = std::move(fit_.editions[e]);
        edition.mean_shift = MeanShift(e, edition.fit.field);
        edition.matched_share = matched_share_[e];
      }
      result.editions.push_back(std::move(edition));
    }
    return result;
  }

  const SeriesAlignmentOptions& options_;
  const ReadView& read_;
  int overview_reduction_ = 1;
  int reduction_ = 1;
  std::vector<EditionView> overviews_;
  std::vector<EditionShift> shifts_;
  std::vector<bool> aligned_;
  std::vector<AffineDisplacement> affine_;
  std::vector<DisplacementField> fields_;
  std::vector<double> matched_share_;
  SeriesFit fit_;
};

}  // namespace

void SeriesAlignmentOptions::Validate() const {
  if (grid_size.width < 1 || grid_size.height < 1 || !(metres_per_px > 0.0) ||
      !(max_shift_m >= 0.0) || !(finest_m > 0.0)) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("editions of {} x {} px of {} m cannot be aligned within "
                    "{} m at {} m",
                    grid_size.width, grid_size.height, metres_per_px,
                    max_shift_m, finest_m),
        "All must be positive.");
  }
  if (!(min_confidence >= 0.0 && min_confidence <= 1.0) || overview_px < 64) {
    throw Error(ErrorCode::kUsage,
                fmt::format("min_confidence is {}, overview_px is {}",
                            min_confidence, overview_px),
                "Give a number in [0, 1], and 64 pixels or more.");
  }
}

SeriesAlignment AlignSeries(const SeriesAlignmentOptions& options,
                            const ReadView& read) {
  options.Validate();
  if (options.editions == 0) return {};
  return Alignment(options, read).Run();
}

}  // namespace mapweave::tracking
