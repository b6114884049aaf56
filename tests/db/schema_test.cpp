// SPDX-License-Identifier: MIT
//
// Which files open, what the errors say of those that do not, and migrations.
#include "db/schema.h"

#include "core/atomic_file.h"
#include "db/check.h"
#include "db/store.h"
#include "fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <fstream>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Runs SQL on a file without any of the library's ways.
void RunSql(const fs::path& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message),
            SQLITE_OK)
      << message;
  sqlite3_close(handle);
}

Error OpenError(const fs::path& path, OpenMode mode = OpenMode::kReadOnly) {
  const Error error = ErrorOf([&] { Store::Open(path, mode); });
  EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
  EXPECT_THAT(error.Message(), HasSubstr(path.filename().string()));
  EXPECT_THAT(error.Hint(), Not(IsEmpty()));
  return error;
}

TEST(OpenStore, MissingFile) {
  TempDir folder;
  EXPECT_THAT(OpenError(folder / "none.gpkg").Message(),
              HasSubstr("no such file"));
  EXPECT_THROW(Store::Open(folder / "none.gpkg", OpenMode::kReadWrite), Error);
  EXPECT_FALSE(fs::exists(folder / "none.gpkg"));
}

TEST(OpenStore, FolderInsteadOfFile) {
  TempDir folder;
  fs::create_directory(folder / "folder.gpkg");
  OpenError(folder / "folder.gpkg");
}

TEST(OpenStore, NotADatabase) {
  TempDir folder;
  std::ofstream(folder / "text.gpkg") << std::string(5000, 'x');
  EXPECT_THAT(OpenError(folder / "text.gpkg").Message(),
              HasSubstr("not a SQLite database"));
}

TEST(OpenStore, EmptyFileAndOtherDatabase) {
  TempDir folder;
  std::ofstream(folder / "empty.gpkg").flush();
  EXPECT_THAT(OpenError(folder / "empty.gpkg").Message(),
              HasSubstr("some other database"));
  RunSql(folder / "other.db", "CREATE TABLE t (x)");
  EXPECT_THAT(OpenError(folder / "other.db").Message(),
              HasSubstr("some other database"));
}

TEST(OpenStore, GeoPackageOfAnotherProgram) {
  TempDir folder;
  RunSql(folder / "foreign.gpkg", "CREATE TABLE gpkg_contents (x)");
  EXPECT_THAT(
      OpenError(folder / "foreign.gpkg", OpenMode::kReadWrite).Message(),
      HasSubstr("a GeoPackage of another program"));
}

TEST(OpenStore, TruncatedFile) {
  TempDir folder;
  TinyProject(folder / "whole.gpkg").Close();
  const std::string bytes = ReadFile(folder / "whole.gpkg");
  for (const size_t kept : {bytes.size() - 1, bytes.size() / 2, size_t{4096},
                            size_t{512}, size_t{50}}) {
    const fs::path path = folder / "cut.gpkg";
    WriteFileAtomically(path, bytes.substr(0, kept), Overwrite::kAllow);
    OpenError(path);
    EXPECT_THROW(
        {
          const CheckReport report = CheckStore(path);
          if (!report.IsSound()) throw Error(ErrorCode::kDatabase, "unsound");
        },
        Error)
        << kept;
  }
  WriteFileAtomically(folder / "cut.gpkg", bytes.substr(0, bytes.size() / 2),
                      Overwrite::kAllow);
  EXPECT_THAT(OpenError(folder / "cut.gpkg").Message(), HasSubstr("cut off"));
}

TEST(OpenStore, NewerAndUnknownSchema) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  RunSql(path,
         "UPDATE mapweave_meta SET value = '99' WHERE key = 'schema_version'");
  EXPECT_THAT(OpenError(path).Message(),
              AllOf(HasSubstr("newer"), HasSubstr("99")));
  EXPECT_THROW(MigrateStore(path), Error);
  EXPECT_FALSE(CheckStore(path).IsSound());
  RunSql(path, "DELETE FROM mapweave_meta WHERE key = 'schema_version'");
  EXPECT_THAT(OpenError(path).Message(), HasSubstr("which version"));
}

TEST(OpenStore, LockedFile) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  Store writer = Store::Open(path, OpenMode::kReadWrite);
  Store other = Store::Open(path, OpenMode::kReadWrite);
  other.InnerConnection().SetBusyTimeout(20);
  {
    const Transaction transaction = writer.Begin();
    const Error error = ErrorOf([&] { other.Begin(); });
    EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
    EXPECT_THAT(error.Message(), HasSubstr("another program"));
    EXPECT_THAT(error.Hint(), HasSubstr("QGIS"));
    EXPECT_EQ(other.Buildings().size(), 6u);  // reading goes on
  }
  other.SaveEdition(Edition("1925", 3));
}

TEST(Migrations, AreNumberedWithoutGaps) {
  int expected = 0;
  for (const Migration& migration : Migrations()) {
    EXPECT_EQ(migration.version, ++expected);
    EXPECT_THAT(std::string(migration.name),
                ::testing::StartsWith(fmt::format("{:04d}_", expected)));
  }
  EXPECT_EQ(LatestVersion(), expected);
}

TEST(Migrations, ArePlacedOnWhatIsThere) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  const int latest = LatestVersion();
  const std::array next{
      Migration{latest, "again", "this must not run"},
      Migration{latest + 1, "one", "ALTER TABLE building ADD COLUMN roof TEXT"},
      Migration{latest + 2, "two", "UPDATE building SET roof = 'tiles'"}};

  Connection connection(path, Access::kReadWrite);
  Transaction transaction(connection);
  ApplyMigrations(connection, next, latest);
  transaction.Commit();

  EXPECT_EQ(ReadSchemaVersion(connection), latest + 2);
  EXPECT_EQ(connection.QueryValue<int>(
                "SELECT count(*) FROM building WHERE roof = 'tiles'"),
            6);
}

TEST(Migrations, FailingOneLeavesTheFileAsItWas) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  const std::string before = ReadFile(path);
  const int latest = LatestVersion();
  const std::array next{
      Migration{latest + 1, "one", "DELETE FROM lineage; DROP TABLE lineage"},
      Migration{latest + 2, "two", "INSERT INTO no_such_table VALUES (1)"}};
  {
    Connection connection(path, Access::kReadWrite);
    Transaction transaction(connection);
    EXPECT_THROW(ApplyMigrations(connection, next, latest), Error);
  }
  EXPECT_TRUE(ReadFile(path) == before) << "the file was changed";
}

// Takes back what a later version added, with the functions of the triggers.
void TakeBack(const fs::path& path, const std::string& sql) {
  Connection(path, Access::kReadWrite).ExecuteScript(sql);
}

// A project with one sheet.
void ProjectWithSheet(const fs::path& path) {
  Store store = TinyProject(path);
  SheetRow sheet;
  sheet.path = "maps/north.tif";
  sheet.sha256 = "abc";
  sheet.edition = "1860";
  sheet.crs = "EPSG:21781";
  sheet.georef = "affine";
  sheet.footprint = Rectangle(0, 0, 1000, 700);
  store.SaveSheet(sheet);
}

constexpr char kFourthVersion[] =
    "DROP TABLE evaluation;"
    "DELETE FROM gpkg_contents WHERE table_name = 'evaluation';"
    "UPDATE mapweave_meta SET value = '4' WHERE key = 'schema_version';";
constexpr char kSecondVersion[] =
    "ALTER TABLE sheet DROP COLUMN date_edtf;"
    "ALTER TABLE sheet DROP COLUMN date_source;"
    "ALTER TABLE sheet DROP COLUMN options;"
    "ALTER TABLE sheet DROP COLUMN loo_rmse_m;"
    "ALTER TABLE sheet DROP COLUMN crs_pipeline;"
    "ALTER TABLE sheet DROP COLUMN crs_accuracy_m;"
    "ALTER TABLE sheet DROP COLUMN aids_sha256;"
    "UPDATE mapweave_meta SET value = '2' WHERE key = 'schema_version';";
constexpr char kFirstVersion[] =
    "DROP TABLE alignment_field;"
    "DELETE FROM gpkg_contents WHERE table_name = 'alignment_field';"
    "UPDATE mapweave_meta SET value = '1' WHERE key = 'schema_version'";

TEST(Migrations, SecondVersionGetsWhatSheetsWereOpenedWith) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  ProjectWithSheet(path);
  TakeBack(path,
           std::string(kFourthVersion) + kSecondVersion +
               "INSERT INTO mapweave_meta VALUES ('ingest', "
               "'{\"sheet_crs\":\"EPSG:2154\",\"allow_ballpark\":true}')");
  MigrateStore(path);
  EXPECT_THAT(CheckStore(path).problems, IsEmpty());
  const Store store = Store::Open(path, OpenMode::kReadOnly);
  ASSERT_FALSE(store.Sheets().empty());
  for (const SheetRow& sheet : store.Sheets()) {
    EXPECT_EQ(sheet.options, R"({"crs":"EPSG:2154","allow_ballpark":true})");
    EXPECT_EQ(sheet.date_edtf, sheet.edition);
    EXPECT_EQ(sheet.crs_pipeline, std::nullopt);
  }
}

TEST(Migrations, SecondVersionWithoutOptionsKeepsNone) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  ProjectWithSheet(path);
  TakeBack(path, std::string(kFourthVersion) + kSecondVersion +
                     "INSERT INTO mapweave_meta VALUES ('ingest', "
                     "'{\"sheet_crs\":\"\",\"allow_ballpark\":false}')");
  MigrateStore(path);
  const Store store = Store::Open(path, OpenMode::kReadOnly);
  for (const SheetRow& sheet : store.Sheets()) EXPECT_EQ(sheet.options, "{}");
}

TEST(Migrations, ThirdVersionKnowsNothingOfWhatPlacesItsSheets) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  ProjectWithSheet(path);
  TakeBack(path, std::string(kFourthVersion) +
                     "ALTER TABLE sheet DROP COLUMN aids_sha256;"
                     "UPDATE mapweave_meta SET value = '3' WHERE key = "
                     "'schema_version';");
  EXPECT_EQ(MigrateStore(path).from_version, 3);
  EXPECT_THAT(CheckStore(path).problems, IsEmpty());
  const Store store = Store::Open(path, OpenMode::kReadOnly);
  ASSERT_EQ(store.Sheets().size(), 1u);
  EXPECT_EQ(store.Sheets()[0].aids_sha256, std::nullopt);
}

TEST(Migrations, FourthVersionGetsATableForEvaluations) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  {
    Store store = TinyProject(path);
    store.SaveModel({"abc", "small", "small.safetensors", "vicreg", "{}", ""});
  }
  TakeBack(path, kFourthVersion);
  EXPECT_THROW(Store::Open(path, OpenMode::kReadOnly), Error);
  EXPECT_EQ(MigrateStore(path).from_version, 4);
  EXPECT_THAT(CheckStore(path).problems, IsEmpty());
  Store store = Store::Open(path, OpenMode::kReadWrite);
  ASSERT_EQ(store.Models().size(), 1u) << "what was there stays";
  EXPECT_THAT(store.Evaluations(), IsEmpty());
  store.SaveEvaluations({{"abc", "count", 1, 0, "correct", 1.0}});
  EXPECT_EQ(store.Evaluations().size(), 1u);
  EXPECT_EQ(store.InnerConnection().QueryValue<int>(
                "SELECT count(*) FROM gpkg_contents "
                "WHERE table_name = 'evaluation' AND data_type = 'attributes'"),
            1);
}

TEST(Migrations, FirstVersionGetsAlignmentFields) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  ProjectWithSheet(path);
  TakeBack(path, std::string(kFourthVersion) + kSecondVersion + kFirstVersion);
  const MigrationReport report = MigrateStore(path);
  EXPECT_EQ(report.from_version, 1);
  EXPECT_THAT(CheckStore(path).problems, IsEmpty());
  Store store = Store::Open(path, OpenMode::kReadWrite);
  EXPECT_EQ(store.AlignmentField("1860"), std::nullopt);
  store.SaveAlignmentField("1860", DisplacementField::Constant({1, 2}));
  EXPECT_EQ(store.AlignmentField("1860"), DisplacementField::Constant({1, 2}));
  EXPECT_EQ(store.InnerConnection().QueryValue<int>(
                "SELECT count(*) FROM gpkg_contents "
                "WHERE table_name = 'alignment_field'"),
            1);
}

TEST(Migrations, CurrentFileNeedsNone) {
  TempDir folder;
  TinyProject(folder / "p.gpkg").Close();
  const MigrationReport report = MigrateStore(folder / "p.gpkg");
  EXPECT_EQ(report.from_version, LatestVersion());
  EXPECT_EQ(report.to_version, LatestVersion());
  EXPECT_THAT(CheckStore(folder / "p.gpkg").problems, IsEmpty());
}

// GeoPackage 1.3, Req 5: the column types that readers must know.
TEST(Schema, UsesOnlyColumnTypesOfTheStandard) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  Statement statement = store.InnerConnection().Prepare(
      "SELECT m.name, p.name, p.type FROM gpkg_contents AS c "
      "JOIN sqlite_master AS m ON m.name = c.table_name "
      "JOIN pragma_table_info(m.name) AS p");
  int columns = 0;
  while (statement.Step()) {
    ++columns;
    EXPECT_THAT(statement.Get<std::string>(2),
                ::testing::MatchesRegex("(BOOLEAN|INTEGER|DOUBLE|BLOB|DATE|"
                                        "DATETIME|MULTIPOLYGON|TEXT.*)"))
        << statement.Get<std::string>(0) << "."
        << statement.Get<std::string>(1);
  }
  EXPECT_GT(columns, 80);
}

TEST(Schema, EveryForeignKeyIsIndexed) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  // A key's first column must lead some index of its table.
  Statement statement = store.InnerConnection().Prepare(
      "SELECT m.name, f.\"from\" FROM sqlite_master AS m "
      "JOIN pragma_foreign_key_list(m.name) AS f "
      "WHERE m.type = 'table' AND m.name NOT LIKE 'gpkg%' AND NOT EXISTS ("
      "SELECT 1 FROM pragma_index_list(m.name) AS l "
      "JOIN pragma_index_info(l.name) AS i "
      "WHERE i.seqno = 0 AND i.name = f.\"from\")");
  while (statement.Step()) {
    ADD_FAILURE() << statement.Get<std::string>(0) << "."
                  << statement.Get<std::string>(1);
  }
}

TEST(Schema, StyleSwitchesTheTemporalControllerOn) {
  TempDir folder;
  Store store = TinyProject(folder / "p.gpkg");
  const std::string qml = store.InnerConnection()
                              .QueryValue<std::string>(
                                  "SELECT styleQML FROM layer_styles WHERE "
                                  "f_table_name = 'building_state' AND "
                                  "f_geometry_column = 'geom' AND "
                                  "useAsDefault")
                              .value();
  EXPECT_THAT(qml, AllOf(HasSubstr("<temporal enabled=\"1\" mode=\"2\""),
                         HasSubstr("startField=\"start_date\""),
                         HasSubstr("endField=\"end_date\""),
                         HasSubstr("class=\"SimpleFill\"")));
}

}  // namespace
}  // namespace mapweave::db
