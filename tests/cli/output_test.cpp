// SPDX-License-Identifier: MIT
//
// Where results go: never over what is there, never half.
#include "core/atomic_file.h"
#include "program.h"
#include "small_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Output : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.File(name); }
  const fs::path& Folder() const { return folder_.Path(); }
  const SmallSeries& small_ = SmallSeries::Get();

 private:
  mapweave::testing::TempDir folder_;
};

TEST_F(Output, FolderThatIsMissing) {
  for (const std::vector<std::string>& arguments :
       {small_.RunArguments(Path("missing/p.gpkg")),
        std::vector<std::string>{"export", small_.Project(),
                                 Path("missing/p.geojson")}}) {
    const Outcome outcome = Mapweave(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("missing"));
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(FilesIn(Folder()), IsEmpty());
  }
}

TEST_F(Output, FolderThatMayNotBeWritten) {
  // Nothing is forbidden to root, who becomes nobody for this.
  const bool root = geteuid() == 0;
  const std::string sheet = Path("town_1860.tif");
  fs::copy_file(small_.First(), sheet);
  fs::create_directory(Path("locked"));
  fs::permissions(Path("locked"), fs::perms(0555));
  fs::permissions(Folder(), fs::perms(0755));
  Program program(MAPWEAVE_PROGRAM,
                  {"ingest", sheet, "-o", Path("locked/p.gpkg")}, root);
  const Outcome outcome = program.Wait();
  if (outcome.code == 126 || outcome.code == 127) {
    GTEST_SKIP() << "the program cannot be run as nobody";
  }
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("locked/p.gpkg"));
  EXPECT_THAT(FilesIn(Path("locked")), IsEmpty());
}

TEST_F(Output, ExistingFileIsKept) {
  const std::string project = small_.Project();
  for (const std::string name : {"p.gpkg", "p.geojson", "p.png"}) {
    std::ofstream(Path(name)) << "mine";
    const Outcome outcome =
        Mapweave(name == "p.gpkg"
                     ? small_.RunArguments(Path(name))
                     : std::vector<std::string>{"export", project, Path(name)});
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(name));
    EXPECT_THAT(outcome.err, HasSubstr("--overwrite"));
    EXPECT_EQ(ReadFile(Path(name)), "mine");
  }
  EXPECT_THAT(FilesIn(Folder()), ElementsAre("p.geojson", "p.gpkg", "p.png"));
}

TEST_F(Output, OverwriteReplaces) {
  std::ofstream(Path("p.gpkg")) << "mine";
  const Outcome run =
      Mapweave(small_.RunArguments(Path("p.gpkg"), {"--overwrite"}));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Mapweave({"db", "check", Path("p.gpkg")}).code, 0);
  // A finished project is no unfinished run.
  const std::string before = ReadFile(Path("p.gpkg"));
  EXPECT_EQ(Mapweave(small_.RunArguments(Path("p.gpkg"))).code, 2);
  EXPECT_EQ(ReadFile(Path("p.gpkg")), before);
}

TEST_F(Output, AnInputIsNeverWrittenOver) {
  const std::string first = Path("town_1860.tif");
  const std::string second = Path("town_1880.tif");
  fs::copy_file(small_.First(), first);
  fs::copy_file(small_.First(), second);
  const std::string before = ReadFile(second);
  for (const char* command : {"run", "ingest"}) {
    const Outcome outcome =
        Mapweave({command, first, second, "-o", second, "--overwrite"});
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("town_1880.tif"));
    EXPECT_EQ(ReadFile(second), before);
  }
  const std::string project = Path("p.gpkg");
  fs::copy_file(small_.Project(), project);
  const Outcome outcome = Mapweave({"export", project, project, "--overwrite"});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(ReadFile(project), ReadFile(small_.Project()));
}

TEST_F(Output, RunGoesOnAfterIngestion) {
  const std::vector<std::string> run = small_.RunArguments(Path("p.gpkg"));
  std::vector<std::string> ingest = {"ingest"};
  for (size_t i = 1; i < run.size() && run[i] != "-o"; ++i) {
    ingest.push_back(run[i]);
  }
  ingest.insert(ingest.end(), {"-o", Path("p.gpkg")});
  ASSERT_EQ(Mapweave(ingest).code, 0);
  const Outcome outcome = Mapweave(run);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("going on"));
}

TEST_F(Output, FolderInsteadOfAFile) {
  fs::create_directory(Path("p.gpkg"));
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--overwrite"}}) {
    const Outcome outcome = Mapweave(small_.RunArguments(Path("p.gpkg"), more));
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("p.gpkg"));
    EXPECT_TRUE(fs::is_directory(Path("p.gpkg")));
  }
}

TEST_F(Output, OneEditionIsOutlinedWithAWordThatThereIsNothingToLink) {
  const Outcome outcome =
      Mapweave({"run", small_.First(), "-o", Path("one.gpkg"), "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("nothing to link"));
  const Json report = JsonOf(outcome);
  EXPECT_EQ(report.at("buildings"), report.at("observations"));
  EXPECT_EQ(Mapweave({"db", "check", Path("one.gpkg")}).code, 0);
}

TEST_F(Output, RunTellsWhatItDidAsOneDocument) {
  const Outcome outcome =
      Mapweave(small_.RunArguments(Path("p.gpkg"), {"--json"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json report = JsonOf(outcome);
  for (const char* key : {"editions", "buildings", "observations", "lineage",
                          "seconds", "megapixels"}) {
    EXPECT_TRUE(report.contains(key)) << key;
  }
  EXPECT_EQ(report.at("editions").size(), 2u);
  EXPECT_EQ(report.at("editions").at(0).at("edition"), "1860");
  EXPECT_NEAR(report.at("megapixels").get<double>(), 2 * 256 * 256 / 1e6, 0.01);
  int64_t observations = 0;
  for (const Json& edition : report.at("editions")) {
    observations += edition.at("observations").get<int64_t>();
  }
  EXPECT_EQ(report.at("observations"), observations);
  // No journal or temporary file stays beside it.
  EXPECT_THAT(FilesIn(Folder()), ElementsAre("p.gpkg"));
}

TEST_F(Output, QualityControlIsPartOfTheDocumentAndChangesNoOther) {
  const std::vector<std::string> ingest = {"ingest", small_.First(), "--json",
                                           "-o"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ingest.begin(), ingest.end());
    return Mapweave(more);
  };
  const Outcome trained = Mapweave(
      {"ssl", "qc-train", "-o", Path("probe.safetensors"), "--steps", "2",
       "--sheets", "4", "--held-out-sheets", "2", "--width", "4"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  Json plain = JsonOf(with({Path("a.gpkg")}));
  const Outcome checked =
      with({Path("b.gpkg"), "--qc", "--qc-probe", Path("probe.safetensors"),
            "--qc-places", "3", "--qc-report", Path("look")});
  ASSERT_EQ(checked.code, 0) << checked.err;
  Json document = JsonOf(checked);
  const Json qc = document.at("qc");
  ASSERT_EQ(qc.size(), 1u);
  EXPECT_EQ(qc[0].at("places").size(), 3u);
  document.erase("qc");
  plain.at("sheets")[0].erase("path");
  document.at("sheets")[0].erase("path");
  EXPECT_EQ(document, plain);
  EXPECT_THAT(FilesIn(Path("look")),
              ElementsAre("index.html", "places.geojson",
                          "town_1860_overview.png", "town_1860_places.png"));
  // A probe that is none is told before anything is made.
  const Outcome refused =
      with({Path("c.gpkg"), "--qc", "--qc-probe", small_.First()});
  EXPECT_EQ(refused.code, 5) << refused.err;
  EXPECT_FALSE(fs::exists(Path("c.gpkg")));
}

}  // namespace
}  // namespace mapweave::cli
