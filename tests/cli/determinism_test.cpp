// SPDX-License-Identifier: MIT
//
// The result is a function of the sheets and the options alone: not of the
// number of threads, of Ctrl-C, of kill -9, and hardly of where windows begin.
#include "core/atomic_file.h"
#include "core/random.h"
#include "pipelines/evaluate.h"
#include "program.h"
#include "small_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <signal.h>
#include <thread>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Determinism : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.File(name); }
  // Every outline with its attributes, in order.
  std::string Exported(const std::string& project) const {
    const std::string file = project + ".geojson";
    const Outcome made = Mapweave({"export", project, file, "--overwrite"});
    EXPECT_EQ(made.code, 0) << made.err;
    return made.code == 0 ? ReadFile(file) : "";
  }
  const SmallSeries& small_ = SmallSeries::Get();

 private:
  mapweave::testing::TempDir folder_;
};

TEST_F(Determinism, ThreadsDoNotMatter) {
  for (const char* threads : {"1", "2"}) {
    const Outcome run = Mapweave(small_.RunArguments(
        Path(std::string(threads) + ".gpkg"), {"--threads", threads}));
    ASSERT_EQ(run.code, 0) << run.err;
  }
  const std::string one = Exported(Path("1.gpkg"));
  EXPECT_THAT(one, HasSubstr("\"Feature\""));
  EXPECT_EQ(one, Exported(Path("2.gpkg")));
}

TEST_F(Determinism, InterruptEndsWith130AndTheNextRunGoesOn) {
  // Dozens of windows: time enough to be interrupted among them.
  std::vector<std::string> arguments = {"run"};
  arguments.insert(arguments.end(), small_.Sheets().begin(),
                   small_.Sheets().end());
  arguments.insert(arguments.end(),
                   {"-o", Path("p.gpkg"), "--threads", "1", "--window-px", "64",
                    "--overlap-px", "32", "--json"});
  Program program(MAPWEAVE_PROGRAM, arguments);
  ASSERT_TRUE(program.AwaitErrorText("segment:")) << program.ErrorText();
  program.Signal(SIGINT);
  const Outcome interrupted = program.Wait();
  EXPECT_EQ(interrupted.code, 130) << interrupted.err;
  EXPECT_EQ(JsonOf(interrupted).at("error").at("code"), "interrupted");
  EXPECT_EQ(Mapweave({"db", "check", Path("p.gpkg")}).code, 0);

  const Outcome again = Mapweave(arguments);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(JsonOf(again).at("resumed"), true);

  arguments[4] = Path("whole.gpkg");
  ASSERT_EQ(Mapweave(arguments).code, 0);
  EXPECT_EQ(Exported(Path("p.gpkg")), Exported(Path("whole.gpkg")));
}

TEST_F(Determinism, KilledRunsEndInTheSameResult) {
  const Outcome whole = Mapweave(small_.RunArguments(Path("whole.gpkg")));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const std::string expected = Exported(Path("whole.gpkg"));
  Rng rng(20, 1);
  for (int i = 0; i < 5; ++i) {
    const std::string project = Path("killed" + std::to_string(i) + ".gpkg");
    const auto arguments = small_.RunArguments(project);
    const double moment = rng.Uniform(0.05, 1.0) * whole.seconds;
    SCOPED_TRACE(::testing::Message() << "killed after " << moment << " s");
    {
      Program program(MAPWEAVE_PROGRAM, arguments);
      std::this_thread::sleep_for(std::chrono::duration<double>(moment));
      program.Signal(SIGKILL);
      const int code = program.Wait().code;
      EXPECT_TRUE(code == -SIGKILL || code == 0) << code;
    }
    const Outcome again = Mapweave(arguments);
    if (again.code == 2) {
      // It was finished, and is not run over.
      EXPECT_THAT(again.err, HasSubstr("exists already"));
    } else {
      EXPECT_EQ(again.code, 0) << again.err;
    }
    EXPECT_EQ(Exported(project), expected);
    EXPECT_EQ(Mapweave({"db", "check", project}).code, 0);
    EXPECT_FALSE(fs::exists(project + "-journal"));
  }
}

TEST_F(Determinism, ThreadsDoNotMatterToSimulatedSeries) {
  for (const char* threads : {"1", "2"}) {
    const Outcome made =
        Mapweave({"synth", "world", "--seed", "6", "--width-px", "300",
                  "--height-px", "280", "--editions", "1860,1880", "--sheets",
                  "2x1", "--threads", threads, "-o", Path(threads)});
    ASSERT_EQ(made.code, 0) << made.err;
  }
  for (const char* name :
       {"town_1860_r1c1.tif", "town_1860_r1c2.tif", "town_1880_r1c1.tif",
        "town_1880_r1c2.tif", "truth.json", "georef_error.json"}) {
    EXPECT_EQ(ReadFile(Path("1") + "/" + name),
              ReadFile(Path("2") + "/" + name))
        << name;
  }
  EXPECT_EQ(Exported(Path("1/truth.gpkg")), Exported(Path("2/truth.gpkg")));
}

TEST_F(Determinism, WindowsMayBeginAnywhere) {
  const Outcome made =
      Mapweave({"synth", "world", "--seed", "10", "--width-px", "700",
                "--height-px", "700", "--editions", "1860,1880", "--hands",
                "cadastre,insurance", "-o", Path("town")});
  ASSERT_EQ(made.code, 0) << made.err;
  for (const char* offset : {"0,0", "192,192"}) {
    const Outcome run =
        Mapweave({"run", Path("town/town_1860.tif"), Path("town/town_1880.tif"),
                  "-o", Path(std::string(offset) + ".gpkg"), "--window-px",
                  "384", "--window-offset-px", offset});
    ASSERT_EQ(run.code, 0) << run.err;
  }
  Progress progress(ProgressMode::kNone);
  CancelToken cancel;
  RunContext context{progress, cancel};
  pipelines::EvaluateOptions options;
  options.measures.iou_threshold = 0.9;
  const pipelines::EvaluateReport report = pipelines::Evaluate(
      Path("0,0.gpkg"), Path("192,192.gpkg"), options, context);
  EXPECT_GT(report.true_tracks, 20);
  // Every track has at most one partner at this spatio-temporal IoU.
  EXPECT_GE(report.measures.track_recall, 0.95);
  EXPECT_GE(report.measures.track_precision, 0.95);
}

}  // namespace
}  // namespace mapweave::cli
