// SPDX-License-Identifier: MIT
//
// Training from the shell: on labels, and over a kill.
#include "program.h"
#include "small_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace mapweave::cli {
namespace {

using mapweave::testing::TempDir;
using ::testing::HasSubstr;

// Step, learning rate and losses of every row: what does not depend on time.
std::vector<std::string> Curve(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) {
      cells.push_back(cell);
    }
    // Step, seconds, rate, loss, its terms, gradient; then how fast it was.
    std::string row = cells.at(0);
    for (size_t i = 2; i < 11; ++i) row += "," + cells.at(i);
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> TrainArguments(
    const TempDir& folder, const std::string& name,
    const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train",
                                        "-o",
                                        folder.File(name + ".safetensors"),
                                        "--curves",
                                        folder.File(name + ".csv"),
                                        "--steps",
                                        "30",
                                        "--clip-px",
                                        "32",
                                        "--frames-per-step",
                                        "2",
                                        "--max-editions",
                                        "2",
                                        "--checkpoint-every",
                                        "3",
                                        "--validate-every",
                                        "0",
                                        "--validation-clips",
                                        "1",
                                        "--seed",
                                        "5",
                                        "--threads",
                                        "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Training, AKilledRunGoesOnToTheCurveOfOneThatRanThrough) {
  const TempDir folder;
  const std::string shipped = MAPWEAVE_SHIPPED;
  const Outcome whole =
      Mapweave(TrainArguments(folder, "whole", {"--init", shipped}));
  ASSERT_EQ(whole.code, 0) << whole.err;
  {
    Program program(MAPWEAVE_PROGRAM,
                    TrainArguments(folder, "parts", {"--init", shipped}));
    // Killed when it has saved at least once.
    for (int i = 0; i < 60000; ++i) {
      if (Curve(folder.File("parts.csv")).size() >= 7) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    program.Signal(SIGKILL);
    EXPECT_EQ(program.Wait().code, -SIGKILL);
  }
  ASSERT_LT(Curve(folder.File("parts.csv")).size(), 30u);
  const Outcome rest = Mapweave(
      TrainArguments(folder, "parts", {"--resume", "--loader-threads", "3"}));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(Curve(folder.File("parts.csv")), Curve(folder.File("whole.csv")));
}

TEST(Training, LearnsFromLabelsAndItsNetworkRuns) {
  const SmallSeries& series = SmallSeries::Get();
  const TempDir folder;
  // The truth of a simulated series is a project file with its sheets.
  const Outcome trained = Mapweave({"train", "--labels", series.Truth(), "-o",
                                    folder.File("mine.safetensors"), "--steps",
                                    "2", "--clip-px", "64", "--held-out", "0.3",
                                    "--validation-clips", "2", "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Json report = JsonOf(trained);
  EXPECT_EQ(report.at("steps"), 2);
  EXPECT_THAT(trained.err, HasSubstr("labelled buildings to train on"));
  const Outcome run = Mapweave(series.RunArguments(
      folder.File("p.gpkg"),
      {"--checkpoint", report.at("checkpoint").get<std::string>()}));
  EXPECT_EQ(run.code, 0) << run.err;
}

TEST(Training, SaysWhatIsWrongWithLabels) {
  const SmallSeries& series = SmallSeries::Get();
  const TempDir folder;
  const std::string drawn = folder.File("drawn.geojson");
  std::ofstream(drawn)
      << R"({"type":"FeatureCollection","features":[{"type":"Feature",)"
         R"("properties":{"track_id":"a","edition":1861},"geometry":)"
         R"({"type":"Polygon","coordinates":[[[9.0,48.7],[9.001,48.7],)"
         R"([9.001,48.701],[9.0,48.7]]]}}]})";
  const std::vector<std::string> train = {
      "train",   "--labels", drawn, "-o", folder.File("m.safetensors"),
      "--steps", "1"};
  const Outcome homeless = Mapweave(train);
  EXPECT_EQ(homeless.code, 2);
  EXPECT_THAT(homeless.err, HasSubstr("--series"));
  std::vector<std::string> misdated = train;
  misdated.insert(misdated.end(), {"--series", series.Truth()});
  const Outcome refused = Mapweave(misdated);
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("drawn.geojson"));
  EXPECT_THAT(refused.err, HasSubstr("1861"));
  EXPECT_THAT(refused.err, HasSubstr("1860"));
}

}  // namespace
}  // namespace mapweave::cli
