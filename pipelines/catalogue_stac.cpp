// SPDX-License-Identifier: MIT
//
// STAC 1.0 (SpatioTemporal Asset Catalog), static catalogues: Items,
// ItemCollections, and Collections and Catalogs with their links.
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "geo/file_access.h"
#include "pipelines/catalogue.h"
#include "pipelines/stac_terms.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

bool IsAddress(const std::string& href) {
  return href.rfind("http://", 0) == 0 || href.rfind("https://", 0) == 0;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986: "%20" is a space.
std::string Decoded(const std::string& href) {
  std::string text;
  for (size_t i = 0; i < href.size(); ++i) {
    const int high = i + 2 < href.size() ? HexDigit(href[i + 1]) : -1;
    const int low = i + 2 < href.size() ? HexDigit(href[i + 2]) : -1;
    if (href[i] == '%' && high >= 0 && low >= 0) {
      text += static_cast<char>(16 * high + low);
      i += 2;
    } else {
      text += href[i];
    }
  }
  return text;
}

bool HasRole(const Json& asset, std::string_view role) {
  const auto roles = asset.find("roles");
  if (roles == asset.end() || !roles->is_array()) return false;
  for (const Json& one : *roles) {
    if (one.is_string() && one.get<std::string>() == role) return true;
  }
  return false;
}

// The day of an RFC 3339 time, or "" for null and none.
std::string DayOf(const Json& properties, const char* key) {
  const auto found = properties.find(key);
  if (found == properties.end() || !found->is_string()) return "";
  return found->get<std::string>().substr(0, 10);
}

class StacReader {
 public:
  explicit StacReader(const fs::path& root)
      // Absolute, so that nothing beside it is taken for a driver's own
      // syntax ("WMS:...").
      : root_(geo::IsVirtual(root) ? root : fs::absolute(root)),
        may_use_network_(geo::IsNetworkPath(root)) {}

  std::vector<CatalogueEntry> Read() {
    Visit(root_);
    return std::move(entries_);
  }

 private:
  [[noreturn]] static void Refuse(const fs::path& path,
                                  const std::string& fault,
                                  const std::string& hint = "") {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}': {}", path.string(), fault), hint);
  }

  static std::string TextOf(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string()
               ? found->get<std::string>()
               : "";
  }

  // What a link or an asset of the document at `path` refers to.
  fs::path Target(const fs::path& path, const std::string& href) const {
    const fs::path target =
        geo::PathBeside(path, IsAddress(href) ? href : Decoded(href));
    // "/vsicurl/..." and its like name the network as an address does.
    if (!may_use_network_ && geo::IsNetworkPath(target)) {
      Refuse(path, fmt::format("refers to {}", href),
             "The network is not used unless you name it: give the address of "
             "the catalogue itself, or download what it lists.");
    }
    return target;
  }

  void Visit(const fs::path& path) {
    // Links go up, down and around.
    if (!visited_.insert(path).second) return;
    const Json document = ParseJson(geo::ReadText(path), path.string());
    if (!document.is_object()) Refuse(path, "is no object");
    const std::string type = TextOf(document, "type");
    if (type == "FeatureCollection") {
      const auto features = document.find("features");
      if (features == document.end() || !features->is_array()) {
        Refuse(path, "has no list \"features\"");
      }
      for (const Json& feature : *features) AddItem(path, feature);
    } else if (type == "Feature") {
      AddItem(path, document);
    } else if (type == "Collection" || type == "Catalog") {
      Follow(path, document);
    } else if (type == "Annotation" || type == "AnnotationPage") {
      Refuse(path, "is a georeference annotation, not a list of sheets",
             "Name the scan, and the annotation with --gcps.");
    } else {
      Refuse(path, "is no STAC Item, ItemCollection, Collection or Catalog",
             "Its \"type\" must say which of them it is.");
    }
  }

  void Follow(const fs::path& path, const Json& document) {
    const auto links = document.find("links");
    if (links == document.end() || !links->is_array()) {
      Refuse(path, "has no list \"links\"");
    }
    for (const Json& link : *links) {
      const std::string rel = TextOf(link, "rel");
      if (rel != "item" && rel != "child" && rel != "items") continue;
      if (rel == "items") {
        Refuse(path, "lists its items through a search service",
               "Save the items as a FeatureCollection and give that.");
      }
      Visit(Target(path, TextOf(link, "href")));
    }
  }

  // The raster of an item: the one asset that is the data, and of several the
  // one Cloud Optimized GeoTIFF.
  static const Json& AssetOf(const fs::path& path, const Json& item) {
    const auto assets = item.find("assets");
    std::vector<const Json*> images;
    std::vector<const Json*> data;
    std::vector<const Json*> cogs;
    if (assets != item.end() && assets->is_object()) {
      for (const auto& [key, asset] : assets->items()) {
        if (!asset.is_object()) continue;
        const std::string type = TextOf(asset, "type");
        if (type.rfind("image/", 0) != 0 && !type.empty()) continue;
        if (HasRole(asset, "thumbnail") || HasRole(asset, "overview")) continue;
        images.push_back(&asset);
        if (key != "data" && !HasRole(asset, "data")) continue;
        data.push_back(&asset);
        if (type.find("cloud-optimized") != std::string::npos) {
          cogs.push_back(&asset);
        }
      }
    }
    for (const auto& candidates : {cogs, data, images}) {
      if (candidates.size() == 1) return *candidates.front();
    }
    Refuse(path,
           fmt::format("item '{}' has {} assets that may be the map",
                       TextOf(item, "id"), images.size()),
           "Give exactly one of them the role \"data\".");
  }

  static std::optional<DateRange> DateOf(const fs::path& path,
                                         const Json& properties) {
    if (const std::string edtf = TextOf(properties, stac::kDate);
        !edtf.empty()) {
      return DateIn(path, edtf);
    }
    const std::string start = DayOf(properties, "start_datetime");
    const std::string end = DayOf(properties, "end_datetime");
    if (!start.empty() || !end.empty()) {
      const DateRange range = DateIn(path, start + "/" + end);
      return DateRangeOf(range.from, range.to);
    }
    const std::string day = DayOf(properties, "datetime");
    if (day.empty()) return std::nullopt;
    return DateIn(path, day);
  }

  // The CRS as the item or its asset states it; empty if neither does.
  static std::string CrsOf(const Json& asset, const Json& properties) {
    for (const Json* place : {&asset, &properties}) {
      const std::string code = TextOf(*place, "proj:code");
      if (!code.empty()) return code;
      const auto epsg = place->find("proj:epsg");
      if (epsg != place->end() && epsg->is_number_integer()) {
        return fmt::format("EPSG:{}", epsg->get<int64_t>());
      }
      const std::string wkt = TextOf(*place, "proj:wkt2");
      if (!wkt.empty()) return wkt;
    }
    return "";
  }

  // What a raster says itself is believed first; a catalogue may be sloppy.
  static std::string CrsIfNeeded(const fs::path& raster,
                                 const std::string& crs) {
    if (crs.empty()) return "";
    try {
      const geo::SheetInfo sheet = geo::InspectSheet(raster);
      if (!sheet.crs.IsSame(geo::Crs::FromUserInput(crs))) {
        LogWarning("'{}' is in {}, not in {} as its STAC item says",
                   raster.string(), sheet.crs.Label(), crs);
      }
      return "";
    } catch (const Error&) {
      return crs;
    }
  }

  void AddItem(const fs::path& path, const Json& item) {
    if (!item.is_object() || TextOf(item, "type") != "Feature" ||
        TextOf(item, "stac_version").empty()) {
      Refuse(path, "a feature is no STAC Item",
             "An Item has \"type\": \"Feature\" and a \"stac_version\".");
    }
    static const Json kNone = Json::object();
    const auto found = item.find("properties");
    const Json& properties =
        found != item.end() && found->is_object() ? *found : kNone;
    const Json& asset = AssetOf(path, item);
    CatalogueEntry entry;
    entry.path = Target(path, TextOf(asset, "href"));
    entry.date = DateOf(path, properties);
    entry.edition = TextOf(properties, stac::kEdition);
    if (const std::string date = TextOf(properties, stac::kEditionDate);
        !date.empty()) {
      entry.edition_date = DateIn(path, date);
    }
    if (const auto settings = properties.find(stac::kSettings);
        settings != properties.end()) {
      entry.settings = SheetSettings::FromJson(*settings, path.string());
      entry.settings.MapPaths([this, &path](const std::string& name) {
        return Target(path, name).string();
      });
    } else {
      entry.settings.crs = CrsIfNeeded(entry.path, CrsOf(asset, properties));
    }
    entries_.push_back(std::move(entry));
  }

  fs::path root_;
  bool may_use_network_ = false;
  std::set<fs::path> visited_;
  std::vector<CatalogueEntry> entries_;
};

}  // namespace

std::vector<CatalogueEntry> ReadStac(const fs::path& path) {
  return StacReader(path).Read();
}

}  // namespace mapweave::pipelines
