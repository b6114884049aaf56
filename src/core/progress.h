// SPDX-License-Identifier: MIT
//
// Progress of long work: a bar with the time left on a terminal, a log line
// now and then elsewhere, nothing when switched off.
#pragma once

#include "core/cancel.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace mapweave {

enum class ProgressMode {
  kAuto,   // a bar if stderr is a terminal, else nothing
  kBar,    // always a bar
  kPlain,  // a log line at every tenth
  kNone,
};

// Parses "auto", "bar", "plain" or "none"; throws Error{kUsage}.
ProgressMode ParseProgressMode(const std::string& text);

// Thread-safe. One stage at a time: Start closes the stage before it.
class Progress {
 public:
  explicit Progress(ProgressMode mode = ProgressMode::kNone);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` in units of the caller's choice; 0 when unknown. `done` units are
  // counted as finished before this process began, so that the time left of a
  // resumed run is right.
  void Start(const std::string& stage, int64_t total, int64_t done = 0);
  void Advance(int64_t units = 1);
  void Finish();

  // In [0, 1]; never falls within a stage.
  double Fraction() const;

 private:
  void Draw(bool force);

  ProgressMode mode_;
  mutable std::mutex mutex_;
  std::string stage_;
  int64_t total_ = 0;
  int64_t done_ = 0;
  int64_t done_before_ = 0;
  int last_tenth_ = -1;
  bool open_ = false;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
};

// "1 h 02 min", "3 min 20 s" or "12 s".
std::string FormatDuration(double seconds);

// What long work is given: where to report and when to stop. Borrowed.
struct RunContext {
  Progress& progress;
  const CancelToken& cancel;
};

}  // namespace mapweave
