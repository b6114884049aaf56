// SPDX-License-Identifier: MIT
//
// The runner of benchmarks: interrupted and resumed, asked twice, with other
// weights and other versions; and the drawn benchmarks themselves.
#include "pipelines/ssl_bench.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/random.h"
#include "db/check.h"
#include "db/store.h"
#include "models/ssl/pretrain.h"
#include "pipelines/map_benchmarks.h"
#include "pipelines/ssl_experiments.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <map>
#include <set>

namespace mapweave::pipelines {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

// Where a bright square lies: left or right. Cancels `cancel` when sample
// `fatal` is drawn.
class Sides : public ssl::Benchmark {
 public:
  explicit Sides(std::string name, int64_t version = 1) {
    info_.name = std::move(name);
    info_.group = "sides";
    info_.version = version;
    info_.train = 48;
    info_.test = 80;
    info_.distilled = 32;
  }
  const ssl::BenchmarkInfo& Info() const override { return info_; }
  ssl::BenchmarkSample Get(int64_t index) const override {
    if (cancel != nullptr && index == fatal) cancel->Cancel();
    Rng rng(9, static_cast<uint64_t>(index));
    cv::Mat image(32, 32, CV_8UC3);
    for (int i = 0; i < 32 * 32 * 3; ++i) {
      image.data[i] = static_cast<uint8_t>(rng.Int(0, 120));
    }
    const int64_t target = index % 2;
    cv::rectangle(image,
                  cv::Rect(target == 1 ? 17 : 1,
                           static_cast<int>(rng.Int(0, 20)), 12, 12),
                  cv::Scalar::all(255.0), cv::FILLED);
    return {{image}, target};
  }
  CancelToken* cancel = nullptr;
  int64_t fatal = 0;

 private:
  ssl::BenchmarkInfo info_;
};

ssl::BenchmarkSet TwoSides(int64_t version = 1) {
  return {std::make_shared<Sides>("first", version),
          std::make_shared<Sides>("second")};
}

class BlankImages : public ssl::ImageSource {
 public:
  int64_t Size() const override { return 4; }
  ssl::ImageSample Get(int64_t index) const override {
    return {cv::Mat(32, 32, CV_8UC3,
                    cv::Scalar::all(20.0 * (1.0 + static_cast<double>(index)))),
            0};
  }
};

class SslBench : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return (dir_.Path() / name).string();
  }
  std::string Checkpoint(const std::string& name, uint64_t seed) {
    ssl::PretrainOptions options;
    options.encoder = "vit-micro";
    options.steps = 1;
    options.batch = 2;
    options.seed = seed;
    options.output = Path(name);
    ssl::Pretrain(BlankImages(), options, context_);
    return options.output;
  }
  SslBenchReport Run(const ssl::BenchmarkSet& set, const std::string& project,
                     const std::vector<std::string>& checkpoints,
                     bool distilled = false) {
    SslBenchOptions options;
    options.checkpoints = checkpoints;
    options.project = Path(project);
    options.distilled = distilled;
    return RunBenchmarks(set, options, context_);
  }
  static Json Table(const SslBenchReport& report) {
    return ToJson(report)["checkpoints"];
  }

  TempDir dir_;
  Progress progress_;
  CancelToken cancel_;
  RunContext context_{progress_, cancel_};
};

TEST_F(SslBench,
       InterruptedAndResumedGivesTheTableOfARunThroughAndThenNothing) {
  const std::vector<std::string> checkpoints = {Checkpoint("a.safetensors", 1),
                                                Checkpoint("b.safetensors", 2)};
  const SslBenchReport whole = Run(TwoSides(), "whole.gpkg", checkpoints);
  EXPECT_EQ(whole.samples, 160);
  EXPECT_EQ(whole.evaluated, 320);
  EXPECT_EQ(whole.groups, std::vector<std::string>{"sides"});
  ASSERT_EQ(whole.rows.size(), 2u);
  EXPECT_NE(whole.rows[0].sha256, whole.rows[1].sha256);

  // Stops while the second benchmark's second chunk is drawn.
  const auto fatal = std::make_shared<Sides>("second");
  CancelToken cancel;
  fatal->cancel = &cancel;
  fatal->fatal = 48 + 40;
  const ssl::BenchmarkSet set = {TwoSides()[0], fatal};
  SslBenchOptions options;
  options.checkpoints = checkpoints;
  options.project = Path("cut.gpkg");
  RunContext cut{progress_, cancel};
  EXPECT_THROW(RunBenchmarks(set, options, cut), Error);
  const size_t kept = db::Store::Open(Path("cut.gpkg"), db::OpenMode::kReadOnly)
                          .Evaluations()
                          .size();
  EXPECT_EQ(kept, 2u * (160 + 32)) << "two numbers of every answered sample";
  EXPECT_TRUE(db::CheckStore(Path("cut.gpkg")).IsSound());

  const SslBenchReport resumed = Run(TwoSides(), "cut.gpkg", checkpoints);
  EXPECT_EQ(resumed.evaluated, 320 - (160 + 32));
  EXPECT_EQ(Table(resumed), Table(whole));
  const SslBenchReport again = Run(TwoSides(), "cut.gpkg", checkpoints);
  EXPECT_EQ(again.evaluated, 0);
  EXPECT_EQ(Table(again), Table(whole));
}

TEST_F(SslBench, OtherWeightsAndNewerVersionsAreAskedAnew) {
  const std::string path = Checkpoint("a.safetensors", 1);
  const SslBenchReport first = Run(TwoSides(), "p.gpkg", {path});
  EXPECT_EQ(first.evaluated, 160);

  // The same weights under another name are known.
  WriteFileAtomically(Path("copy.safetensors"), ReadFile(path),
                      Overwrite::kRefuse);
  const SslBenchReport copy =
      Run(TwoSides(), "p.gpkg", {Path("copy.safetensors"), path});
  EXPECT_EQ(copy.evaluated, 0);
  EXPECT_EQ(copy.rows[0].scores.all, first.rows[0].scores.all);

  Checkpoint("a.safetensors", 2);  // the same name, other weights
  const SslBenchReport changed = Run(TwoSides(), "p.gpkg", {path});
  EXPECT_EQ(changed.evaluated, 160);
  EXPECT_NE(changed.rows[0].sha256, first.rows[0].sha256);

  const SslBenchReport bumped = Run(TwoSides(2), "p.gpkg", {path});
  EXPECT_EQ(bumped.evaluated, 80) << "of the one benchmark";
  EXPECT_EQ(Run(TwoSides(2), "p.gpkg", {path}).evaluated, 0);
  EXPECT_EQ(Run(TwoSides(1), "p.gpkg", {path}).evaluated, 0)
      << "what older versions answered is still there";
}

TEST_F(SslBench, TheDistilledSetIsAPartOfTheWhole) {
  const std::string path = Checkpoint("a.safetensors", 1);
  const SslBenchReport few = Run(TwoSides(), "p.gpkg", {path}, true);
  EXPECT_EQ(few.samples, 64);
  EXPECT_EQ(few.evaluated, 64);
  const SslBenchReport rest = Run(TwoSides(), "p.gpkg", {path});
  EXPECT_EQ(rest.evaluated, 160 - 64);
  EXPECT_EQ(Table(rest), Table(Run(TwoSides(), "new.gpkg", {path})));
  EXPECT_EQ(Run(TwoSides(), "p.gpkg", {path}, true).evaluated, 0);
}

TEST_F(SslBench, KeepsWhatTrainingWroteOfTheModel) {
  const std::string path = Checkpoint("a.safetensors", 1);
  const SslBenchReport report = Run(TwoSides(), "p.gpkg", {path});
  const db::Store store =
      db::Store::Open(Path("p.gpkg"), db::OpenMode::kReadOnly);
  ASSERT_EQ(store.Models().size(), 1u);
  EXPECT_EQ(store.Models()[0].sha256, report.rows[0].sha256);
  EXPECT_EQ(store.Models()[0].name, "vit-micro");
  EXPECT_EQ(store.Models()[0].method, "simclr") << "as the file says";
}

TEST_F(SslBench, WrongInputsAreErrors) {
  EXPECT_THROW(Run(TwoSides(), "p.gpkg", {Path("none.safetensors")}), Error);
  WriteFileAtomically(Path("text.safetensors"), "no weights",
                      Overwrite::kRefuse);
  EXPECT_THROW(Run(TwoSides(), "p.gpkg", {Path("text.safetensors")}), Error);
  EXPECT_THROW(Run({}, "p.gpkg", {Checkpoint("a.safetensors", 1)}), Error);
  EXPECT_THROW(ChooseBenchmarks({"no-such"}), Error);
}

TEST(MapBenchmarks, AreNamedVersionedAndOfAllGroups) {
  std::set<std::string> names;
  std::set<std::string> groups;
  std::set<std::string> distilled;
  for (const auto& benchmark : MapBenchmarks()) {
    const ssl::BenchmarkInfo& info = benchmark->Info();
    info.Validate();
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    groups.insert(info.group);
    if (info.distilled > 0) distilled.insert(info.group);
  }
  EXPECT_EQ(groups, (std::set<std::string>{"recognition", "counting",
                                           "spatial relation", "orientation",
                                           "temporal link", "robustness"}));
  EXPECT_EQ(distilled, groups);
  EXPECT_EQ(ChooseBenchmarks({"side", "hand"}).size(), 2u);
}

TEST(MapBenchmarks, SamplesArePureFunctionsOfTheIndexWithBalancedTargets) {
  const ssl::BenchmarkSet set = MapBenchmarks();
  const ssl::BenchmarkSet again = MapBenchmarks();
  for (size_t b = 0; b < set.size(); ++b) {
    const ssl::BenchmarkInfo& info = set[b]->Info();
    for (const int64_t index : {int64_t{1}, info.train + 2}) {
      const ssl::BenchmarkSample sample = set[b]->Get(index);
      const ssl::BenchmarkSample same = again[b]->Get(index);
      const ssl::BenchmarkSample other = set[b]->Get(index + info.classes);
      ASSERT_EQ(std::ssize(sample.images), info.images) << info.name;
      EXPECT_EQ(sample.target, other.target) << info.name;
      EXPECT_NE(sample.target, set[b]->Get(index + 1).target) << info.name;
      for (size_t i = 0; i < sample.images.size(); ++i) {
        EXPECT_EQ(sample.images[i].size(), cv::Size(64, 64)) << info.name;
        EXPECT_EQ(cv::norm(sample.images[i], same.images[i], cv::NORM_INF), 0.0)
            << info.name;
        EXPECT_NE(cv::norm(sample.images[i], other.images[i], cv::NORM_INF),
                  0.0)
            << info.name;
      }
    }
  }
}

TEST(RunExperiments, SideBySideTheyReportInOrderWhatTheyReportAlone) {
  SslExperimentRun run;
  run.names = {"denoising-alignment", "affine-regions"};
  run.options.smoke = true;
  run.options.seeds = 1;
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  const auto reports = [&](int jobs) {
    run.jobs = jobs;
    std::vector<Json> all;
    RunExperiments(
        run,
        [&](const ssl::ExperimentReport& report) {
          all.push_back({report.name, report.settings, report.table.rows});
        },
        context);
    return all;
  };
  const std::vector<Json> alone = reports(1);
  ASSERT_EQ(alone.size(), 2u);
  EXPECT_EQ(alone[0][0], "denoising-alignment");
  EXPECT_EQ(reports(2), alone);
  run.names = {"no-such", "affine-regions"};
  EXPECT_THROW(reports(2), Error);
  cancel.Cancel();
  run.names = {"affine-regions"};
  EXPECT_THROW(reports(1), Error);
}

TEST(RunExperiments, UnibenchRunsOnDrawnBenchmarks) {
  SslExperimentRun run;
  run.names = {"unibench"};
  run.options.smoke = true;
  run.options.seeds = 1;
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  ssl::ExperimentReport report;
  RunExperiments(
      run, [&](const ssl::ExperimentReport& done) { report = done; }, context);
  EXPECT_EQ(report.table.rows.size(), 8u);
  ASSERT_EQ(report.criteria.size(), 2u);
  EXPECT_GE(report.criteria[0].measured, -1.0);
  EXPECT_GT(report.criteria[1].measured, 0.0);
}

}  // namespace
}  // namespace mapweave::pipelines
