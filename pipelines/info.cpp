// SPDX-License-Identifier: MIT
#include "pipelines/info.h"

#include "core/error.h"
#include "db/store.h"
#include "geo/crs.h"
#include "geo/file_access.h"
#include "geo/gdal_session.h"
#include "geo/polygon_ops.h"
#include "geo/sheet.h"
#include "models/vis/segmenter.h"
#include "models/vis/trainer.h"
#include "pipelines/lineage.h"
#include "pipelines/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

Json CheckpointDocument(const std::string& path) {
  const vis::CheckpointInfo info = vis::InspectCheckpoint(path);
  return {{"kind", "checkpoint"},          {"path", path},
          {"family", info.family},         {"preset", info.preset},
          {"parameters", info.parameters}, {"config", info.config}};
}

Json ProjectDocument(const fs::path& path) {
  const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
  const ResultSummary summary = Summarise(store);
  Json document = {{"kind", "project"},
                   {"path", path.string()},
                   {"crs", store.Srs().name},
                   {"schema_version", store.SchemaVersion()},
                   {"editions", summary.editions},
                   {"buildings", summary.buildings},
                   {"observations", summary.observations}};
  return document;
}

Json Pair(Point2d p) { return {p.x, p.y}; }

// As GeoJSON writes rings, with the first position repeated.
Json RingJson(const Ring& ring) {
  Json positions = Json::array();
  for (const Point2d& p : ring) positions.push_back(Pair(p));
  if (!ring.empty()) positions.push_back(Pair(ring.front()));
  return positions;
}

Json PolygonsJson(const MultiPolygon& polygons) {
  Json coordinates = Json::array();
  for (const Polygon& polygon : polygons) {
    Json rings = Json::array({RingJson(polygon.shell)});
    for (const Ring& hole : polygon.holes) rings.push_back(RingJson(hole));
    coordinates.push_back(rings);
  }
  return {{"type", "MultiPolygon"}, {"coordinates", coordinates}};
}

// Leave-one-out distance if there is one, which alone shows a wrong point that
// pulls the fit towards itself.
double Badness(const geo::ControlPointResidual& residual) {
  return residual.leave_one_out_m.value_or(residual.Distance());
}

Json ControlPointsJson(const geo::SheetInfo& sheet) {
  std::vector<size_t> order(sheet.residuals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&sheet](size_t a, size_t b) {
    return Badness(sheet.residuals[a]) > Badness(sheet.residuals[b]);
  });
  Json points = Json::array();
  for (const size_t i : order) {
    const geo::ControlPointResidual& r = sheet.residuals[i];
    Json point = {{"number", i + 1},
                  {"pixel", Pair(r.pixel)},
                  {"ground", Pair(r.ground)},
                  {"residual_m", Pair(r.residual_m)},
                  {"distance_m", r.Distance()},
                  {"leave_one_out_m", nullptr}};
    if (r.leave_one_out_m) point["leave_one_out_m"] = *r.leave_one_out_m;
    points.push_back(std::move(point));
  }
  return points;
}

Json SheetDocument(const fs::path& path, const SheetSettings& settings) {
  const geo::SheetInfo sheet = geo::InspectSheet(path, settings.Options());
  const Box box = geo::Bounds(sheet.footprint);
  const Point2d middle{(box.min_x + box.max_x) / 2.0,
                       (box.min_y + box.max_y) / 2.0};
  Json document = {
      {"kind", "sheet"},
      {"path", path.string()},
      {"width", sheet.width},
      {"height", sheet.height},
      {"bands", sheet.bands},
      {"crs", sheet.crs.Label()},
      {"georef", geo::GeorefName(sheet.georef)},
      {"georef_reason", sheet.georef_reason},
      {"resolution", sheet.resolution},
      {"pixel_m", sheet.resolution * geo::ScaleAt(sheet.crs, middle).Length()}};
  if (sheet.rmse_m) document["rmse_m"] = *sheet.rmse_m;
  if (sheet.loo_rmse_m) document["loo_rmse_m"] = *sheet.loo_rmse_m;
  if (sheet.survey_date) document["survey_date"] = *sheet.survey_date;
  if (!sheet.residuals.empty()) {
    document["control_points"] = ControlPointsJson(sheet);
  }
  document["footprint"] = PolygonsJson(sheet.footprint);
  Json warnings = sheet.warnings;
  try {
    document["footprint_wgs84"] =
        PolygonsJson(sheet.FootprintIn(geo::Crs::Wgs84()));
  } catch (const Error& error) {
    document["footprint_wgs84"] = nullptr;
    warnings.push_back(error.Message());
  }
  if (!sheet.cutline.empty()) document["cutline"] = PolygonsJson(sheet.cutline);
  document["warnings"] = warnings;
  return document;
}

// "west to east, south to north" of a MultiPolygon.
std::string ExtentText(const Json& polygons, int decimals) {
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const Json& polygon : polygons.at("coordinates")) {
    for (const Json& p : polygon.at(0)) {
      const double x = p.at(0).get<double>();
      const double y = p.at(1).get<double>();
      box = {std::min(box.min_x, x), std::min(box.min_y, y),
             std::max(box.max_x, x), std::max(box.max_y, y)};
    }
  }
  return fmt::format("{:.{}f} to {:.{}f}, {:.{}f} to {:.{}f}", box.min_x,
                     decimals, box.max_x, decimals, box.min_y, decimals,
                     box.max_y, decimals);
}

// Digits that show a hundredth of a metre in the units of the sheet's CRS.
int DecimalsOf(const Json& document) {
  const double metres_per_unit = document.at("pixel_m").get<double>() /
                                 document.at("resolution").get<double>();
  constexpr double kLongUnit = 1000.0;  // metres: only degrees are
  return metres_per_unit > kLongUnit ? 7 : 2;
}

std::string PointsTable(const Json& points, int decimals) {
  std::string text = fmt::format(
      "\n{:>5} {:>10} {:>10} {:>15} {:>15} {:>9} "
      "{:>9} {:>9} {:>13}\n",
      "point", "column", "row", "x", "y", "dx m", "dy m", "off m",
      "left out m");
  for (const Json& p : points) {
    const auto number = [&p](const char* key, size_t i) {
      return p.at(key).at(i).get<double>();
    };
    const Json& left_out = p.at("leave_one_out_m");
    text += fmt::format(
        "{:>5} {:>10.1f} {:>10.1f} {:>15.{}f} {:>15.{}f} {:>9.2f} {:>9.2f} "
        "{:>9.2f} {:>13}\n",
        p.at("number").get<size_t>(), number("pixel", 0), number("pixel", 1),
        number("ground", 0), decimals, number("ground", 1), decimals,
        number("residual_m", 0), number("residual_m", 1),
        p.at("distance_m").get<double>(),
        left_out.is_null() ? "-"
                           : fmt::format("{:.2f}", left_out.get<double>()));
  }
  return text;
}

}  // namespace

Json ProgramInfo() {
  Json document = {{"mapweave", MAPWEAVE_VERSION}};
  for (const auto& [name, version] : geo::LibraryVersions()) {
    document[name] = version;
  }
  document["torch"] = vis::TorchVersion();
  document["devices"] = vis::ListDevices();
  document["presets"] = vis::PresetNames();
  try {
    document["checkpoint"] = DefaultCheckpoint();
  } catch (const Error& error) {
    document["checkpoint"] = error.Message();
  }
  return document;
}

Json FileInfo(const fs::path& file, const SheetSettings& settings) {
  settings.Options();  // refuses what cannot be meant
  const fs::path path = geo::PathFromAddress(file.string());
  if (!geo::Exists(path)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' does not exist", path.string()),
                "Check the path.");
  }
  if (path.extension() == ".safetensors") {
    return CheckpointDocument(path.string());
  }
  if (path.extension() == ".gpkg") return ProjectDocument(path);
  return SheetDocument(path, settings);
}

std::string SheetText(const Json& document) {
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<18} {}\n", name, value);
  };
  const auto metres = [&document, &line](const char* name, const char* key) {
    if (!document.contains(key)) return;
    line(name, fmt::format("{:.3f} m", document.at(key).get<double>()));
  };
  line("sheet", document.at("path").get<std::string>());
  line("size",
       fmt::format("{} x {} pixels, {} bands", document.at("width").get<int>(),
                   document.at("height").get<int>(),
                   document.at("bands").get<int>()));
  line("crs", document.at("crs").get<std::string>());
  line("georeference",
       fmt::format("{}, {}", document.at("georef").get<std::string>(),
                   document.at("georef_reason").get<std::string>()));
  metres("pixel", "pixel_m");
  metres("rmse", "rmse_m");
  metres("leave-one-out rmse", "loo_rmse_m");
  if (document.contains("survey_date")) {
    line("survey date", document.at("survey_date").get<std::string>());
  }
  line("x, y", ExtentText(document.at("footprint"), DecimalsOf(document)));
  if (!document.at("footprint_wgs84").is_null()) {
    line("lon, lat", ExtentText(document.at("footprint_wgs84"), 6));
  }
  if (document.contains("cutline")) {
    line("cutline", ExtentText(document.at("cutline"), 1) + " (columns, rows)");
  }
  for (const Json& warning : document.at("warnings")) {
    line("warning", warning.get<std::string>());
  }
  if (document.contains("control_points")) {
    text += PointsTable(document.at("control_points"), DecimalsOf(document));
  }
  return text;
}

}  // namespace mapweave::pipelines
