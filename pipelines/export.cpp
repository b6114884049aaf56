// SPDX-License-Identifier: MIT
#include "pipelines/export.h"

#include "core/error.h"
#include "geo/vector_io.h"
#include "pipelines/geojson.h"
#include "pipelines/picture.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// One column of every export: its name, its type and how it is read.
struct Column {
  std::string name;
  geo::FieldType type;
  // Null where the row has no value.
  std::function<Json(const db::QueryRow&)> value;
};

template <typename T>
Json Maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json Maybe(const std::optional<Date>& value) {
  return value ? Json(value->ToString()) : Json(nullptr);
}

double Rounded(double value, double digits) {
  return std::round(value * digits) / digits;
}

const std::vector<Column>& Columns() {
  using Row = db::QueryRow;
  using geo::FieldType;
  static const std::vector<Column> columns = {
      {"track_id", FieldType::kText, [](const Row& r) { return r.track_id; }},
      {"edition", FieldType::kText, [](const Row& r) { return r.edition; }},
      {"date_edtf", FieldType::kText, [](const Row& r) { return r.date_edtf; }},
      {"kind", FieldType::kText, [](const Row& r) { return Maybe(r.kind); }},
      {"start_date", FieldType::kDate,
       [](const Row& r) { return Maybe(r.start_date); }},
      {"end_date", FieldType::kDate,
       [](const Row& r) { return Maybe(r.end_date); }},
      {"area_m2", FieldType::kReal,
       [](const Row& r) { return Rounded(r.area_m2, 100); }},
      {"score", FieldType::kReal,
       [](const Row& r) {
         return r.score ? Json(Rounded(*r.score, 1e4)) : Json(nullptr);
       }},
      {"presence", FieldType::kReal,
       [](const Row& r) {
         return r.presence ? Json(Rounded(*r.presence, 1e4)) : Json(nullptr);
       }},
      {"built_after", FieldType::kDate,
       [](const Row& r) { return Maybe(r.built_after); }},
      {"built_by", FieldType::kDate,
       [](const Row& r) { return Maybe(r.built_by); }},
      {"gone_after", FieldType::kDate,
       [](const Row& r) { return Maybe(r.gone_after); }},
      {"gone_by", FieldType::kDate,
       [](const Row& r) { return Maybe(r.gone_by); }},
      {"start_edtf", FieldType::kText,
       [](const Row& r) { return Maybe(r.start_edtf); }},
      {"end_edtf", FieldType::kText,
       [](const Row& r) { return Maybe(r.end_edtf); }},
      {"first_edition", FieldType::kText,
       [](const Row& r) { return r.first_edition; }},
      {"last_edition", FieldType::kText,
       [](const Row& r) { return r.last_edition; }},
      {"confidence", FieldType::kReal,
       [](const Row& r) { return Rounded(r.confidence, 1e4); }},
  };
  return columns;
}

std::string CsvField(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  const std::string text = value;
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string PlainText(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void ExportByGdal(const std::vector<db::QueryRow>& rows, const geo::Crs& crs,
                  const fs::path& path, Overwrite overwrite) {
  geo::WriteVectorOptions options;
  options.overwrite = overwrite;
  for (const Column& column : Columns()) {
    options.fields.push_back({column.name, column.type});
  }
  std::vector<geo::VectorFeature> features;
  for (const db::QueryRow& row : rows) {
    geo::VectorFeature feature;
    feature.geometry = row.geometry;
    for (const Column& column : Columns()) {
      const Json value = column.value(row);
      if (!value.is_null()) feature.attributes[column.name] = PlainText(value);
    }
    features.push_back(std::move(feature));
  }
  geo::WritePolygons(path, features, crs, options);
}

bool HasFilters(const db::QueryFilter& f) {
  return f.at || f.between || f.bbox || f.within || f.kind || f.track ||
         f.near || f.min_area_m2 || f.edition || f.where;
}

}  // namespace

geo::Crs ProjectCrs(const db::Store& store) {
  if (const std::optional<IngestRecord> record = FindIngestRecord(store)) {
    return record->grid.crs;
  }
  return geo::Crs::FromUserInput(store.Srs().wkt);
}

Json RowsAsGeoJson(const std::vector<db::QueryRow>& rows,
                   const db::Store& store) {
  std::vector<GeoJsonFeature> features;
  for (const db::QueryRow& row : rows) {
    GeoJsonFeature feature;
    feature.id = row.track_id + "/" + row.edition;
    feature.geometry = row.geometry;
    for (const Column& column : Columns()) {
      Json value = column.value(row);
      if (!value.is_null()) feature.properties[column.name] = std::move(value);
    }
    features.push_back(std::move(feature));
  }
  return FeatureCollection(features, ProjectCrs(store));
}

std::string RowsAsGeoJsonText(const std::vector<db::QueryRow>& rows,
                              const db::Store& store) {
  return DumpFeatureCollection(RowsAsGeoJson(rows, store));
}

std::string RowsAsCsv(const std::vector<db::QueryRow>& rows) {
  std::string text;
  for (const Column& column : Columns()) {
    text += (text.empty() ? "" : ",") + column.name;
  }
  text += "\r\n";
  for (const db::QueryRow& row : rows) {
    bool first = true;
    for (const Column& column : Columns()) {
      text += (first ? "" : ",") + CsvField(column.value(row));
      first = false;
    }
    text += "\r\n";
  }
  return text;
}

std::string RowsAsTable(const std::vector<db::QueryRow>& rows) {
  std::string text =
      fmt::format("{:<36}  {:<10}  {:<10}  {:>10}  {:<14}  {:<14}\n",
                  "building", "edition", "kind", "area m2", "built", "gone");
  for (const db::QueryRow& row : rows) {
    text += fmt::format("{:<36}  {:<10}  {:<10}  {:>10.1f}  {:<14}  {:<14}\n",
                        row.track_id, row.edition, row.kind.value_or(""),
                        row.area_m2, row.start_edtf.value_or("unknown"),
                        row.end_edtf.value_or("unknown"));
  }
  return text +
         fmt::format("{} row{}\n", rows.size(), rows.size() == 1 ? "" : "s");
}

void Export(const db::Store& store, const db::QueryFilter& filter,
            const fs::path& path, Overwrite overwrite, RunContext& context) {
  const std::string extension = path.extension().string();
  RefuseSameFile(path, store.Path());
  if (extension == ".png") {
    if (HasFilters(filter)) {
      throw Error(ErrorCode::kUsage, "a picture shows all buildings",
                  "Leave the filters out, or export to .geojson.");
    }
    WritePicture(store, {}, path, overwrite, context);
    return;
  }
  static const std::vector<std::string> known = {".geojson", ".geojsons",
                                                 ".csv", ".gpkg", ".fgb"};
  if (std::find(known.begin(), known.end(), extension) == known.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("cannot export to '{}'", path.string()),
                "End the name in .geojson, .geojsons, .csv, .gpkg, .fgb or "
                ".png.");
  }
  CheckWritable(path, overwrite);
  const std::vector<db::QueryRow> rows = db::Query(store, filter);
  if (extension == ".geojson") {
    WriteFileAtomically(path, RowsAsGeoJsonText(rows, store), overwrite);
  } else if (extension == ".geojsons") {
    WriteFileAtomically(path, DumpFeatureSequence(RowsAsGeoJson(rows, store)),
                        overwrite);
  } else {
    ExportByGdal(rows, ProjectCrs(store), path, overwrite);
  }
}

}  // namespace mapweave::pipelines
