// SPDX-License-Identifier: MIT
#include "pipelines/ssl_records.h"

#include "core/log.h"
#include "geo/crs.h"
#include "pipelines/project.h"

#include <filesystem>

namespace mapweave::pipelines {

db::Store OpenResults(const std::string& project) {
  if (std::filesystem::exists(project)) {
    return db::Store::Open(project, db::OpenMode::kReadWrite);
  }
  LogInfo("{} is not there and is made", project);
  // Of no consequence: there are no places in it.
  return db::Store::Create(project, SpatialReferenceOf(geo::Crs::Wgs84()),
                           Overwrite::kRefuse);
}

void SaveModelOnce(db::Store& store, const db::ModelRow& model) {
  if (!store.FindModel(model.sha256)) store.SaveModel(model);
}

void SaveMeasures(db::Store& store, db::ExperimentRow row,
                  const std::vector<ssl::Measure>& measures) {
  for (const ssl::Measure& measure : measures) {
    row.step = measure.step;
    row.measure = measure.name;
    row.value = measure.value;
    store.SaveExperiment(row);
  }
}

void SaveExperiment(const ssl::ExperimentReport& report,
                    const std::string& project) {
  db::Store store = OpenResults(project);
  db::Transaction transaction = store.Begin();
  db::ExperimentRow row;
  row.experiment = report.name + " " + db::NowUtc();
  row.method = report.name;
  Json settings = report.settings;
  settings["seconds"] = report.seconds;
  settings["verdict"] = report.Verdict();
  row.hyper_parameters = settings.dump();
  SaveMeasures(store, row, report.measures);
  std::vector<ssl::Measure> criteria;
  for (const ssl::Criterion& criterion : report.criteria) {
    criteria.push_back({0, criterion.claim, criterion.measured});
  }
  SaveMeasures(store, row, criteria);
  transaction.Commit();
  store.Close();
}

}  // namespace mapweave::pipelines
