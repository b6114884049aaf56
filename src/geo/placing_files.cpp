// SPDX-License-Identifier: MIT
#include "geo/placing_files.h"

#include "geo/file_access.h"
#include "geo/placement.h"
#include "geo/raster_file.h"

#include <cpl_minixml.h>
#include <cpl_string.h>

#include <memory>
#include <string_view>
#include <system_error>

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;

bool EndsWith(const fs::path& path, const char* ending) {
  const std::string name = path.filename().string();
  const std::string_view end(ending);
  return name.size() >= end.size() &&
         EQUAL(name.c_str() + (name.size() - end.size()), ending);
}

// The children of a PAM document that place the raster, as text.
std::string PlaceInAuxXml(const fs::path& path) {
  CplErrorScope errors;
  const std::unique_ptr<CPLXMLNode, decltype(&CPLDestroyXMLNode)> document(
      CPLParseXMLString(ReadText(path).c_str()), CPLDestroyXMLNode);
  const CPLXMLNode* root = CPLGetXMLNode(document.get(), "=PAMDataset");
  std::string place;
  for (CPLXMLNode* child = root != nullptr ? root->psChild : nullptr;
       child != nullptr; child = child->psNext) {
    const std::string_view name(child->pszValue);
    // ArcGIS keeps its points among the metadata.
    const bool is_place =
        name == "SRS" || name == "GeoTransform" || name == "GCPList" ||
        (name == "Metadata" &&
         EQUAL(CPLGetXMLValue(child, "domain", ""), "xml:ESRI"));
    if (!is_place) continue;
    CPLXMLNode* const next = child->psNext;
    child->psNext = nullptr;  // else its siblings were written, too
    const std::unique_ptr<char, decltype(&VSIFree)> text(
        CPLSerializeXMLTree(child), VSIFree);
    child->psNext = next;
    place += text.get();
  }
  return place;
}

}  // namespace

std::vector<fs::path> PointsFilesFor(const fs::path& sheet) {
  fs::path appended = sheet;
  appended += ".points";
  fs::path replaced = sheet;
  replaced.replace_extension(".points");
  return {appended, replaced};
}

std::vector<PlacingFile> FilesBeside(const fs::path& sheet) {
  const DatasetPtr dataset = OpenRaster(sheet);
  CplErrorScope errors;
  std::vector<PlacingFile> files;
  const CPLStringList used(dataset->GetFileList());
  std::error_code ignored;
  for (int i = 0; i < used.Count(); ++i) {
    const fs::path path(used[i]);
    if (path == sheet || fs::equivalent(path, sheet, ignored) ||
        EndsWith(path, ".ovr")) {
      continue;
    }
    if (!EndsWith(path, ".aux.xml")) {
      files.push_back({path, std::nullopt});
    } else if (std::string place = PlaceInAuxXml(path); !place.empty()) {
      files.push_back({path, std::move(place)});
    }
  }
  if (AffineOf(*dataset) || dataset->GetGCPCount() > 0) return files;
  for (const fs::path& points : PointsFilesFor(sheet)) {
    if (!fs::is_regular_file(points, ignored)) continue;
    files.push_back({points, std::nullopt});
    break;
  }
  return files;
}

}  // namespace mapweave::geo
