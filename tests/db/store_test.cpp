// SPDX-License-Identifier: MIT
#include "db/store.h"

#include "db/check.h"
#include "db/sqlite.h"
#include "fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> ProblemsOf(const fs::path& path) {
  return CheckStore(path).problems;
}

TEST(Store, NewProjectIsEmptyAndSound) {
  TempDir folder;
  const fs::path path = folder / "new.gpkg";
  Store::Create(path, SwissSrs(), Overwrite::kRefuse).Close();

  EXPECT_THAT(ProblemsOf(path), IsEmpty());
  const Store store = Store::Open(path, OpenMode::kReadOnly);
  EXPECT_EQ(store.Srs(), SwissSrs());
  EXPECT_THAT(store.Buildings(), IsEmpty());
  EXPECT_THAT(store.Editions(), IsEmpty());
}

TEST(Store, KeepsACrsThatNobodyRegistered) {
  TempDir folder;
  const SpatialReference toises{"NONE", 0, "Paris toises", "LOCAL_CS[\"x\"]"};
  const Store store =
      Store::Create(folder / "p.gpkg", toises, Overwrite::kRefuse);
  EXPECT_EQ(store.Srs().name, "Paris toises");
  EXPECT_EQ(store.Srs().wkt, toises.wkt);
  EXPECT_EQ(store.InnerConnection().QueryValue<int64_t>(
                "SELECT srs_id FROM gpkg_contents WHERE table_name = 'sheet'"),
            100000);
}

TEST(Store, WorksInTheCrsThatGeoPackageBringsAlong) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  Store::Create(path, {"EPSG", 4326, "WGS 84", "GEOGCS[...]"},
                Overwrite::kRefuse)
      .Close();
  EXPECT_EQ(Store::Open(path, OpenMode::kReadOnly).Srs().organization_id, 4326);
  EXPECT_THAT(ProblemsOf(path), IsEmpty());
}

TEST(Store, RefusesToCreateWithoutCrs) {
  TempDir folder;
  const Error error = ErrorOf(
      [&] { Store::Create(folder / "p.gpkg", {}, Overwrite::kRefuse); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_FALSE(fs::exists(folder / "p.gpkg"));
}

TEST(Store, OverwritesOnlyWhenAsked) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  EXPECT_EQ(ErrorOf([&] {
              Store::Create(path, SwissSrs(), Overwrite::kRefuse);
            }).Code(),
            ErrorCode::kUsage);
  EXPECT_EQ(Store::Open(path, OpenMode::kReadOnly).Buildings().size(), 6u);

  // A journal of the old file must not be played into the new one.
  std::ofstream(path.string() + "-journal") << "left by a killed run";
  const Store store = Store::Create(path, SwissSrs(), Overwrite::kAllow);
  EXPECT_THAT(store.Buildings(), IsEmpty());
}

TEST(Store, ReadsBackSheets) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  SheetRow sheet;
  sheet.path = "maps/north.tif";
  sheet.sha256 = "abc";
  sheet.aids_sha256 = "def";
  sheet.edition = "1860";
  sheet.survey_from = Date{1859, 3, 1};
  sheet.crs = "EPSG:21781";
  sheet.georef = "gcp-poly1";
  sheet.rmse_m = 1.25;
  sheet.loo_rmse_m = 1.75;
  sheet.date_edtf = "1859-03~";
  sheet.date_source = "sheet";
  sheet.options = R"({"gcps":"maps/north.points"})";
  sheet.crs_pipeline = "+proj=noop";
  sheet.crs_accuracy_m = 0.5;
  sheet.footprint = Rectangle(0, 0, 1000, 700);
  const int64_t fid = store.SaveSheet(sheet);
  SheetRow other = sheet;
  other.path = "maps/east.tif";
  EXPECT_NE(store.SaveSheet(other), fid);

  // Saved again: the same row, with the new values.
  sheet.rmse_m = std::nullopt;
  sheet.survey_to = Date{1860, 9, 30};
  sheet.footprint = Rectangle(-50, 0, 1000, 700);
  EXPECT_EQ(store.SaveSheet(sheet), fid);

  const std::vector<SheetRow> sheets = store.Sheets();
  ASSERT_EQ(sheets.size(), 2u);
  const SheetRow& read = sheets[1];  // by path: east, north
  EXPECT_EQ(read.fid, fid);
  EXPECT_EQ(read.path, sheet.path);
  EXPECT_EQ(read.sha256, "abc");
  EXPECT_EQ(read.aids_sha256, "def");
  EXPECT_EQ(read.edition, "1860");
  EXPECT_EQ(read.survey_from, sheet.survey_from);
  EXPECT_EQ(read.survey_to, sheet.survey_to);
  EXPECT_EQ(read.crs, "EPSG:21781");
  EXPECT_EQ(read.georef, "gcp-poly1");
  EXPECT_FALSE(read.rmse_m);
  EXPECT_EQ(read.loo_rmse_m, 1.75);
  EXPECT_EQ(read.date_edtf, "1859-03~");
  EXPECT_EQ(read.date_source, "sheet");
  EXPECT_EQ(read.options, sheet.options);
  EXPECT_EQ(read.crs_pipeline, "+proj=noop");
  EXPECT_EQ(read.crs_accuracy_m, 0.5);
  EXPECT_EQ(read.footprint[0].shell, sheet.footprint[0].shell);
  store.Close();
  EXPECT_THAT(ProblemsOf(folder / "p.gpkg"), IsEmpty());
}

TEST(Store, ReadsBackEditionsOldestFirst) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  EditionRow row = Edition("1880-05", 1);
  row.shift_x_m = -3.5;
  row.shift_y_m = 0.25;
  row.residual_m = 1.5;
  row.align_confidence = 0.75;
  row.aligned = true;
  row.held_out_points = 42;
  store.SaveEdition(row);

  const std::vector<EditionRow> editions = store.Editions();
  ASSERT_EQ(editions.size(), 3u);
  EXPECT_EQ(editions[0].edition, "1860");
  EXPECT_FALSE(editions[0].aligned);
  EXPECT_FALSE(editions[0].shift_x_m);
  EXPECT_EQ(editions[1].date, ParseDateRange("1880-05"));
  EXPECT_EQ(editions[1].shift_x_m, -3.5);
  EXPECT_EQ(editions[1].shift_y_m, 0.25);
  EXPECT_EQ(editions[1].residual_m, 1.5);
  EXPECT_EQ(editions[1].align_confidence, 0.75);
  EXPECT_TRUE(editions[1].aligned);
  EXPECT_EQ(editions[1].held_out_points, 42);
  EXPECT_EQ(editions[2].ordinal, 2);
}

TEST(Store, KeepsAlignmentFields) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  DisplacementField field = DisplacementField::Constant({1.25, -3.0});
  field.cols = 5;
  field.dx.assign(20, 0.1);
  field.dx[3] = -1e-300;
  field.dy.assign(20, 2.5);
  field.sigma.assign(20, 0.75);
  field.step = {100.0, -100.0};
  store.SaveAlignmentField("1860", DisplacementField::Constant({9, 9}));
  store.SaveAlignmentField("1860", field);
  EXPECT_EQ(store.AlignmentField("1860"), field);
  EXPECT_EQ(store.AlignmentField("1900"), std::nullopt);
  store.SaveAlignmentField("1860", {});
  EXPECT_EQ(store.AlignmentField("1860"), std::nullopt);
  EXPECT_THROW(store.SaveAlignmentField("1700", field), Error);
}

TEST(Store, ReadsBackAResult) {
  TempDir folder;
  TinyProject(folder / "p.gpkg").Close();
  const Store store = Store::Open(folder / "p.gpkg", OpenMode::kReadOnly);

  const std::vector<BuildingRow> buildings = store.Buildings();
  ASSERT_EQ(buildings.size(), 6u);
  EXPECT_EQ(buildings[2].built_after, (Date{1860, 1, 1}));
  EXPECT_EQ(buildings[2].gone_by, (Date{1900, 12, 31}));
  EXPECT_FALSE(buildings[0].gone_by);
  EXPECT_EQ(buildings[0].confidence, 0.9);
  EXPECT_EQ(buildings[0].run_id, "run-1");

  EXPECT_EQ(store.Observations().size(), 11u);
  const std::vector<ObservationRow> a = store.ObservationsOf("A");
  ASSERT_EQ(a.size(), 3u);
  EXPECT_EQ(a[1].edition, "1880-05");
  EXPECT_EQ(a[2].area_m2, 200.0);
  EXPECT_EQ(a[2].score, 0.8);
  EXPECT_EQ(a[2].presence, 0.95);
  EXPECT_EQ(a[2].geometry[0].shell, Rectangle(0, 0, 20, 10)[0].shell);

  const std::vector<BuildingStateRow> states = store.StatesOf("A");
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].start_date, (Date{1860, 1, 1}));
  EXPECT_EQ(states[0].end_date, (Date{1899, 12, 31}));
  EXPECT_FALSE(states[0].kind);
  EXPECT_EQ(states[1].kind, "enlarge");
  EXPECT_FALSE(states[1].end_date);
  EXPECT_EQ(store.BuildingStates().size(), 7u);

  const std::vector<LineageRow> c = store.LineageOf("C");
  ASSERT_EQ(c.size(), 2u);
  EXPECT_EQ(c[0].kind, "appear");
  EXPECT_FALSE(c[0].from_track);
  EXPECT_EQ(c[0].to_track, "C");
  EXPECT_EQ(c[1].to_edition, "1900");
  EXPECT_EQ(c[1].probability, 0.75);
  EXPECT_FALSE(c[1].evidence);
  EXPECT_EQ(store.Lineage().size(), 7u);

  EXPECT_EQ(store.FindBuilding("B")->last_edition, "1880-05");
  EXPECT_FALSE(store.FindBuilding("Z"));
}

TEST(Store, ReadsBackRunsAndWork) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  RunRow run = MakeRun("run-2");
  run.started_at = "2025-01-01T00:00:00.000Z";
  run.config = R"({"a": 1})";
  run.config_hash = "c0ffee";
  run.inputs_hash = "beef";
  run.stage = "segment";
  run.checkpoint_sha256 = "123";
  run.crs_pipelines = "[]";
  run.crs_accuracy_m = 0.5;
  run.grid = GridColumns{2600000.5, 1200000.25, 0.5, 70000, 48000};
  store.SaveRun(run);
  run.status = RunStatus::kDone;
  run.finished_at = "2025-01-01T01:00:00.000Z";
  run.seconds = 3600;
  store.SaveRun(run);

  ASSERT_EQ(store.Runs().size(), 2u);
  const RunRow read = store.FindRun("run-2").value();
  EXPECT_EQ(read.status, RunStatus::kDone);
  EXPECT_EQ(read.config, run.config);
  EXPECT_EQ(read.config_hash, "c0ffee");
  EXPECT_EQ(read.inputs_hash, "beef");
  EXPECT_EQ(read.stage, "segment");
  EXPECT_EQ(read.started_at, run.started_at);
  EXPECT_EQ(read.finished_at, run.finished_at);
  EXPECT_EQ(read.checkpoint_sha256, "123");
  EXPECT_EQ(read.seconds, 3600.0);
  EXPECT_EQ(read.crs_pipelines, "[]");
  EXPECT_EQ(read.crs_accuracy_m, 0.5);
  EXPECT_EQ(read.grid, run.grid);
  EXPECT_FALSE(store.FindRun("run-1")->grid);
  EXPECT_FALSE(store.FindRun("run-3"));

  WorkRow work{"run-2", "segment", 7, 512, 1024, 640, 320, false, {}, {}};
  store.SaveWork(work);
  work.done = true;
  work.seconds = 1.5;
  work.tracks = std::string("\0bytes\xff", 7);
  store.SaveWork(work);
  work.window_id = 3;
  work.tracks = std::nullopt;
  store.SaveWork(work);
  const std::vector<WorkRow> windows = store.Work("run-2", "segment");
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].window_id, 3);
  EXPECT_EQ(windows[1].col, 512);
  EXPECT_EQ(windows[1].row, 1024);
  EXPECT_EQ(windows[1].width, 640);
  EXPECT_EQ(windows[1].height, 320);
  EXPECT_TRUE(windows[1].done);
  EXPECT_EQ(windows[1].seconds, 1.5);
  EXPECT_EQ(store.WorkTracks("run-2", "segment", 7),
            std::string("\0bytes\xff", 7));
  EXPECT_FALSE(store.WorkTracks("run-2", "segment", 3));
  EXPECT_THAT(store.Work("run-2", "align"), IsEmpty());
  store.DeleteWork("run-2");
  EXPECT_THAT(store.Work("run-2", "segment"), IsEmpty());
}

TEST(Store, ReadsBackModelsExperimentsAndReviews) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  store.SaveModel({"abc", "small", "small.safetensors", "vicreg", "{}", ""});
  store.SaveExperiment({"e1", "vicreg", "{}", 10, "loss", 0.5, "abc"});
  store.SaveExperiment({"e1", "vicreg", "{}", 10, "loss", 0.25, "abc"});
  store.SaveExperiment({"e1", "vicreg", "{}", 2, "rankme", 31.5, {}});
  ReviewRow review;
  review.verdict = "same";
  review.track_id = "A";
  review.at = Point2d{1.5, 2.5};
  review.other_track = "B";
  review.note = "same gable";
  const int64_t fid = store.AddReview(review);

  ASSERT_EQ(store.Models().size(), 1u);
  EXPECT_EQ(store.Models()[0].method, "vicreg");
  EXPECT_EQ(store.Models()[0].created_at.size(), NowUtc().size());
  const std::vector<ExperimentRow> steps = store.Experiments();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].measure, "rankme");
  EXPECT_EQ(steps[1].value, 0.25);
  const std::vector<ReviewRow> reviews = store.Reviews();
  ASSERT_EQ(reviews.size(), 1u);
  EXPECT_EQ(reviews[0].fid, fid);
  EXPECT_EQ(reviews[0].at, review.at);
  EXPECT_FALSE(reviews[0].other_at);
  EXPECT_EQ(reviews[0].other_track, "B");
  EXPECT_EQ(reviews[0].note, "same gable");

  // A correction outlives the result that it corrects.
  store.DeleteRun("run-1");
  EXPECT_EQ(store.Reviews().size(), 1u);
}

TEST(Store, KeepsEvaluationsByWeightsBenchmarkAndVersion) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  store.SaveModel({"abc", "small", "small.safetensors", "vicreg", "{}", ""});
  store.SaveModel({"def", "small", "other.safetensors", {}, "{}", ""});
  store.SaveEvaluations({{"abc", "count", 1, 3, "predicted", 2.0},
                         {"abc", "count", 1, 3, "correct", 0.0},
                         {"abc", "count", 2, 3, "correct", 1.0},
                         {"abc", "side", 1, 0, "correct", 1.0},
                         {"def", "count", 1, 3, "correct", 1.0}});
  store.SaveEvaluations({{"abc", "count", 1, 3, "correct", 1.0}});
  const std::vector<EvaluationRow> rows = store.Evaluations("abc", "count", 1);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].metric, "correct");
  EXPECT_EQ(rows[0].value, 1.0) << "the later value counts";
  EXPECT_EQ(rows[1].value, 2.0);
  EXPECT_EQ(rows[1].sample, 3);
  EXPECT_EQ(store.Evaluations().size(), 5u);
  EXPECT_EQ(store.FindModel("def")->path, "other.safetensors");
  EXPECT_FALSE(store.FindModel("ghi"));

  // All or none.
  EXPECT_THROW(store.SaveEvaluations({{"abc", "count", 1, 4, "correct", 1.0},
                                      {"ghi", "count", 1, 4, "correct", 1.0}}),
               Error)
      << "unknown weights";
  EXPECT_EQ(store.Evaluations().size(), 5u);
}

TEST(Store, WritingAResultAgainReplacesIt) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  Store store = TinyProject(path);
  RunResult result;
  result.buildings = {Building("A", "1860", "1860"),
                      Building("Z", "1860", "1860")};
  result.observations = {Observation("A", "1860", Rectangle(0, 0, 1, 1), 1),
                         Observation("Z", "1860", Rectangle(5, 5, 6, 6), 1)};
  store.WriteResult("run-1", result);

  EXPECT_EQ(store.Buildings().size(), 2u);
  EXPECT_EQ(store.Observations().size(), 2u);
  EXPECT_THAT(store.BuildingStates(), IsEmpty());
  EXPECT_THAT(store.Lineage(), IsEmpty());
  store.Close();
  EXPECT_THAT(ProblemsOf(path), IsEmpty());  // extents and R-trees, too
}

TEST(Store, RunsKeepTheirResultsApart) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  Store store = TinyProject(path);
  store.SaveRun(MakeRun("run-2"));
  RunResult result;
  result.buildings = {Building("Z", "1860", "1860")};
  result.observations = {Observation("Z", "1860", Rectangle(5, 5, 6, 6), 1)};
  store.WriteResult("run-2", result);
  EXPECT_EQ(store.Buildings().size(), 7u);

  store.DeleteResult("run-2");
  EXPECT_EQ(store.Buildings().size(), 6u);
  store.WriteResult("run-2", result);
  store.DeleteOtherResults("run-2");
  EXPECT_EQ(store.Buildings().size(), 1u);
  EXPECT_EQ(store.Runs().size(), 2u);
  store.DeleteRun("run-2");
  EXPECT_THAT(store.Buildings(), IsEmpty());
  store.Close();
  EXPECT_THAT(ProblemsOf(path), IsEmpty());
}

TEST(Store, RefusesDanglingReferencesAndKeepsTheOldResult) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  Store store = TinyProject(path);
  RunResult edition = TinyResult();
  edition.observations.back().edition = "1925";
  RunResult track = TinyResult();
  track.states.back().track_id = "nobody";
  RunResult lineage = TinyResult();
  lineage.lineage.back().to_track = "nobody";
  for (const RunResult& result : {edition, track, lineage}) {
    const Error error = ErrorOf([&] { store.WriteResult("run-1", result); });
    EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
    EXPECT_THAT(error.Message(),
                AllOf(HasSubstr("p.gpkg"), HasSubstr("refers to")));
  }
  EXPECT_THROW(store.WriteResult("no such run", TinyResult()), Error);

  EXPECT_EQ(store.Observations().size(), 11u);
  EXPECT_EQ(store.Lineage().size(), 7u);
  store.Close();
  EXPECT_THAT(ProblemsOf(path), IsEmpty());
}

TEST(Store, RefusesValuesThatMakeNoSense) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  RunResult twice = TinyResult();
  twice.observations.push_back(twice.observations.front());
  EXPECT_THAT(ErrorOf([&] { store.WriteResult("run-1", twice); }).Message(),
              HasSubstr("observation.track_id, observation.edition"));
  RunResult kind = TinyResult();
  kind.lineage.front().kind = "vanish";
  EXPECT_THROW(store.WriteResult("run-1", kind), Error);
  RunResult date = TinyResult();
  date.buildings.front().built_by = Date{1881, 2, 30};
  EXPECT_THROW(store.WriteResult("run-1", date), Error);
  date.buildings.front().built_by = Date{1881, 13, 1};
  EXPECT_THROW(store.WriteResult("run-1", date), Error);
  RunResult ring = TinyResult();
  ring.observations.front().geometry[0].shell.resize(2);
  EXPECT_THROW(store.WriteResult("run-1", ring), Error);
  for (const std::string& known : LineageKinds()) {
    RunResult result = TinyResult();
    result.lineage.front().kind = known;
    result.states.front().kind = known;
    store.WriteResult("run-1", result);
  }
}

TEST(Store, TransactionRollsBackUnlessCommitted) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  {
    Transaction transaction = store.Begin();
    store.SaveEdition(Edition("1925", 3));
    store.WriteResult("run-1", {});
    EXPECT_THAT(store.Buildings(), IsEmpty());
  }
  EXPECT_EQ(store.Editions().size(), 3u);
  EXPECT_EQ(store.Buildings().size(), 6u);
  {
    Transaction transaction = store.Begin();
    store.SaveEdition(Edition("1925", 3));
    {
      Transaction inner = store.Begin();
      store.SaveEdition(Edition("1950", 4));
    }
    transaction.Commit();
  }
  EXPECT_EQ(store.Editions().size(), 4u);  // without the inner one
}

TEST(Store, ErrorInsideATransactionLeavesTheRestUsable) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  Transaction transaction = store.Begin();
  store.SaveEdition(Edition("1925", 3));
  RunResult bad = TinyResult();
  bad.observations.back().edition = "1999";
  EXPECT_THROW(store.WriteResult("run-1", bad), Error);
  transaction.Commit();
  EXPECT_EQ(store.Editions().size(), 4u);
  EXPECT_EQ(store.Observations().size(), 11u);
}

TEST(Store, ReadOnlyStoreRefusesToWrite) {
  TempDir folder;
  TinyProject(folder / "p.gpkg").Close();
  Store store = Store::Open(folder / "p.gpkg", OpenMode::kReadOnly);
  const Error error = ErrorOf([&] { store.SaveEdition(Edition("1925", 3)); });
  EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
  EXPECT_THAT(error.Message(), HasSubstr("may not be written"));
}

TEST(Store, LeavesOneFileInJournalModeDelete) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  {
    // As QGIS leaves it.
    Connection connection(path, Access::kReadWrite);
    EXPECT_EQ(connection.QueryValue<std::string>("PRAGMA journal_mode = WAL"),
              "wal");
  }
  {
    // Reading is possible at once; writing turns it back.
    EXPECT_EQ(Store::Open(path, OpenMode::kReadOnly).Buildings().size(), 6u);
    Store store = Store::Open(path, OpenMode::kReadWrite);
    store.SaveEdition(Edition("1925", 3));
  }
  Connection connection(path, Access::kReadOnly);
  EXPECT_EQ(connection.QueryValue<std::string>("PRAGMA journal_mode"),
            "delete");
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    EXPECT_FALSE(fs::exists(path.string() + suffix)) << suffix;
  }
}

TEST(Store, ExtentsAreTrueAndChangesAreDated) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  Connection& connection = store.InnerConnection();
  Statement statement = connection.Prepare(
      "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents "
      "WHERE table_name = 'observation'");
  ASSERT_TRUE(statement.Step());
  EXPECT_EQ(statement.Get<double>(0), 0.0);
  EXPECT_EQ(statement.Get<double>(1), 0.0);
  EXPECT_EQ(statement.Get<double>(2), 330.0);
  EXPECT_EQ(statement.Get<double>(3), 10.0);

  connection.Execute("UPDATE gpkg_contents SET last_change = '2000'");
  store.SaveEdition(Edition("1925", 3));
  store.DeleteResult("run-1");
  EXPECT_EQ(connection.QueryValue<int>(
                "SELECT count(*) FROM gpkg_contents WHERE last_change > '2020' "
                "AND table_name IN ('edition', 'observation', "
                "'building_state', 'building', 'lineage')"),
            5);
  EXPECT_FALSE(connection.QueryValue<double>(
      "SELECT min_x FROM gpkg_contents WHERE table_name = 'observation'"));
}

TEST(Store, RemembersMeta) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  EXPECT_FALSE(store.Meta("licence"));
  store.SetMeta("licence", "CC0");
  store.SetMeta("licence", "CC-BY 4.0");
  EXPECT_EQ(store.Meta("licence"), "CC-BY 4.0");
  EXPECT_THROW(store.SetMeta("schema_version", "99"), Error);
}

TEST(Store, WorkPerPolygonDoesNotGrow) {
  TempDir folder;
  Store store =
      Store::Create(folder / "p.gpkg", SwissSrs(), Overwrite::kRefuse);
  store.SaveEdition(Edition("1880", 0));
  store.SaveRun(MakeRun("run-1"));
  RunResult result;
  for (int i = 0; i < 10000; ++i) {
    const std::string track = std::to_string(i);
    result.buildings.push_back(Building(track, "1880", "1880"));
    result.observations.push_back(
        Observation(track, "1880",
                    Rectangle(i % 100 * 20.0, i / 100 * 20.0,
                              i % 100 * 20.0 + 10, i / 100 * 20.0 + 10),
                    100));
  }
  // Processor time, so that a busy machine does not matter. The bound is
  // generous: whatever is done per row over all rows would take minutes.
  const std::clock_t begin = std::clock();
  store.WriteResult("run-1", result);
  const double seconds =
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 10.0);
  EXPECT_EQ(store.Observations().size(), 10000u);
}

}  // namespace
}  // namespace mapweave::db
