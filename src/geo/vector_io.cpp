// SPDX-License-Identifier: MIT
#include "geo/vector_io.h"

#include "core/error.h"
#include "geo/file_access.h"
#include "geo/ogr_geometry.h"
#include "geo/polygon_ops.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ogrsf_frmts.h>

#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

namespace mapweave::geo {
namespace {

DatasetPtr OpenVector(const std::filesystem::path& path) {
  const PathScope scope(path);
  if (!IsVirtual(path) && !Exists(path)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: no such file", path.string()),
                "Check the path.");
  }
  CplErrorScope errors;
  DatasetPtr dataset(GDALDataset::Open(
      path.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (!dataset) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} cannot be opened as vector data: {}",
                            path.string(), errors.Text()),
                "Give a GeoPackage, GeoJSON or another file that ogrinfo can "
                "read.");
  }
  return dataset;
}

std::vector<std::string> LayerNames(GDALDataset& dataset) {
  std::vector<std::string> names;
  for (const OGRLayer* layer : dataset.GetLayers()) {
    names.emplace_back(const_cast<OGRLayer*>(layer)->GetName());
  }
  return names;
}

bool MayHoldPolygons(OGRLayer& layer) {
  const OGRwkbGeometryType type = wkbFlatten(layer.GetGeomType());
  return type == wkbUnknown || OGR_GT_IsSubClassOf(type, wkbCurvePolygon) ||
         OGR_GT_IsSubClassOf(type, wkbMultiSurface) ||
         type == wkbGeometryCollection;
}

OGRLayer& FindLayer(GDALDataset& dataset, const std::filesystem::path& path,
                    const std::string& name) {
  if (!name.empty()) {
    OGRLayer* layer = dataset.GetLayerByName(name.c_str());
    if (layer != nullptr) return *layer;
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("{} has no layer \"{}\"", path.string(), name),
        fmt::format("It has: {}.", fmt::join(LayerNames(dataset), ", ")));
  }
  for (OGRLayer* layer : dataset.GetLayers()) {
    if (MayHoldPolygons(*layer)) return *layer;
  }
  throw Error(ErrorCode::kBadInput,
              fmt::format("{} has no layer of polygons", path.string()),
              "Give the file that holds the outlines of buildings.");
}

Crs LayerCrs(OGRLayer& layer, const std::filesystem::path& path,
             const ReadVectorOptions& options) {
  if (options.crs_override) return *options.crs_override;
  Crs crs = CrsFactory::FromSrs(layer.GetSpatialRef());
  if (!crs.IsDefined()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: layer \"{}\" has no coordinate reference "
                            "system",
                            path.string(), layer.GetName()),
                "Say which one it is in, for instance --crs EPSG:2056.");
  }
  return crs;
}

std::map<std::string, std::string> AttributesOf(const OGRFeature& feature) {
  std::map<std::string, std::string> attributes;
  for (int i = 0; i < feature.GetFieldCount(); ++i) {
    if (!feature.IsFieldSetAndNotNull(i)) continue;
    const OGRFieldDefn& field = *feature.GetFieldDefnRef(i);
    std::string text = const_cast<OGRFeature&>(feature).GetFieldAsString(i);
    // OGR writes dates with slashes; everybody else does not.
    if (field.GetType() == OFTDate && text.size() == 10) {
      text[4] = '-';
      text[7] = '-';
    }
    attributes.emplace(field.GetNameRef(), std::move(text));
  }
  return attributes;
}

struct Driver {
  const char* extension;
  const char* name;
  // In longitude and latitude by its standard.
  bool geographic;
};

constexpr Driver kDrivers[] = {{".gpkg", "GPKG", false},
                               {".fgb", "FlatGeobuf", false},
                               {".geojson", "GeoJSON", true},
                               {".geojsons", "GeoJSONSeq", true},
                               {".csv", "CSV", false}};

const Driver& DriverFor(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  for (const Driver& driver : kDrivers) {
    if (extension == driver.extension) return driver;
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: no vector format has the extension \"{}\"",
                          path.string(), extension),
              "Choose .gpkg, .fgb, .geojson, .geojsons or .csv.");
}

OGRFieldType OgrType(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return OFTString;
    case FieldType::kInteger:
      return OFTInteger64;
    case FieldType::kReal:
      return OFTReal;
    case FieldType::kDate:
      return OFTDate;
  }
  return OFTString;
}

[[noreturn]] void ThrowBadValue(const VectorField& field,
                                const std::string& value) {
  throw Error(
      ErrorCode::kUsage,
      fmt::format("\"{}\" does not fit the field \"{}\"", value, field.name),
      "Write it as text instead.");
}

void SetField(OGRFeature& feature, int index, const VectorField& field,
              const std::string& value) {
  const char* begin = value.data();
  const char* end = begin + value.size();
  switch (field.type) {
    case FieldType::kText:
      feature.SetField(index, value.c_str());
      return;
    case FieldType::kInteger: {
      int64_t number = 0;
      const auto parsed = std::from_chars(begin, end, number);
      if (parsed.ec != std::errc() || parsed.ptr != end) {
        ThrowBadValue(field, value);
      }
      feature.SetField(index, static_cast<GIntBig>(number));
      return;
    }
    case FieldType::kReal: {
      double number = 0.0;
      const auto parsed = std::from_chars(begin, end, number);
      if (parsed.ec != std::errc() || parsed.ptr != end) {
        ThrowBadValue(field, value);
      }
      feature.SetField(index, number);
      return;
    }
    case FieldType::kDate: {
      int year = 0;
      int month = 0;
      int day = 0;
      if (std::sscanf(value.c_str(), "%d-%d-%d", &year, &month, &day) != 3) {
        ThrowBadValue(field, value);
      }
      feature.SetField(index, year, month, day);
      return;
    }
  }
}

void WriteFeatures(OGRLayer& layer, const std::filesystem::path& path,
                   const std::vector<VectorFeature>& features,
                   const std::optional<Transformer>& target_from_source,
                   const WriteVectorOptions& options) {
  CplErrorScope errors;
  for (const VectorFeature& feature : features) {
    const FeaturePtr row(OGRFeature::CreateFeature(layer.GetLayerDefn()));
    const OGRMultiPolygon geometry = ToOgr(
        target_from_source ? Reprojected(feature.geometry, *target_from_source)
                           : feature.geometry);
    row->SetGeometry(&geometry);
    for (size_t i = 0; i < options.fields.size(); ++i) {
      const VectorField& field = options.fields[i];
      const auto value = feature.attributes.find(field.name);
      const int index = static_cast<int>(i);
      if (value == feature.attributes.end()) {
        row->SetFieldNull(index);
      } else {
        SetField(*row, index, field, value->second);
      }
    }
    if (layer.CreateFeature(row.get()) != OGRERR_NONE) {
      throw Error(
          ErrorCode::kFailure,
          fmt::format("{} cannot be written: {}", path.string(), errors.Text()),
          "Check that the disk has room.");
    }
  }
}

}  // namespace

std::vector<std::string> ListLayers(const std::filesystem::path& path) {
  return LayerNames(*OpenVector(path));
}

VectorLayer ReadPolygons(const std::filesystem::path& path,
                         const ReadVectorOptions& options) {
  const DatasetPtr dataset = OpenVector(path);
  CplErrorScope errors;
  OGRLayer& layer = FindLayer(*dataset, path, options.layer);
  VectorLayer result;
  result.name = layer.GetName();
  const Crs source = LayerCrs(layer, path, options);
  result.crs = options.target.value_or(source);
  const OGRFeatureDefn& definition = *layer.GetLayerDefn();
  for (int i = 0; i < definition.GetFieldCount(); ++i) {
    result.fields.emplace_back(definition.GetFieldDefn(i)->GetNameRef());
  }
  TransformOptions transform = options.transform;
  OGREnvelope extent;
  if (!transform.area && layer.GetExtent(&extent) == OGRERR_NONE) {
    transform.area = Box{extent.MinX, extent.MinY, extent.MaxX, extent.MaxY};
  }
  const Transformer target_from_source(source, result.crs, transform);

  layer.ResetReading();
  while (const FeaturePtr feature{layer.GetNextFeature()}) {
    try {
      MultiPolygon polygons = FromOgr(feature->GetGeometryRef());
      if (polygons.empty()) {
        ++result.skipped;
        continue;
      }
      if (!IsValid(polygons)) {
        polygons = MakeValid(polygons);
        if (polygons.empty()) {
          ++result.skipped;
          continue;
        }
        ++result.repaired;
      }
      if (!target_from_source.IsIdentity()) {
        polygons = Reprojected(polygons, target_from_source);
      }
      result.features.push_back({std::move(polygons), AttributesOf(*feature)});
    } catch (const Error& e) {
      throw Error(
          e.Code(),
          fmt::format("{}, layer \"{}\", feature {}: {}", path.string(),
                      result.name, static_cast<int64_t>(feature->GetFID()),
                      e.Message()),
          e.Hint());
    }
  }
  if (errors.HasError()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{} cannot be read to its end: {}", path.string(),
                            errors.Text()),
                "The file is damaged or incomplete.");
  }
  return result;
}

void WritePolygons(const std::filesystem::path& path,
                   const std::vector<VectorFeature>& features, const Crs& crs,
                   const WriteVectorOptions& options) {
  EnsureGdal();
  const Driver& format = DriverFor(path);
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(format.name);
  if (driver == nullptr) {
    throw Error(ErrorCode::kFailure,
                fmt::format("{}: this GDAL has no {} driver", path.string(),
                            format.name),
                "Choose another format.");
  }
  std::optional<Transformer> target_from_source;
  if (format.geographic) {
    target_from_source.emplace(crs, Crs::Wgs84(), options.transform);
  }
  AtomicFile file(path, options.overwrite);
  CplErrorScope errors;
  {
    DatasetPtr dataset(
        driver->Create(file.TempPath().c_str(), 0, 0, 0, GDT_Unknown, nullptr));
    OGRSpatialReference srs =
        CrsFactory::ToSrs(format.geographic ? Crs::Wgs84() : crs);
    CPLStringList layer_options;
    if (format.geographic) layer_options.SetNameValue("RFC7946", "YES");
    if (std::string_view(format.name) == "CSV") {
      layer_options.SetNameValue("GEOMETRY", "AS_WKT");
    }
    OGRLayer* layer =
        dataset ? dataset->CreateLayer(options.layer.c_str(), &srs,
                                       wkbMultiPolygon, layer_options.List())
                : nullptr;
    if (layer == nullptr) {
      throw Error(
          ErrorCode::kFailure,
          fmt::format("{} cannot be created: {}", path.string(), errors.Text()),
          "Check that the folder can be written to.");
    }
    for (const VectorField& field : options.fields) {
      OGRFieldDefn definition(field.name.c_str(), OgrType(field.type));
      layer->CreateField(&definition);
    }
    WriteFeatures(*layer, path, features, target_from_source, options);
  }
  if (errors.HasError()) {
    throw Error(
        ErrorCode::kFailure,
        fmt::format("{} cannot be written: {}", path.string(), errors.Text()),
        "Check that the disk has room.");
  }
  file.Commit();
}

}  // namespace mapweave::geo
