// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "core/error.h"
#include "db/check.h"
#include "db/store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mapweave::cli {
namespace {

void RunCheck(const CommonOptions& common, const std::string& file) {
  const db::CheckReport report = db::CheckStore(file);
  if (!report.IsSound() && common.json) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}' has problems: {}", file,
                            fmt::join(report.problems, "; ")),
                "Make the project again from its sheets.");
  }
  if (common.json) {
    PrintJson({{"sound", report.IsSound()},
               {"problems", report.problems},
               {"checks", report.checks}});
  } else {
    for (const std::string& problem : report.problems) {
      PrintText(problem + "\n");
    }
    PrintText(fmt::format("{}: {} checks, {} problems\n", file,
                          report.checks.size(), report.problems.size()));
  }
  if (!report.IsSound()) {
    throw Error(ErrorCode::kDatabase, fmt::format("'{}' has problems", file),
                "Make the project again from its sheets.");
  }
}

Json StatsDocument(const db::StoreStats& stats) {
  Json document = {
      {"sheets", stats.sheets},       {"editions", Json::array()},
      {"buildings", stats.buildings}, {"observations", stats.observations},
      {"states", stats.states},       {"area_m2", stats.area_m2},
      {"lineage", stats.lineage},     {"runs", stats.runs},
      {"reviews", stats.reviews},     {"file_bytes", stats.file_bytes}};
  for (const auto& edition : stats.per_edition) {
    document["editions"].push_back({{"edition", edition.edition},
                                    {"observations", edition.observations},
                                    {"area_m2", edition.area_m2}});
  }
  return document;
}

void RunStats(const CommonOptions& common, const std::string& file) {
  const Json document = StatsDocument(
      db::ReadStats(db::Store::Open(file, db::OpenMode::kReadOnly)));
  if (common.json) {
    PrintJson(document);
    return;
  }
  for (const auto& [key, value] : document.items()) {
    if (key == "editions") {
      for (const Json& edition : value) {
        PrintText(fmt::format("{:<16} {} observations, {:.0f} m2\n",
                              edition["edition"].get<std::string>(),
                              edition["observations"].get<int64_t>(),
                              edition["area_m2"].get<double>()));
      }
    } else {
      PrintText(fmt::format("{:<16} {}\n", key, value.dump()));
    }
  }
}

void RunMigrate(const CommonOptions& common, const std::string& file) {
  const db::MigrationReport report = db::MigrateStore(file);
  if (common.json) {
    PrintJson({{"from_version", report.from_version},
               {"to_version", report.to_version}});
    return;
  }
  PrintText(fmt::format("{}: schema {} to {}\n", file, report.from_version,
                        report.to_version));
}

using Action = void (*)(const CommonOptions&, const std::string&);

void AddOne(CLI::App& db, const std::string& name, const std::string& text,
            Action action, Invocation& invocation) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = AddCommand(db, name, text, invocation);
  command->add_option("project", *file, "Project file (.gpkg)")->required();
  command->callback([file, action, &invocation] {
    invocation.action = [file, action, &invocation](RunContext&) {
      action(invocation.common, *file);
    };
  });
}

}  // namespace

void AddDbCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* db = app.add_subcommand("db", "Upkeep of a project file");
  db->require_subcommand(1);
  db->fallthrough();
  AddOne(*db, "check", "Is the file sound as SQLite, GeoPackage and project?",
         RunCheck, invocation);
  AddOne(*db, "stats", "What is in it?", RunStats, invocation);
  AddOne(*db, "migrate", "Bring a file of an older version up to date",
         RunMigrate, invocation);
}

}  // namespace mapweave::cli
