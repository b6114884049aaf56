// SPDX-License-Identifier: MIT
#include "pipelines/info.h"

#include "core/error.h"
#include "db/store.h"
#include "geo/gdal_session.h"
#include "geo/sheet.h"
#include "models/vis/segmenter.h"
#include "pipelines/lineage.h"
#include "pipelines/segment.h"

#include <fmt/format.h>

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

Json SheetDocument(const fs::path& path) {
  const geo::SheetInfo sheet = geo::InspectSheet(path);
  Json document = {{"kind", "sheet"},
                   {"path", path.string()},
                   {"width", sheet.width},
                   {"height", sheet.height},
                   {"bands", sheet.bands},
                   {"crs", sheet.crs.Label()},
                   {"georef", geo::GeorefName(sheet.georef)},
                   {"resolution", sheet.resolution}};
  if (sheet.rmse_m) document["rmse_m"] = *sheet.rmse_m;
  if (sheet.survey_date) document["survey_date"] = *sheet.survey_date;
  return document;
}

}  // namespace

Json ProgramInfo() {
  Json document = {{"mapweave", MAPWEAVE_VERSION}};
  for (const auto& [name, version] : geo::LibraryVersions()) {
    document[name] = version;
  }
  document["torch"] = vis::TorchVersion();
  document["devices"] = vis::ListDevices();
  try {
    document["checkpoint"] = DefaultCheckpoint();
  } catch (const Error& error) {
    document["checkpoint"] = error.Message();
  }
  return document;
}

Json FileInfo(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' does not exist", path.string()),
                "Check the path.");
  }
  if (path.extension() == ".safetensors") {
    return CheckpointDocument(path.string());
  }
  if (path.extension() == ".gpkg") return ProjectDocument(path);
  return SheetDocument(path);
}

}  // namespace mapweave::pipelines
