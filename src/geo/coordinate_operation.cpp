// SPDX-License-Identifier: MIT
#include "geo/coordinate_operation.h"

#include "core/text.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <utility>

namespace mapweave::geo {
namespace {

Point2d Apply(PJ* operation, PJ_DIRECTION direction, Point2d point) {
  const PJ_COORD c =
      proj_trans(operation, direction, proj_coord(point.x, point.y, 0, 0));
  return {c.xy.x, c.xy.y};
}

bool IsFinite(Point2d p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// From a CRS to longitude and latitude on its own datum.
PjPtr DegreesFrom(PJ_CONTEXT* context, PJ* crs) {
  const PjPtr geodetic(proj_crs_get_geodetic_crs(context, crs));
  if (!geodetic) return nullptr;
  const PjPtr raw(proj_create_crs_to_crs_from_pj(context, crs, geodetic.get(),
                                                 nullptr, nullptr));
  if (!raw) return nullptr;
  return PjPtr(proj_normalize_for_visualization(context, raw.get()));
}

// Longitude and latitude bounds of `area`; min_x > max_x over the antimeridian.
std::optional<Box> DegreesOf(PJ_CONTEXT* context, PJ* degrees_from_source,
                             const Box& area) {
  Box box;
  constexpr int kPointsPerEdge = 21;
  if (degrees_from_source == nullptr ||
      !proj_trans_bounds(context, degrees_from_source, PJ_FWD, area.min_x,
                         area.min_y, area.max_x, area.max_y, &box.min_x,
                         &box.min_y, &box.max_x, &box.max_y, kPointsPerEdge)) {
    return std::nullopt;
  }
  return box;
}

PjListPtr ListOperations(PJ_CONTEXT* context, PJ* source, PJ* target,
                         const std::optional<Box>& degrees) {
  const PjFactoryPtr factory(
      proj_create_operation_factory_context(context, nullptr));
  if (degrees) {
    proj_operation_factory_context_set_area_of_interest(
        context, factory.get(), degrees->min_x, degrees->min_y, degrees->max_x,
        degrees->max_y);
  }
  proj_operation_factory_context_set_spatial_criterion(
      context, factory.get(), PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION);
  // Sorted as if every grid were here: only so does a missing one show.
  proj_operation_factory_context_set_grid_availability_use(
      context, factory.get(), PROJ_GRID_AVAILABILITY_IGNORED);
  return PjListPtr(
      proj_create_operations(context, source, target, factory.get()));
}

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

// File names among the parameters of an operation of the register, as its
// authority writes them and not as PROJ has renamed the files.
void AddPublishedGrids(PJ_CONTEXT* context, PJ* operation,
                       std::vector<std::string>& names) {
  const int steps = proj_concatoperation_get_step_count(context, operation);
  for (int i = 0; i < steps; ++i) {
    const PjPtr step(proj_concatoperation_get_step(context, operation, i));
    if (step) AddPublishedGrids(context, step.get(), names);
  }
  const char* authority_text = proj_get_id_auth_name(operation, 0);
  const char* code = proj_get_id_code(operation, 0);
  if (steps > 0 || authority_text == nullptr || code == nullptr) return;
  // An inverse of EPSG:1312 calls itself INVERSE(EPSG):1312.
  std::string authority = authority_text;
  if (const auto open = authority.find('('); open != std::string::npos) {
    authority = authority.substr(open + 1, authority.find(')') - open - 1);
  }
  constexpr int kAsPublished = 0;  // not PROJ's alternative names
  const PjPtr registered(proj_create_from_database(
      context, authority.c_str(), code, PJ_CATEGORY_COORDINATE_OPERATION,
      kAsPublished, nullptr));
  if (!registered) return;
  const int count =
      proj_coordoperation_get_param_count(context, registered.get());
  for (int i = 0; i < count; ++i) {
    const char* text = nullptr;
    if (proj_coordoperation_get_param(context, registered.get(), i, nullptr,
                                      nullptr, nullptr, nullptr, &text, nullptr,
                                      nullptr, nullptr, nullptr, nullptr) &&
        text != nullptr && *text != '\0') {
      names.emplace_back(text);
    }
  }
}

std::optional<double> StatedAccuracy(PJ_CONTEXT* context, PJ* operation) {
  const double metres = proj_coordoperation_get_accuracy(context, operation);
  if (metres < 0.0 ||
      proj_coordoperation_has_ballpark_transformation(context, operation)) {
    return std::nullopt;
  }
  return metres;
}

// Files in PROJ's folders whose names differ from a wanted one's in case only:
// Debian ships CHENYX06a.gsb where PROJ looks for CHENyx06a.gsb.
std::vector<std::string> SimilarGrids(const std::vector<std::string>& wanted) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  std::istringstream folders(proj_info().searchpath);
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    std::error_code error;
    for (fs::directory_iterator file(folder, error), end; !error && file != end;
         file.increment(error)) {
      const std::string name = file->path().filename().string();
      if (std::any_of(wanted.begin(), wanted.end(), [&](const auto& grid) {
            return name != grid && ToLower(name) == ToLower(grid);
          })) {
        found.push_back(file->path().string());
      }
    }
  }
  return found;
}

struct Candidates {
  CoordinateOperation chosen;
  Box degrees{-180.0, -90.0, 180.0, 90.0};  // where it will be used
  PjPtr degrees_from_source;
};

Candidates Choose(PJ_CONTEXT* context, const Crs& source, const Crs& target,
                  const std::optional<Box>& area) {
  const PjPtr source_pj = MakePj(context, source);
  const PjPtr target_pj = MakePj(context, target);
  Candidates result;
  result.degrees_from_source = DegreesFrom(context, source_pj.get());
  std::optional<Box> degrees;
  if (area) {
    degrees = DegreesOf(context, result.degrees_from_source.get(), *area);
  }
  const PjListPtr list =
      ListOperations(context, source_pj.get(), target_pj.get(), degrees);
  const int count = list ? proj_list_get_count(list.get()) : 0;
  CoordinateOperation& chosen = result.chosen;
  std::optional<double> best_accuracy_m;
  for (int i = 0; i < count && !chosen.target_from_source; ++i) {
    const PjPtr operation(proj_list_get(context, list.get(), i));
    if (i == 0) {
      chosen.missing_grids = MissingGridsOf(context, operation.get());
      if (!chosen.missing_grids.empty()) {
        AddPublishedGrids(context, operation.get(), chosen.published_grids);
      }
      best_accuracy_m = StatedAccuracy(context, operation.get());
      Box& box = result.degrees;
      if (degrees) {
        box = *degrees;
      } else {
        proj_get_area_of_use(context, operation.get(), &box.min_x, &box.min_y,
                             &box.max_x, &box.max_y, nullptr);
      }
    }
    if (!proj_coordoperation_is_instantiable(context, operation.get())) {
      continue;
    }
    chosen.target_from_source.reset(
        proj_normalize_for_visualization(context, operation.get()));
    chosen.name = proj_get_name(operation.get());
    chosen.ballpark = proj_coordoperation_has_ballpark_transformation(
                          context, operation.get()) != 0;
    chosen.accuracy_m = StatedAccuracy(context, operation.get());
  }
  // An older grid of the same stated accuracy, as for NTF to RGF93, is no loss.
  if (chosen.accuracy_m && best_accuracy_m &&
      *chosen.accuracy_m <= *best_accuracy_m) {
    chosen.missing_grids.clear();
  }
  return result;
}

// See Transformer::AtStakeMetres, for a ballpark operation.
std::optional<double> BallparkError(PJ_CONTEXT* context, const Crs& source,
                                    const Crs& target,
                                    const Candidates& candidates) {
  const Crs hub = Crs::Wgs84();
  if (source.IsSame(hub) || target.IsSame(hub)) return std::nullopt;
  const Box& degrees = candidates.degrees;
  std::optional<Box> source_area;
  Box box;
  constexpr int kPointsPerEdge = 21;
  PJ* degrees_from_source = candidates.degrees_from_source.get();
  if (degrees_from_source == nullptr) return std::nullopt;
  if (proj_trans_bounds(context, degrees_from_source, PJ_INV, degrees.min_x,
                        degrees.min_y, degrees.max_x, degrees.max_y, &box.min_x,
                        &box.min_y, &box.max_x, &box.max_y, kPointsPerEdge)) {
    source_area = box;
  }
  const CoordinateOperation there =
      Choose(context, source, hub, source_area).chosen;
  const CoordinateOperation back = Choose(context, hub, target, degrees).chosen;
  if (!there.accuracy_m || !back.accuracy_m) return std::nullopt;

  GroundMeasure ground(target);
  const double width =
      degrees.max_x - degrees.min_x + (degrees.max_x < degrees.min_x ? 360 : 0);
  const double height = degrees.max_y - degrees.min_y;
  double largest = -1.0;
  constexpr int kSteps = 4;
  for (int i = 0; i <= kSteps; ++i) {
    for (int j = 0; j <= kSteps; ++j) {
      const Point2d place = Apply(degrees_from_source, PJ_INV,
                                  {degrees.min_x + width * i / kSteps,
                                   degrees.min_y + height * j / kSteps});
      const Point2d direct =
          Apply(candidates.chosen.target_from_source.get(), PJ_FWD, place);
      const Point2d round =
          Apply(back.target_from_source.get(), PJ_FWD,
                Apply(there.target_from_source.get(), PJ_FWD, place));
      if (!IsFinite(direct) || !IsFinite(round)) continue;
      try {
        const GroundScale scale = ground.At(direct);
        largest = std::max(largest, std::hypot((direct.x - round.x) * scale.x,
                                               (direct.y - round.y) * scale.y));
      } catch (const Error&) {
        continue;  // outside the target's domain
      }
    }
  }
  if (largest < 0.0) return std::nullopt;
  return largest + std::hypot(*there.accuracy_m, *back.accuracy_m);
}

}  // namespace

CoordinateOperation ChooseOperation(PJ_CONTEXT* context, const Crs& source,
                                    const Crs& target,
                                    const std::optional<Box>& area) {
  Candidates candidates = Choose(context, source, target, area);
  CoordinateOperation& chosen = candidates.chosen;
  chosen.similar_grids = SimilarGrids(chosen.published_grids);
  if (!chosen.target_from_source) {
    chosen.at_stake_m.reset();
  } else if (chosen.ballpark) {
    chosen.at_stake_m = BallparkError(context, source, target, candidates);
  } else if (!chosen.missing_grids.empty()) {
    chosen.at_stake_m = chosen.accuracy_m;
  }
  return std::move(candidates.chosen);
}

}  // namespace mapweave::geo
