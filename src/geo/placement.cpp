// SPDX-License-Identifier: MIT
#include "geo/placement.h"

#include "core/error.h"
#include "core/text.h"
#include "geo/placing_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;

// The names that GDAL tries for a world file: the extension with a "w" (first
// and last letter, or all), and .wld.
std::vector<fs::path> WorldFilesBeside(const fs::path& sheet) {
  const std::string extension = sheet.extension().string();
  std::vector<fs::path> files;
  const auto add = [&files, &sheet](const std::string& other) {
    fs::path file = sheet;
    files.push_back(file.replace_extension(other));
  };
  if (extension.size() > 2) {
    add(fmt::format(".{}{}w", extension[1], extension.back()));
  }
  if (extension.size() > 1) add(extension + "w");
  add(".wld");
  return files;
}

std::string NamesOf(const std::vector<fs::path>& files) {
  std::string names;
  for (const fs::path& file : files) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ",
                         file.filename().string());
  }
  return names;
}

std::vector<ControlPoint> PointsOf(GDALDataset& dataset) {
  std::vector<ControlPoint> points;
  const GDAL_GCP* gcps = dataset.GetGCPs();
  for (int i = 0; i < dataset.GetGCPCount(); ++i) {
    points.push_back({{gcps[i].dfGCPPixel, gcps[i].dfGCPLine},
                      {gcps[i].dfGCPX, gcps[i].dfGCPY}});
  }
  return points;
}

// The world file among the files that GDAL used to open the sheet.
std::optional<std::string> UsedWorldFile(GDALDataset& dataset,
                                         const fs::path& sheet) {
  const CPLStringList used(dataset.GetFileList());
  const std::vector<fs::path> possible = WorldFilesBeside(sheet);
  for (int i = 0; i < used.Count(); ++i) {
    const std::string name = fs::path(used[i]).filename().string();
    for (const fs::path& file : possible) {
      if (ToLower(name) == ToLower(file.filename().string())) return name;
    }
  }
  return std::nullopt;
}

[[noreturn]] void RefuseUnplaced(GDALDataset& dataset, const fs::path& sheet) {
  const bool models = dataset.GetMetadata("RPC") != nullptr ||
                      dataset.GetMetadata("GEOLOCATION") != nullptr;
  if (models) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: georeferenced by a sensor model only, which "
                            "is not supported",
                            sheet.string()),
                "Warp the sheet first, for instance with gdalwarp.");
  }
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("{}: no georeference in the file, and beside it neither a "
                  "world file ({}) nor control points ({})",
                  sheet.string(), NamesOf(WorldFilesBeside(sheet)),
                  NamesOf(PointsFilesFor(sheet))),
      "Georeference it (for instance with QGIS or Allmaps) and give its "
      "control "
      "points (--gcps), or put one of these files beside it.");
}

}  // namespace

std::optional<GeoTransform> AffineOf(GDALDataset& dataset) {
  std::array<double, 6> c{};
  constexpr std::array<double, 6> kNone{0, 1, 0, 0, 0, 1};
  if (dataset.GetGeoTransform(c.data()) != CE_None || c == kNone) {
    return std::nullopt;
  }
  return GeoTransform(c);
}

Placement FindPlacement(GDALDataset& dataset, const SheetInfo& sheet) {
  Placement placement;
  const ControlPointOptions options{sheet.width, sheet.height,
                                    sheet.options.annotation};
  if (const auto& named = sheet.options.control_points) {
    placement.points = ReadControlPoints(*named, options);
    placement.origin = named->filename().string();
    return placement;
  }
  placement.affine = AffineOf(dataset);
  if (placement.affine) {
    placement.points.crs = CrsFactory::FromSrs(dataset.GetSpatialRef());
    const auto world_file = UsedWorldFile(dataset, sheet.path);
    placement.origin = world_file.value_or("");
    return placement;
  }
  if (dataset.GetGCPCount() > 0) {
    placement.points.points = PointsOf(dataset);
    placement.points.crs = CrsFactory::FromSrs(dataset.GetGCPSpatialRef());
    return placement;
  }
  for (const fs::path& beside : PointsFilesFor(sheet.path)) {
    std::error_code ignored;
    if (!fs::is_regular_file(beside, ignored)) continue;
    placement.points = ReadControlPoints(beside, options);
    placement.origin = beside.filename().string();
    if (!placement.points.crs) {
      placement.points.crs = CrsFactory::FromSrs(dataset.GetSpatialRef());
    }
    return placement;
  }
  RefuseUnplaced(dataset, sheet.path);
}

}  // namespace mapweave::geo
