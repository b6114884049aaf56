// SPDX-License-Identifier: MIT
//
// query and export: the same filters, to stdout or to a file.
#include "cli/command.h"
#include "core/error.h"
#include "db/query.h"
#include "pipelines/export.h"
#include "pipelines/filter.h"
#include "pipelines/project.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

struct Options {
  std::string project;
  std::string output;
  std::string format = "table";
  bool explain = false;
  pipelines::FilterText filter;
};

void AddFilterOptions(CLI::App* command, pipelines::FilterText& filter) {
  const char* group = "Filters";
  command
      ->add_option("--layer", filter.layer,
                   "building_state (shapes with their dates) or observation "
                   "(every outline)")
      ->check(CLI::IsMember({"observation", "building_state"}))
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--at", filter.at,
                   "Buildings that stood at a date, as far as the maps tell: "
                   "built by then and not known to be gone")
      ->group(group);
  command
      ->add_option("--between", filter.between,
                   "Buildings that stood at some time between two dates")
      ->expected(2)
      ->group(group);
  command
      ->add_flag("--possible", filter.possible,
                 "With --at and --between: also what may have stood")
      ->group(group);
  command
      ->add_option("--bbox", filter.bbox,
                   "XMIN,YMIN,XMAX,YMAX in the project's CRS")
      ->delimiter(',')
      ->expected(4)
      ->group(group);
  command
      ->add_option("--within", filter.within,
                   "Polygons of a vector file; any CRS")
      ->group(group);
  command
      ->add_option("--kind", filter.kind,
                   "Buildings with such a lineage event: appear, disappear, "
                   "enlarge, ...")
      ->group(group);
  command->add_option("--track", filter.track, "One building, by its id")
      ->group(group);
  command->add_option("--edition", filter.edition, "One edition")->group(group);
  command
      ->add_option("--near", filter.near,
                   "X,Y[,RADIUS] in the project's CRS; the ten nearest "
                   "without a radius")
      ->delimiter(',')
      ->expected(2, 3)
      ->group(group);
  command->add_option("--min-area", filter.min_area_m2, "Square metres")
      ->group(group);
  command
      ->add_option("--where", filter.where,
                   "An SQL expression over the columns: \"area_m2 > 200\"")
      ->group(group);
}

void RunQuery(const CommonOptions& common, const Options& options) {
  const db::Store store =
      db::Store::Open(options.project, db::OpenMode::kReadOnly);
  const db::QueryFilter filter = pipelines::ParseFilter(options.filter, store);
  if (!options.explain) pipelines::RequireResult(store);
  if (options.explain) {
    const std::string sql = db::ExplainQuery(store, filter);
    if (common.json) {
      PrintJson({{"explain", sql}});
    } else {
      PrintText(sql + "\n");
    }
    return;
  }
  const std::vector<db::QueryRow> rows = db::Query(store, filter);
  if (common.json || options.format == "json") {
    PrintText(pipelines::RowsAsGeoJsonText(rows, store));
  } else if (options.format == "csv") {
    PrintText(pipelines::RowsAsCsv(rows));
  } else {
    PrintText(pipelines::RowsAsTable(rows));
  }
}

void RunExport(const CommonOptions& common, const Options& options,
               RunContext& context) {
  const db::Store store =
      db::Store::Open(options.project, db::OpenMode::kReadOnly);
  pipelines::RequireResult(store);
  pipelines::Export(store, pipelines::ParseFilter(options.filter, store),
                    options.output, common.OverwriteMode(), context);
  if (common.json) PrintJson({{"output", options.output}});
}

}  // namespace

void AddQueryCommands(CLI::App& app, Invocation& invocation) {
  auto query = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, "query", "Ask a project which buildings stood where and when",
      invocation);
  command->add_option("project", query->project, "Project file (.gpkg)")
      ->required();
  AddFilterOptions(command, query->filter);
  command
      ->add_option("--format", query->format,
                   "table, csv or json (a GeoJSON FeatureCollection, as "
                   "--json)")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--explain", query->explain,
                    "Show the SQL instead of its result");
  command->footer(
      "Example:\n"
      "  mapweave query town.gpkg --at 1890 --min-area 200");
  command->callback([query, &invocation] {
    invocation.action = [query, &invocation](RunContext&) {
      RunQuery(invocation.common, *query);
    };
  });

  auto output = std::make_shared<Options>();
  command = AddCommand(
      app, "export",
      "Write buildings as GeoJSON, GeoPackage, FlatGeobuf, CSV or a picture",
      invocation);
  command->add_option("project", output->project, "Project file (.gpkg)")
      ->required();
  command
      ->add_option("output", output->output,
                   "Its extension decides: .geojson .geojsons .gpkg .fgb .csv "
                   ".png")
      ->required();
  // Every outline by default: an export is the whole record.
  output->filter.layer = "observation";
  AddFilterOptions(command, output->filter);
  command->footer(
      "Example:\n"
      "  mapweave export town.gpkg town.geojson");
  command->callback([output, &invocation] {
    invocation.action = [output, &invocation](RunContext& context) {
      RunExport(invocation.common, *output, context);
    };
  });
}

}  // namespace mapweave::cli
