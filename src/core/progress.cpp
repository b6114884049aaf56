// SPDX-License-Identifier: MIT
#include "core/progress.h"

#include "core/error.h"
#include "core/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unistd.h>

namespace mapweave {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBarCells = 24;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);

}  // namespace

ProgressMode ParseProgressMode(const std::string& text) {
  if (text == "auto") return ProgressMode::kAuto;
  if (text == "bar") return ProgressMode::kBar;
  if (text == "plain") return ProgressMode::kPlain;
  if (text == "none") return ProgressMode::kNone;
  throw Error(ErrorCode::kUsage, "unknown progress mode '" + text + "'",
              "Use auto, bar, plain or none.");
}

Progress::Progress(ProgressMode mode) : mode_(mode) {
  if (mode_ == ProgressMode::kAuto) {
    mode_ = isatty(STDERR_FILENO) ? ProgressMode::kBar : ProgressMode::kNone;
  }
}

Progress::~Progress() { Finish(); }

void Progress::Start(const std::string& stage, int64_t total, int64_t done) {
  Finish();
  std::lock_guard<std::mutex> lock(mutex_);
  stage_ = stage;
  total_ = total;
  done_ = done;
  done_before_ = done;
  last_tenth_ = -1;
  open_ = true;
  started_ = Clock::now();
  drawn_ = started_ - kRedrawInterval;
  Draw(true);
}

void Progress::Advance(int64_t units) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!open_ || units <= 0) return;
  done_ += units;
  if (total_ > 0) done_ = std::min(done_, total_);
  Draw(false);
}

void Progress::Finish() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!open_) return;
  open_ = false;
  if (mode_ == ProgressMode::kBar) WriteStderr("", true);
}

double Progress::Fraction() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_)
                    : 0.0;
}

void Progress::Draw(bool force) {
  if (mode_ == ProgressMode::kNone || mode_ == ProgressMode::kAuto) return;
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const int64_t here = done_ - done_before_;
  std::string left;
  if (total_ > 0 && here > 0) {
    left = FormatDuration(seconds / static_cast<double>(here) *
                          static_cast<double>(total_ - done_)) +
           " left";
  }
  const double fraction =
      total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_)
                 : 0.0;
  if (mode_ == ProgressMode::kPlain) {
    const int tenth = static_cast<int>(std::floor(fraction * 10.0));
    if (tenth == last_tenth_) return;
    last_tenth_ = tenth;
    LogInfo("{}: {} of {} {}", stage_, done_, total_, left);
    return;
  }
  if (!force && done_ != total_ && now - drawn_ < kRedrawInterval) return;
  drawn_ = now;
  const int filled = static_cast<int>(std::lround(fraction * kBarCells));
  WriteStderr(
      fmt::format("{:<10} [{}{}] {:3.0f} %  {}", stage_,
                  std::string(filled, '#'),
                  std::string(kBarCells - filled, '.'), fraction * 100.0, left),
      true);
}

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) {
    return fmt::format("{} h {:02d} min", whole / 3600, whole / 60 % 60);
  }
  if (whole >= 60)
    return fmt::format("{} min {:02d} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace mapweave
