// SPDX-License-Identifier: MIT
//
// The files beside a raster that say where it lies, so that a change of them
// can be noticed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mapweave::geo {

// Names of control points that belong to a sheet: SHEET.EXT.points, as QGIS has
// it, and SHEET.points. They need not exist.
std::vector<std::filesystem::path> PointsFilesFor(
    const std::filesystem::path& sheet);

struct PlacingFile {
  std::filesystem::path path;
  // What of it says where the sheet lies; unset if all of it counts.
  std::optional<std::string> part;
};

// The files that InspectSheet opens `sheet` with if no options say otherwise:
// what GDAL names (world file, .tab, .prj, .aux.xml, sources of a VRT, in any
// case of letters), and control points if it has no place without them. Of an
// .aux.xml, in which programs that only look at a raster leave statistics, the
// CRS, the affine map and the points count; without any it is left out, as
// overviews are, which hold the sheet's pixels again. Throws Error{kBadInput}
// as InspectSheet if it is no raster.
std::vector<PlacingFile> FilesBeside(const std::filesystem::path& sheet);

}  // namespace mapweave::geo
