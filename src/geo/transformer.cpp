// SPDX-License-Identifier: MIT
//
// What may be used of PROJ's operations, and what is refused or warned of.
#include "core/error.h"
#include "core/log.h"
#include "geo/coordinate_operation.h"
#include "geo/crs.h"
#include "geo/gdal_handles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace mapweave::geo {
namespace {

// Every reader of every sheet chooses again; a person wants to hear it once.
void WarnOnce(const std::string& message) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard<std::mutex> lock(mutex);
  if (said.insert(message).second) LogWarning("{}", message);
}

std::string Arrow(const Crs& source, const Crs& target) {
  return source.Label() + " to " + target.Label();
}

std::string Grids(const CoordinateOperation& operation) {
  const std::string names =
      fmt::format("{}", fmt::join(operation.missing_grids, ", "));
  if (operation.published_grids.empty() ||
      operation.published_grids == operation.missing_grids) {
    return names;
  }
  return fmt::format("{} (or {})", names,
                     fmt::join(operation.published_grids, ", "));
}

// What becomes of the points without the best operation.
std::string Consequence(const CoordinateOperation& operation) {
  if (!operation.target_from_source) return "there is no other transformation";
  const std::string metres =
      operation.at_stake_m
          ? fmt::format("up to about {:.2g} m off", *operation.at_stake_m)
          : std::string("off by an unknown number of metres, perhaps hundreds");
  return fmt::format("{}points may lie {}",
                     operation.ballpark
                         ? "the alternative ignores the difference of datums: "
                         : "with the alternative, ",
                     metres);
}

[[noreturn]] void Refuse(const Crs& source, const Crs& target,
                         const CoordinateOperation& operation) {
  const std::string accept =
      operation.target_from_source
          ? ", or accept the error with --allow-ballpark."
          : ".";
  if (operation.missing_grids.empty()) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("PROJ knows no transformation from {}{}{}",
                    Arrow(source, target),
                    operation.ballpark ? " between their datums; " : "; ",
                    Consequence(operation)),
        "Check both CRS" + accept);
  }
  const std::string grids = Grids(operation);
  const std::string remedy =
      operation.similar_grids.empty()
          ? fmt::format(
                "Put {} (from https://cdn.proj.org) into a folder "
                "named by PROJ_DATA",
                grids)
          : fmt::format(
                "{} differs from it in upper and lower case only: link "
                "it as {} into a folder, and put that folder before "
                "PROJ's own in PROJ_DATA",
                fmt::join(operation.similar_grids, ", "),
                fmt::join(operation.published_grids, ", "));
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("the transformation from {} needs the grid {}, which is not "
                  "installed; {}",
                  Arrow(source, target), grids, Consequence(operation)),
      remedy + accept);
}

bool IsAccepted(const CoordinateOperation& operation,
                const TransformOptions& options) {
  if (!operation.target_from_source) return false;
  if (options.allow_ballpark) return true;
  if (operation.ballpark) return false;
  return operation.missing_grids.empty() ||
         (operation.accuracy_m &&
          *operation.accuracy_m <= options.fallback_accuracy_m);
}

}  // namespace

struct Transformer::Impl {
  PjContextPtr context;
  CoordinateOperation operation;
  std::string pipeline;

  Point2d Apply(PJ_DIRECTION direction, Point2d point) const {
    if (!operation.target_from_source) return point;
    const PJ_COORD c = proj_trans(operation.target_from_source.get(), direction,
                                  proj_coord(point.x, point.y, 0, 0));
    if (!std::isfinite(c.xy.x) || !std::isfinite(c.xy.y)) {
      return {HUGE_VAL, HUGE_VAL};
    }
    return {c.xy.x, c.xy.y};
  }
};

Transformer::Transformer(const Crs& source, const Crs& target,
                         const TransformOptions& options)
    : impl_(std::make_unique<Impl>()) {
  EnsureGdal();
  CoordinateOperation& operation = impl_->operation;
  if (source.IsSame(target)) {
    operation.name = "identity";
    operation.accuracy_m = 0.0;
    return;
  }
  impl_->context = MakePjContext();
  PJ_CONTEXT* context = impl_->context.get();
  operation = ChooseOperation(context, source, target, options.area);
  if (!IsAccepted(operation, options)) Refuse(source, target, operation);
  if (operation.ballpark || !operation.missing_grids.empty()) {
    WarnOnce(fmt::format("{}: using \"{}\"{}; {}", Arrow(source, target),
                         operation.name,
                         operation.missing_grids.empty()
                             ? std::string()
                             : " without the grid " + Grids(operation),
                         Consequence(operation)));
  }
  const char* pipeline = proj_as_proj_string(
      context, operation.target_from_source.get(), PJ_PROJ_5, nullptr);
  impl_->pipeline = pipeline != nullptr ? pipeline : "";
}

Transformer::~Transformer() = default;
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;

Point2d Transformer::Forward(Point2d point_in_source) const {
  return impl_->Apply(PJ_FWD, point_in_source);
}

Point2d Transformer::Inverse(Point2d point_in_target) const {
  return impl_->Apply(PJ_INV, point_in_target);
}

bool Transformer::IsIdentity() const {
  return impl_->operation.target_from_source == nullptr;
}
std::string Transformer::Pipeline() const { return impl_->pipeline; }
std::string Transformer::OperationName() const { return impl_->operation.name; }
std::optional<double> Transformer::AccuracyMetres() const {
  return impl_->operation.accuracy_m;
}
bool Transformer::IsBallpark() const { return impl_->operation.ballpark; }
std::optional<double> Transformer::AtStakeMetres() const {
  return impl_->operation.at_stake_m;
}
const std::vector<std::string>& Transformer::MissingGrids() const {
  return impl_->operation.missing_grids;
}

}  // namespace mapweave::geo
