// SPDX-License-Identifier: MIT
//
// STAC 1.0 with the projection extension 2.0: one Item per sheet under one
// Collection.
#include "core/error.h"
#include "core/text.h"
#include "geo/cog_writer.h"
#include "geo/file_access.h"
#include "geo/polygon_ops.h"
#include "pipelines/catalogue_writer.h"
#include "pipelines/project.h"
#include "pipelines/stac_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <map>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCurl = "/vsicurl/";

// A path as the URI reference that a link holds (RFC 3986).
std::string Href(const std::string& path) {
  if (path.rfind(kCurl, 0) == 0) return path.substr(kCurl.size());
  std::string href;
  for (const char c : path) {
    const bool is_plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 ||
        std::string_view("-._~/").find(c) != std::string_view::npos;
    href += is_plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return href;
}

// The media type of a raster by its name; "" where none is registered.
std::string MediaType(const fs::path& path) {
  static const std::map<std::string, std::string> kTypes{
      {".tif", stac::kGeoTiff}, {".tiff", stac::kGeoTiff},
      {".png", "image/png"},    {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},  {".jp2", "image/jp2"},
      {".webp", "image/webp"},  {".gif", "image/gif"}};
  const auto found = kTypes.find(ToLower(path.extension().string()));
  return found == kTypes.end() ? "" : found->second;
}

Json Coordinates(const Polygon& polygon) {
  const auto closed = [](const Ring& ring) {
    Json points = Json::array();
    for (const Point2d& p : ring) points.push_back({p.x, p.y});
    points.push_back({ring.front().x, ring.front().y});
    return points;
  };
  Json rings = Json::array();
  rings.push_back(closed(polygon.shell));
  for (const Ring& hole : polygon.holes) rings.push_back(closed(hole));
  return rings;
}

// A footprint in WGS 84. RFC 7946, 3.1.9: what crosses the antimeridian is cut
// there, and its box runs from west to east across it.
struct Footprint {
  MultiPolygon polygons;
  Box box;
};

Footprint FootprintOf(const geo::SheetInfo& sheet) {
  geo::TransformOptions options = ResultTransform();
  options.allow_ballpark = sheet.options.allow_ballpark;
  options.area = geo::Bounds(sheet.footprint);
  const geo::Transformer transformer(sheet.crs, geo::Crs::Wgs84(), options);
  MultiPolygon polygons = geo::Reprojected(sheet.footprint, transformer);
  const Box box = geo::Bounds(polygons);
  if (box.max_x - box.min_x <= 180.0) return {polygons, box};
  const auto shift_x = [](MultiPolygon moved, double from, double by) {
    for (Polygon& polygon : moved) {
      for (Point2d& p : polygon.shell) p.x += p.x < from ? by : 0.0;
    }
    return geo::Oriented(moved);
  };
  const MultiPolygon whole = shift_x(polygons, 0.0, 360.0);
  const auto within = [&whole](double west, double east) {
    const Ring ring{{west, -90}, {east, -90}, {east, 90}, {west, 90}};
    return geo::Intersection(whole, {{ring, {}}});
  };
  Footprint cut{within(0.0, 180.0), geo::Bounds(whole)};
  for (Polygon& polygon : shift_x(within(180.0, 360.0), 361.0, -360.0)) {
    cut.polygons.push_back(std::move(polygon));
  }
  cut.box.max_x -= 360.0;
  return cut;
}

Json GeometryOf(const Footprint& footprint) {
  if (footprint.polygons.size() == 1) {
    return {{"type", "Polygon"},
            {"coordinates", Coordinates(footprint.polygons.front())}};
  }
  Json parts = Json::array();
  for (const Polygon& polygon : footprint.polygons) {
    parts.push_back(Coordinates(polygon));
  }
  return {{"type", "MultiPolygon"}, {"coordinates", parts}};
}

std::vector<std::string> ItemIds(const Series& series) {
  std::vector<std::string> names;
  for (const SeriesSheet& sheet : series.sheets) {
    names.push_back(sheet.path.stem().string());
  }
  return UniqueFileNames(names, "sheet");
}

// The smallest box that holds all; as theirs, it may run across the
// antimeridian. It begins where one of them does.
Box HullOnGlobe(const std::vector<Box>& boxes) {
  const auto eastward = [](double from, double to) {
    return to >= from ? to - from : to - from + 360.0;
  };
  Box hull = boxes.front();
  double narrowest = std::numeric_limits<double>::infinity();
  for (const Box& first : boxes) {
    double width = 0.0;
    double east = first.max_x;
    for (const Box& box : boxes) {
      const double reach =
          eastward(first.min_x, box.min_x) + eastward(box.min_x, box.max_x);
      if (reach >= width) {
        width = reach;
        east = box.max_x;
      }
    }
    if (width < narrowest) {
      narrowest = width;
      hull.min_x = first.min_x;
      hull.max_x = east;
    }
    hull.min_y = std::min(hull.min_y, first.min_y);
    hull.max_y = std::max(hull.max_y, first.max_y);
  }
  if (narrowest >= 360.0) {
    hull.min_x = -180.0;
    hull.max_x = 180.0;
  }
  return hull;
}

std::string StartOf(const DateRange& date) {
  return date.from.ToString() + "T00:00:00Z";
}
std::string EndOf(const DateRange& date) {
  return date.to.ToString() + "T23:59:59Z";
}

class StacWriter {
 public:
  StacWriter(const Series& series, const fs::path& folder,
             const CatalogueOptions& options)
      : series_(series), folder_(folder), options_(options) {}

  std::vector<fs::path> Write(RunContext& context) {
    CheckFolder();
    const std::vector<std::string> ids = ItemIds(series_);
    context.progress.Start("catalogue",
                           static_cast<int64_t>(series_.sheets.size()));
    for (size_t i = 0; i < ids.size(); ++i) {
      context.cancel.ThrowIfCancelled();
      WriteItem(series_.sheets[i], ids[i]);
      context.progress.Advance();
    }
    WriteCollection(ids);
    context.progress.Finish();
    return std::move(written_);
  }

 private:
  // Before hours of warping, not after them.
  void CheckFolder() const {
    MakeFolder(folder_);
    CheckWritable(folder_ / "collection.json", options_.overwrite);
  }

  void WriteDocument(const fs::path& path, const Json& document) {
    WriteFileAtomically(path, document.dump(2) + "\n", options_.overwrite);
    written_.push_back(path);
  }

  Json DataAsset(const SeriesSheet& sheet, const fs::path& item) const {
    Json asset = {{"href", Href(StoredPath(sheet.path, item))}};
    if (options_.cogs) {
      asset["href"] = item.stem().string() + ".tif";
      asset["type"] = stac::kCog;
    } else if (const std::string type = MediaType(sheet.path); !type.empty()) {
      asset["type"] = type;
    }
    asset["roles"] = Json::array({"data"});
    return asset;
  }

  // The sheet as the item's asset has it.
  geo::SheetInfo Describe(const SeriesSheet& sheet, const fs::path& item) {
    geo::SheetInfo info =
        geo::InspectSheet(sheet.path, sheet.settings.Options());
    if (!options_.cogs) return info;
    const fs::path cog = fs::path(item).replace_extension(".tif");
    RefuseSameFile(cog, sheet.path);
    geo::CogOptions cog_options;
    cog_options.survey_date = sheet.date.edtf;
    cog_options.overwrite = options_.overwrite;
    geo::WriteCog(cog, info, cog_options);
    written_.push_back(cog);
    geo::SheetOptions plain;
    plain.allow_ballpark = info.options.allow_ballpark;
    return geo::InspectSheet(cog, plain);
  }

  void WriteItem(const SeriesSheet& sheet, const std::string& id) {
    const fs::path path = folder_ / id / (id + ".json");
    MakeFolder(path.parent_path());
    const geo::SheetInfo info = Describe(sheet, path);
    const Footprint footprint = FootprintOf(info);
    box_.push_back(footprint.box);

    Json properties = {{"title", sheet.path.filename().string()},
                       {"datetime", nullptr},
                       {"start_datetime", StartOf(sheet.date)},
                       {"end_datetime", EndOf(sheet.date)}};
    const auto authority = info.crs.AuthorityName();
    if (authority && info.crs.Code()) {
      properties["proj:code"] = *authority + ":" + *info.crs.Code();
    } else {
      properties["proj:code"] = nullptr;
      properties["proj:wkt2"] = info.crs.Wkt();
    }
    properties["proj:shape"] = Json::array({info.height, info.width});
    if (info.georef == geo::Georef::kAffine) {
      const auto& c = info.transform.Coefficients();
      properties["proj:transform"] =
          Json::array({c[1], c[2], c[0], c[4], c[5], c[3]});
    }
    AddOwnProperties(sheet, path, properties);

    Json assets = {{"data", DataAsset(sheet, path)}};
    WriteDocument(path, {{"type", "Feature"},
                         {"stac_version", stac::kVersion},
                         {"stac_extensions", Json::array({stac::kProjection})},
                         {"id", id},
                         {"geometry", GeometryOf(footprint)},
                         {"bbox",
                          {footprint.box.min_x, footprint.box.min_y,
                           footprint.box.max_x, footprint.box.max_y}},
                         {"properties", properties},
                         {"links", ItemLinks()},
                         {"assets", assets},
                         {"collection", CollectionId()}});
  }

  void AddOwnProperties(const SeriesSheet& sheet, const fs::path& item,
                        Json& properties) const {
    const SeriesEdition& edition = series_.EditionOf(sheet);
    properties[stac::kDate] = sheet.date.edtf;
    properties[stac::kEdition] = sheet.edition;
    properties[stac::kEditionDate] = edition.date.edtf;
    SheetSettings settings;
    settings.allow_ballpark = sheet.settings.allow_ballpark;
    // Else the margins that the COG keeps would be left out of it again.
    if (sheet.settings.cutline == kNoCutline) settings.cutline = kNoCutline;
    if (!options_.cogs) {
      settings = sheet.settings;
      settings.MapPaths([&item](const std::string& path) {
        return Href(StoredPath(path, item));
      });
    }
    properties[stac::kSettings] = settings.ToJson();
  }

  std::string CollectionId() const {
    return fs::absolute(folder_ / "").parent_path().filename().string();
  }

  static Json ItemLinks() {
    Json links = Json::array();
    for (const char* rel : {"root", "parent", "collection"}) {
      links.push_back({{"rel", rel},
                       {"href", "../collection.json"},
                       {"type", "application/json"}});
    }
    return links;
  }

  void WriteCollection(const std::vector<std::string>& ids) {
    Json links = Json::array();
    links.push_back({{"rel", "root"},
                     {"href", "./collection.json"},
                     {"type", "application/json"}});
    for (const std::string& id : ids) {
      links.push_back({{"rel", "item"},
                       {"href", fmt::format("./{0}/{0}.json", id)},
                       {"type", "application/geo+json"}});
    }
    const Box all = HullOnGlobe(box_);
    DateRange time = series_.sheets.front().date;
    for (const SeriesSheet& sheet : series_.sheets) {
      time = Hull(time, sheet.date);
    }
    Json start = time.HasUnknownStart() ? Json(nullptr) : Json(StartOf(time));
    WriteDocument(
        folder_ / "collection.json",
        {{"type", "Collection"},
         {"stac_version", stac::kVersion},
         {"id", CollectionId()},
         {"description", "A series of historical maps, one item per sheet."},
         {"license", "proprietary"},
         {"extent",
          {{"spatial",
            {{"bbox",
              Json::array({{all.min_x, all.min_y, all.max_x, all.max_y}})}}},
           {"temporal",
            {{"interval", Json::array({Json::array({start, EndOf(time)})})}}}}},
         {"links", links}});
  }

  const Series& series_;
  fs::path folder_;
  const CatalogueOptions& options_;
  std::vector<Box> box_;  // of each item, in degrees
  std::vector<fs::path> written_;
};

}  // namespace

std::vector<fs::path> WriteStac(const Series& series, const fs::path& folder,
                                const CatalogueOptions& options,
                                RunContext& context) {
  return StacWriter(series, folder, options).Write(context);
}

}  // namespace mapweave::pipelines
