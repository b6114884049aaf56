// SPDX-License-Identifier: MIT
//
// The choice of a coordinate operation. GDAL's own choice falls back in
// silence on ballpark operations and does not say which grid was missing, so
// the candidates are asked one by one.
#include "core/error.h"
#include "core/log.h"
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

struct Candidate {
  PjPtr operation;
  bool ballpark = false;
  std::optional<double> accuracy_m;
};

std::vector<std::string> MissingGridsOf(PJ_CONTEXT* context, PJ* operation) {
  std::vector<std::string> missing;
  const int count = proj_coordoperation_get_grid_used_count(context, operation);
  for (int i = 0; i < count; ++i) {
    const char* short_name = nullptr;
    int available = 0;
    if (proj_coordoperation_get_grid_used(context, operation, i, &short_name,
                                          nullptr, nullptr, nullptr, nullptr,
                                          nullptr, &available) &&
        !available) {
      missing.emplace_back(short_name);
    }
  }
  return missing;
}

// Longitude and latitude bounds of `area`, for the operations' area of use.
std::optional<Box> DegreesOf(PJ_CONTEXT* context, PJ* source, const Box& area) {
  const PjPtr geodetic(proj_crs_get_geodetic_crs(context, source));
  if (!geodetic) return std::nullopt;
  const PjPtr raw(proj_create_crs_to_crs_from_pj(
      context, source, geodetic.get(), nullptr, nullptr));
  if (!raw) return std::nullopt;
  const PjPtr degrees_from_source(
      proj_normalize_for_visualization(context, raw.get()));
  if (!degrees_from_source) return std::nullopt;
  Box box;
  constexpr int kPointsPerEdge = 21;
  if (!proj_trans_bounds(context, degrees_from_source.get(), PJ_FWD, area.min_x,
                         area.min_y, area.max_x, area.max_y, &box.min_x,
                         &box.min_y, &box.max_x, &box.max_y, kPointsPerEdge)) {
    return std::nullopt;
  }
  return box;
}

PjListPtr ListOperations(PJ_CONTEXT* context, PJ* source, PJ* target,
                         const TransformOptions& options) {
  const PjFactoryPtr factory(
      proj_create_operation_factory_context(context, nullptr));
  if (options.area) {
    if (const auto box = DegreesOf(context, source, *options.area)) {
      proj_operation_factory_context_set_area_of_interest(
          context, factory.get(), box->min_x, box->min_y, box->max_x,
          box->max_y);
    }
  }
  proj_operation_factory_context_set_spatial_criterion(
      context, factory.get(), PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION);
  // Sorted as if every grid were here: only so does a missing one show.
  proj_operation_factory_context_set_grid_availability_use(
      context, factory.get(), PROJ_GRID_AVAILABILITY_IGNORED);
  return PjListPtr(
      proj_create_operations(context, source, target, factory.get()));
}

std::optional<Candidate> FirstUsable(PJ_CONTEXT* context,
                                     const PJ_OBJ_LIST* list) {
  const int count = proj_list_get_count(list);
  for (int i = 0; i < count; ++i) {
    PjPtr operation(proj_list_get(context, list, i));
    if (!proj_coordoperation_is_instantiable(context, operation.get())) {
      continue;
    }
    Candidate candidate;
    candidate.ballpark = proj_coordoperation_has_ballpark_transformation(
                             context, operation.get()) != 0;
    const double accuracy =
        proj_coordoperation_get_accuracy(context, operation.get());
    if (accuracy >= 0.0 && !candidate.ballpark) candidate.accuracy_m = accuracy;
    candidate.operation = std::move(operation);
    return candidate;
  }
  return std::nullopt;
}

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

[[noreturn]] void Refuse(const Crs& source, const Crs& target,
                         const std::vector<std::string>& missing,
                         const std::string& alternative) {
  const std::string grids = fmt::format("{}", fmt::join(missing, ", "));
  if (missing.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("no transformation from {} is known: {}",
                            Arrow(source, target), alternative),
                "Check both CRS, or accept the error, which may be hundreds of "
                "metres, with --allow-ballpark.");
  }
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("the transformation from {} needs the grid {}, which is not "
                  "installed; {}",
                  Arrow(source, target), grids, alternative),
      fmt::format("Put {} into a folder named by PROJ_DATA, or accept the "
                  "error with --allow-ballpark.",
                  grids));
}

}  // namespace

struct Transformer::Impl {
  PjContextPtr context;
  PjPtr target_from_source;  // null for the identity
  std::string pipeline;
  std::string name;
  std::optional<double> accuracy_m = 0.0;
  bool ballpark = false;
  std::vector<std::string> missing_grids;

  Point2d Apply(PJ_DIRECTION direction, Point2d point) const {
    if (!target_from_source) return point;
    const PJ_COORD c = proj_trans(target_from_source.get(), direction,
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
  if (source.IsSame(target)) {
    impl_->name = "identity";
    return;
  }
  impl_->context = MakePjContext();
  PJ_CONTEXT* context = impl_->context.get();
  const PjPtr source_pj = MakePj(context, source);
  const PjPtr target_pj = MakePj(context, target);
  const PjListPtr list =
      ListOperations(context, source_pj.get(), target_pj.get(), options);
  if (!list || proj_list_get_count(list.get()) == 0) {
    Refuse(source, target, {}, "PROJ offers no operation");
  }
  const PjPtr best(proj_list_get(context, list.get(), 0));
  impl_->missing_grids = MissingGridsOf(context, best.get());

  std::optional<Candidate> chosen = FirstUsable(context, list.get());
  if (!chosen) {
    Refuse(source, target, impl_->missing_grids,
           "there is no other transformation");
  }
  if (chosen->ballpark && !options.allow_ballpark) {
    Refuse(source, target, impl_->missing_grids,
           "the alternative ignores the difference of datums");
  }
  const bool fallback = !impl_->missing_grids.empty();
  const bool good_enough =
      chosen->accuracy_m && *chosen->accuracy_m <= options.fallback_accuracy_m;
  if (fallback && !good_enough && !options.allow_ballpark) {
    Refuse(source, target, impl_->missing_grids,
           chosen->accuracy_m
               ? fmt::format("the alternative is accurate to {} m only",
                             *chosen->accuracy_m)
               : std::string("the accuracy of the alternative is unknown"));
  }
  if (fallback || chosen->ballpark) {
    WarnOnce(fmt::format(
        "{}: using \"{}\"{}, {}", Arrow(source, target),
        proj_get_name(chosen->operation.get()),
        fallback ? fmt::format(" without the grid {}",
                               fmt::join(impl_->missing_grids, ", "))
                 : std::string(),
        chosen->accuracy_m
            ? fmt::format("accurate to {:.2g} m", *chosen->accuracy_m)
            : std::string("of unknown accuracy")));
  }

  impl_->target_from_source.reset(
      proj_normalize_for_visualization(context, chosen->operation.get()));
  MAPWEAVE_CHECK(impl_->target_from_source != nullptr);
  const char* pipeline = proj_as_proj_string(
      context, impl_->target_from_source.get(), PJ_PROJ_5, nullptr);
  impl_->pipeline = pipeline != nullptr ? pipeline : "";
  impl_->name = proj_get_name(chosen->operation.get());
  impl_->accuracy_m = chosen->accuracy_m;
  impl_->ballpark = chosen->ballpark;
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
  return impl_->target_from_source == nullptr;
}
std::string Transformer::Pipeline() const { return impl_->pipeline; }
std::string Transformer::OperationName() const { return impl_->name; }
std::optional<double> Transformer::AccuracyMetres() const {
  return impl_->accuracy_m;
}
bool Transformer::IsBallpark() const { return impl_->ballpark; }
const std::vector<std::string>& Transformer::MissingGrids() const {
  return impl_->missing_grids;
}

}  // namespace mapweave::geo
