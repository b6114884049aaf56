// SPDX-License-Identifier: MIT
#include "pipelines/project.h"

#include "core/error.h"
#include "geo/file_access.h"
#include "geo/gdal_session.h"
#include "geo/placing_files.h"
#include "pipelines/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIngestKey = "ingest";

DateRange SurveyDateOf(const db::SheetRow& row, const DateRange& edition) {
  if (!row.survey_from || !row.survey_to) return edition;
  return {*row.survey_from, *row.survey_to, row.date_edtf.value_or("")};
}

}  // namespace

double Project::Megapixels() const {
  return static_cast<double>(grid.width) * static_cast<double>(grid.height) *
         static_cast<double>(editions.size()) / 1e6;
}

std::string Project::AlignmentHash() const {
  std::string text;
  for (const ProjectEdition& edition : editions) {
    const DisplacementField& field = edition.displacement;
    text += Json{field.origin.x, field.origin.y, field.step.x, field.step.y,
                 field.cols,     field.rows,     field.dx,     field.dy}
                .dump();
  }
  return Sha256(text);
}

void SaveIngestRecord(db::Store& store, const IngestRecord& record) {
  const geo::Grid& grid = record.grid;
  const Json document = {{"crs", grid.crs.Wkt()},
                         {"origin_x", grid.origin_x},
                         {"origin_y", grid.origin_y},
                         {"resolution", grid.resolution},
                         {"width", grid.width},
                         {"height", grid.height},
                         {"inputs_hash", record.inputs_hash}};
  store.SetMeta(kIngestKey, document.dump());
}

std::optional<IngestRecord> FindIngestRecord(const db::Store& store) {
  const std::optional<std::string> text = store.Meta(kIngestKey);
  if (!text) return std::nullopt;
  IngestRecord record;
  try {
    const Json document = ParseJson(*text, store.Path().string());
    record.grid.crs =
        geo::Crs::FromUserInput(document.at("crs").get<std::string>());
    record.grid.origin_x = document.at("origin_x");
    record.grid.origin_y = document.at("origin_y");
    record.grid.resolution = document.at("resolution");
    record.grid.width = document.at("width");
    record.grid.height = document.at("height");
    record.inputs_hash = document.at("inputs_hash");
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}': the record of ingestion is damaged",
                            store.Path().string()),
                "Make the project again with --overwrite.");
  }
  return record;
}

Project LoadProject(const db::Store& store) {
  const std::optional<IngestRecord> record = FindIngestRecord(store);
  if (!record) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds no series yet", store.Path().string()),
                "Run 'mapweave ingest' on the sheets first.");
  }
  Project project;
  project.grid = record->grid;
  project.inputs_hash = record->inputs_hash;
  const geo::GroundScale scale = project.grid.Scale();
  for (const db::EditionRow& row : store.Editions()) {
    ProjectEdition edition;
    edition.label = row.edition;
    edition.date = row.date;
    edition.aligned = row.aligned;
    if (auto field = store.AlignmentField(row.edition)) {
      edition.displacement = *std::move(field);
    } else if (row.shift_x_m.value_or(0.0) != 0.0 ||
               row.shift_y_m.value_or(0.0) != 0.0) {
      // Aligned before there were fields.
      edition.displacement =
          DisplacementField::Constant({row.shift_x_m.value_or(0.0) / scale.x,
                                       row.shift_y_m.value_or(0.0) / scale.y});
    }
    project.editions.push_back(std::move(edition));
  }
  for (const db::SheetRow& row : store.Sheets()) {
    for (ProjectEdition& edition : project.editions) {
      if (edition.label != row.edition) continue;
      edition.sheets.push_back(
          geo::InspectSheet(PathFromStored(row.path, store.Path()),
                            StoredSettings(row, store.Path()).Options()));
      edition.sheet_dates.push_back(SurveyDateOf(row, edition.date));
    }
  }
  return project;
}

std::string AidsDigest(const fs::path& sheet, const SheetSettings& settings) {
  std::string digests;
  const auto add = [&digests](const fs::path& path) {
    digests += geo::IsVirtual(path) ? path.string() : Sha256OfFile(path);
  };
  if (!settings.gcps.empty()) add(settings.gcps);
  if (!settings.cutline.empty() && settings.cutline != kNoCutline) {
    add(settings.cutline);
  }
  if (!geo::IsVirtual(sheet)) {
    for (const geo::PlacingFile& file : geo::FilesBeside(sheet)) {
      if (file.part) {
        digests += Sha256(*file.part);
      } else {
        add(file.path);
      }
    }
  }
  return digests.empty() ? "" : Sha256(digests);
}

void RequireUnchangedSheets(const db::Store& store) {
  for (const db::SheetRow& row : store.Sheets()) {
    const fs::path path = PathFromStored(row.path, store.Path());
    const auto refuse = [&path](const char* what) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("{}'{}' has changed since it was ingested", what,
                              path.string()),
                  "Ingest the sheets again into a new project file, or put the "
                  "old file back.");
    };
    if (!row.sha256.empty() && Sha256OfFile(path) != row.sha256) refuse("");
    if (row.aids_sha256 &&
        AidsDigest(path, StoredSettings(row, store.Path())) !=
            *row.aids_sha256) {
      refuse("what places (control points, cutline, world file) ");
    }
  }
}

geo::EditionReader OpenEdition(const Project& project, size_t edition) {
  const ProjectEdition& source = project.editions.at(edition);
  geo::EditionReaderOptions options;
  options.displacement = source.displacement;
  return geo::EditionReader(source.sheets, project.grid, options);
}

void RefuseSameFile(const fs::path& output, const fs::path& input) {
  std::error_code ignored;
  if (fs::equivalent(output, input, ignored)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is an input itself", output.string()),
                "Choose another name for the output.");
  }
}

std::string StoredPath(const fs::path& path, const fs::path& project_file) {
  if (geo::IsVirtual(path)) return path.string();
  return fs::absolute(path)
      .lexically_normal()
      .lexically_proximate(
          fs::absolute(project_file).lexically_normal().parent_path())
      .string();
}

fs::path PathFromStored(const std::string& stored,
                        const fs::path& project_file) {
  const fs::path path(stored);
  if (path.is_absolute()) return path;
  return (fs::absolute(project_file).parent_path() / path).lexically_normal();
}

SheetSettings StoredSettings(const db::SheetRow& row,
                             const fs::path& project_file) {
  const std::string origin = project_file.string() + ", sheet " + row.path;
  SheetSettings settings =
      SheetSettings::FromJson(ParseJson(row.options, origin), origin);
  settings.MapPaths([&project_file](const std::string& stored) {
    return PathFromStored(stored, project_file).string();
  });
  return settings;
}

void RequireResult(const db::Store& store) {
  const std::vector<db::RunRow> runs = store.Runs();
  const bool is_finished = std::any_of(
      runs.begin(), runs.end(),
      [](const db::RunRow& run) { return run.status == db::RunStatus::kDone; });
  if (is_finished) return;
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}' holds no result yet: {}", store.Path().string(),
                          runs.empty() ? "nothing was segmented"
                                       : "its run is not finished"),
              "Give the command that made it again, or run 'mapweave segment' "
              "and 'mapweave lineage' on it.");
}

void LimitRasterCache(int memory_mb) {
  geo::GdalOptions gdal;
  gdal.cache_mb = std::max(64, memory_mb / 8);
  geo::InitGdal(gdal);
}

geo::TransformOptions ResultTransform() {
  geo::TransformOptions options;
  options.fallback_accuracy_m = 10.0;
  return options;
}

db::SpatialReference SpatialReferenceOf(const geo::Crs& crs) {
  db::SpatialReference srs;
  srs.name = crs.Name();
  srs.wkt = crs.Wkt1();
  const std::optional<std::string> code = crs.Code();
  const bool numeric =
      code && !code->empty() &&
      code->find_first_not_of("0123456789") == std::string::npos &&
      code->size() < 9;
  if (crs.AuthorityName() && numeric) {
    srs.organization = *crs.AuthorityName();
    srs.organization_id = std::stoi(*code);
  } else {
    srs.organization = "NONE";
  }
  return srs;
}

cv::Mat BorrowMat(ImageU8& image) {
  return cv::Mat(image.height, image.width, CV_8UC(image.channels),
                 image.data.data());
}

ImageU8 ImageFromMat(const cv::Mat& mat) {
  MAPWEAVE_CHECK(mat.depth() == CV_8U);
  ImageU8 image(mat.cols, mat.rows, mat.channels());
  const size_t row_bytes = static_cast<size_t>(mat.cols) * mat.elemSize();
  for (int row = 0; row < mat.rows; ++row) {
    std::memcpy(image.At(0, row), mat.ptr(row), row_bytes);
  }
  return image;
}

}  // namespace mapweave::pipelines
