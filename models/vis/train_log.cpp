// SPDX-License-Identifier: MIT
#include "models/vis/train_log.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace mapweave::vis {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRecent = 50;
constexpr char kValidationHeader[] =
    "step,seconds,detection_f1,link_f1,track_f1,ap_unlimited,threshold";

// Opens `path` with its header and the old rows whose step is below `end`.
std::ofstream OpenCsv(const std::string& path, const std::string& header,
                      int64_t end) {
  std::vector<std::string> kept;
  if (end > 0) {
    std::ifstream old(path);
    std::string line;
    std::getline(old, line);
    while (std::getline(old, line)) {
      if (std::strtoll(line.c_str(), nullptr, 10) < end) kept.push_back(line);
    }
  }
  std::ofstream stream(path, std::ios::trunc);
  stream << header << '\n';
  for (const std::string& line : kept) stream << line << '\n';
  stream.flush();
  if (!stream) {
    throw Error(ErrorCode::kFailure, path + ": cannot be written",
                "check that its folder exists");
  }
  return stream;
}

}  // namespace

TrainLog::TrainLog(const std::string& path,
                   const std::vector<std::string>& terms, int64_t first_step)
    : path_(path), first_step_(first_step) {
  if (path.empty()) return;
  rows_ = OpenCsv(path,
                  fmt::format("step,seconds,learning_rate,loss,{},"
                              "gradient_norm,clips_per_second,waiting_share",
                              fmt::join(terms, ",")),
                  first_step);
  // A validation at step n comes before step n is taken.
  validations_ =
      OpenCsv(fs::path(path).replace_extension(".validation.csv").string(),
              kValidationHeader, first_step + 1);
}

void TrainLog::Add(const TrainRow& row) {
  recent_.push_back(row);
  if (recent_.size() > kRecent) recent_.pop_front();
  if (!rows_.is_open()) return;
  rows_ << fmt::format("{},{:.3f},{:.6g},{:.6g}", row.step, row.seconds,
                       row.learning_rate, row.loss);
  for (const double term : row.terms) rows_ << fmt::format(",{:.6g}", term);
  rows_ << fmt::format(
      ",{:.4g},{:.2f},{:.3f}\n", row.gradient_norm, row.clips_per_second,
      row.step_seconds > 0.0 ? row.waiting_seconds / row.step_seconds : 0.0);
  rows_.flush();
}

void TrainLog::AddValidation(int64_t step, double seconds,
                             const ValidationScores& scores) {
  if (!validations_.is_open()) return;
  validations_ << fmt::format("{},{:.1f},{:.4f},{:.4f},{:.4f},{:.4f},{:.2f}\n",
                              step, seconds, scores.detection_f1,
                              scores.link_f1, scores.track_f1,
                              scores.ap_unlimited, scores.threshold);
  validations_.flush();
}

void TrainLog::AddGroups(int64_t step, const nn::PerGroupLoss& losses) {
  if (path_.empty() || losses.Empty()) return;
  if (!groups_.is_open()) {
    groups_ = OpenCsv(fs::path(path_).replace_extension(".groups.csv").string(),
                      "step,group,loss,clips", first_step_ + 1);
  }
  for (const nn::GroupLoss& group : losses.Groups()) {
    groups_ << fmt::format("{},{},{:.6g},{}\n", step, group.group, group.loss,
                           group.count);
  }
  // Brackets: no group is called that.
  groups_ << fmt::format("{0},(micro),{1:.6g},{3}\n{0},(macro),{2:.6g},{3}\n",
                         step, losses.MicroMean(), losses.MacroMean(),
                         losses.Count());
  groups_.flush();
}

double TrainLog::RecentLoss() const {
  double sum = 0.0;
  for (const TrainRow& row : recent_) sum += row.loss;
  return recent_.empty() ? 0.0 : sum / static_cast<double>(recent_.size());
}

double TrainLog::RecentClipsPerSecond() const {
  double sum = 0.0;
  for (const TrainRow& row : recent_) sum += row.clips_per_second;
  return recent_.empty() ? 0.0 : sum / static_cast<double>(recent_.size());
}

double TrainLog::RecentWaitingShare() const {
  double waiting = 0.0;
  double all = 0.0;
  for (const TrainRow& row : recent_) {
    waiting += row.waiting_seconds;
    all += row.step_seconds;
  }
  return all > 0.0 ? waiting / all : 0.0;
}

bool TrainLog::IsWindowFull() const { return recent_.size() == kRecent; }

}  // namespace mapweave::vis
