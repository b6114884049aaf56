// SPDX-License-Identifier: MIT
#include "models/nn/divergence_watch.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::nn {
namespace {

// Losses without which nothing is judged; the last so many tell what comes.
constexpr size_t kFewest = 5;
// In place of what is not finite: JSON has no name for it.
constexpr double kHuge = 1e300;

// Of the last `count` of `values`, or of all if there are fewer.
double MedianOfLast(const std::deque<double>& values, size_t count) {
  std::vector<double> last(values.end() - static_cast<std::ptrdiff_t>(
                                              std::min(count, values.size())),
                           values.end());
  if (last.empty()) return 0.0;
  const auto middle =
      last.begin() + static_cast<std::ptrdiff_t>((last.size() - 1) / 2);
  std::nth_element(last.begin(), middle, last.end());
  return *middle;
}

}  // namespace

void DivergenceOptions::Validate() const {
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("divergence.{} is {}, out of range", name, value));
  };
  require(window >= 5 && window <= 100000, "window", window);
  require(factor > 1.0 && factor <= 1e9, "factor", factor);
  require(of_first >= 0.0 && of_first <= 1e9, "of_first", of_first);
  require(patience >= 0 && patience <= 1000000, "patience", patience);
}

DivergenceWatch::DivergenceWatch(const DivergenceOptions& options)
    : options_(options) {
  options_.Validate();
}

void DivergenceWatch::Add(double loss) {
  recent_.push_back(std::isfinite(loss) ? loss : kHuge);
  if (recent_.size() > static_cast<size_t>(options_.window)) {
    recent_.pop_front();
  }
  if (recent_.size() < kFewest) return;
  const double median = Median();
  if (std::isinf(first_)) first_ = median;
  best_ = std::min(best_, median);
  over_ = median > Limit() ? over_ + 1 : 0;
}

bool DivergenceWatch::HasDiverged() const {
  return options_.patience > 0 && over_ >= options_.patience;
}

bool DivergenceWatch::IsCalm() const {
  return over_ == 0 && MedianOfLast(recent_, kFewest) <= Limit();
}

double DivergenceWatch::Median() const {
  return MedianOfLast(recent_, recent_.size());
}

double DivergenceWatch::Limit() const {
  return std::max(options_.factor * best_, options_.of_first * first_);
}

Json DivergenceWatch::ToJson() const {
  Json json = {{"recent", recent_}, {"over", over_}};
  if (std::isfinite(best_)) {
    json["first"] = first_;
    json["best"] = best_;
  }
  return json;
}

void DivergenceWatch::Load(const Json& json) {
  const JsonPlace root(json, "the course of the loss");
  recent_.clear();
  for (size_t i = 0; i < root.At("recent").Size(); ++i) {
    recent_.push_back(root.At("recent").At(i).Number());
  }
  while (recent_.size() > static_cast<size_t>(options_.window)) {
    recent_.pop_front();
  }
  over_ = static_cast<int>(root.At("over").Integer(0, 1000000000));
  if (root.Has("best")) {
    first_ = root.At("first").Number();
    best_ = root.At("best").Number();
  }
}

}  // namespace mapweave::nn
