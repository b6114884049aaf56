// SPDX-License-Identifier: MIT
#include "pipelines/run.h"

#include "core/error.h"
#include "core/log.h"
#include "models/vis/segmenter.h"
#include "pipelines/project.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <optional>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Kept in the project file so that the same command can be told from another.
constexpr const char* kRunOptionsKey = "run_options";

class StageClock {
 public:
  explicit StageClock(RunReport& report) : report_(report) {}
  void Lap(const std::string& stage) {
    const auto now = std::chrono::steady_clock::now();
    report_.seconds.emplace_back(
        stage, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  RunReport& report_;
  std::chrono::steady_clock::time_point last_ =
      std::chrono::steady_clock::now();
};

std::string OptionsText(const RunOptions& options) {
  return Json{{"align", options.align.ToJson()},
              {"segment", options.segment.ToJson()},
              {"checkpoint", options.segment.checkpoint}}
      .dump();
}

bool IsFinished(const db::Store& store) {
  const std::vector<db::RunRow> runs = store.Runs();
  return !runs.empty() && runs.back().status == db::RunStatus::kDone;
}

bool IsAligned(const db::Store& store) {
  for (const db::EditionRow& row : store.Editions()) {
    if (!row.align_confidence) return false;
  }
  return true;
}

void RequireAligned(const std::vector<EditionAlignment>& editions,
                    const fs::path& project) {
  std::vector<std::string> apart;
  for (const EditionAlignment& edition : editions) {
    if (edition.aligned) continue;
    apart.push_back(fmt::format("'{}' (confidence {:.2f})", edition.edition,
                                edition.confidence));
  }
  if (apart.empty()) return;
  throw Error(
      ErrorCode::kBadInput,
      fmt::format("{} cannot be brought onto '{}', the newest edition: "
                  "following their buildings would be guessing",
                  fmt::join(apart, ", "), editions.back().edition),
      fmt::format("Look at it with 'mapweave align {} --report FOLDER', check "
                  "the georeference of the sheets, leave editions out, look "
                  "further with --max-shift-m; or give the same command again "
                  "with --accept-unaligned to take them as they lie.",
                  project.string()));
}

// The store of an unfinished run that this command began; unset if there is
// nothing to go on with and `path` may be written.
std::optional<db::Store> OpenUnfinished(const fs::path& path,
                                        const std::string& inputs_hash,
                                        const std::string& options_text,
                                        Overwrite overwrite) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  try {
    db::Store store = db::Store::Open(path, db::OpenMode::kReadWrite);
    const std::optional<IngestRecord> record = FindIngestRecord(store);
    // Killed between making the file and the first commit: nothing is lost.
    if (!record && store.Editions().empty()) return std::nullopt;
    const std::optional<std::string> kept = store.Meta(kRunOptionsKey);
    // Without options it was killed, or stopped by its user, after ingestion.
    if (record && record->inputs_hash == inputs_hash && !IsFinished(store) &&
        (kept == options_text || (!kept && !IsAligned(store)))) {
      store.SetMeta(kRunOptionsKey, options_text);
      return store;
    }
    if (overwrite == Overwrite::kAllow) return std::nullopt;
    if (!IsFinished(store)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("'{}' holds an unfinished run of another series "
                              "or with other options",
                              path.string()),
                  "Repeat that command to finish it, choose another name, or "
                  "add --overwrite.");
    }
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' exists already", path.string()),
                "Choose another name or add --overwrite.");
  } catch (const Error& error) {
    if (error.Code() != ErrorCode::kDatabase) throw;
    if (overwrite == Overwrite::kAllow) return std::nullopt;
    // It may be locked, damaged or no project at all.
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' exists already and cannot be gone on with: "
                            "{}",
                            path.string(), error.Message()),
                "Choose another name or add --overwrite.");
  }
}

}  // namespace

RunReport Run(const Series& series, const RunOptions& options,
              const fs::path& output, Overwrite overwrite,
              RunContext& context) {
  options.align.Validate();
  options.segment.Validate();
  for (const SeriesSheet& sheet : series.sheets) {
    RefuseSameFile(output, sheet.path);
  }
  // Before a file is made that another device or checkpoint could not resume.
  vis::ResolvePrecision(options.segment.precision,
                        vis::ResolveDevice(options.segment.device));
  vis::InspectCheckpoint(options.segment.checkpoint.empty()
                             ? DefaultCheckpoint()
                             : options.segment.checkpoint);
  if (options.qc) CheckQcOptions(*options.qc, overwrite);
  RunReport report;
  StageClock clock(report);
  const std::string options_text = OptionsText(options);
  const std::vector<SheetDigest> digests = HashSheets(series, context);
  std::optional<db::Store> store =
      OpenUnfinished(output, InputsHash(series, options.ingest, digests),
                     options_text, overwrite);
  report.resumed = store.has_value();
  if (store) {
    LogInfo("run: going on with the unfinished '{}'", output.string());
  } else {
    std::error_code ignored;
    const bool replace = fs::exists(output, ignored);
    store = Ingest(series, digests, options.ingest, output,
                   replace ? Overwrite::kAllow : overwrite, context);
    store->SetMeta(kRunOptionsKey, options_text);
  }
  clock.Lap("ingest");
  if (options.qc) {
    report.qc =
        CheckSheetQuality(LoadProject(*store), *options.qc, overwrite, context);
    clock.Lap("qc");
  }
  if (series.editions.size() == 1) {
    LogWarning(
        "run: one edition alone: buildings are outlined, but there is "
        "nothing to link");
  }
  report.alignment = IsAligned(*store) ? StoredAlignment(*store)
                                       : Align(*store, options.align, context);
  clock.Lap("align");
  if (!options.accept_unaligned) RequireAligned(report.alignment, output);
  const SegmentReport segmented = Segment(*store, options.segment, context);
  report.device = segmented.device;
  report.network_share = segmented.network_share;
  clock.Lap("segment");
  report.summary = DeriveLineage(*store, options.lineage, context);
  clock.Lap("lineage");
  report.megapixels = LoadProject(*store).Megapixels();
  store->Close();
  return report;
}

Json ToJson(const RunReport& report) {
  Json document;
  const ResultSummary& summary = report.summary;
  document["editions"] = Json::array();
  for (size_t i = 0; i < summary.editions.size(); ++i) {
    document["editions"].push_back(
        {{"edition", summary.editions[i]},
         {"observations", summary.observations_by_edition[i]}});
  }
  document["buildings"] = summary.buildings;
  document["observations"] = summary.observations;
  document["lineage"] = Json::object();
  for (const auto& [kind, count] : summary.kinds) {
    document["lineage"][kind] = count;
  }
  document["steps"] = Json::array();
  for (const KindCount& step : summary.steps) {
    document["steps"].push_back({{"from", step.from_edition},
                                 {"to", step.to_edition},
                                 {"lineage", step.kinds}});
  }
  document["alignment"] = ToJson(report.alignment);
  if (report.qc) document["qc"] = ToJson(*report.qc);
  document["seconds"] = Json::object();
  for (const auto& [stage, seconds] : report.seconds) {
    document["seconds"][stage] = seconds;
  }
  document["megapixels"] = report.megapixels;
  document["device"] = report.device;
  document["network_share"] = report.network_share;
  document["resumed"] = report.resumed;
  document["run_id"] = summary.run_id;
  return document;
}

}  // namespace mapweave::pipelines
