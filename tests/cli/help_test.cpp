// SPDX-License-Identifier: MIT
//
// What the program says of itself, and how it takes wrong arguments.
#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace mapweave::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Command {
  std::vector<std::string> words;
  std::vector<std::string> options;
};

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = {
      {{"run"},
       {"sheets",
        "--output",
        "--editions",
        "--crs",
        "--gcps",
        "--annotation",
        "--transformation",
        "--cutline",
        "--grid-crs",
        "--resolution",
        "--allow-ballpark",
        "--max-shift-m",
        "--min-confidence",
        "--accept-unaligned",
        "--checkpoint",
        "--window-px",
        "--overlap-px",
        "--window-offset-px",
        "--qc",
        "--qc-report",
        "--device",
        "--threads",
        "--memory-mb"}},
      {{"ingest"},
       {"sheets", "--output", "--editions", "--crs", "--gcps", "--cutline",
        "--qc", "--qc-report", "--qc-places", "--qc-probe"}},
      {{"catalogue"},
       {"sheets", "--output", "--editions", "--crs", "--gcps", "--cogs"}},
      {{"align"},
       {"project", "--max-shift-m", "--overview-px", "--coarse", "--report",
        "--export-field"}},
      {{"segment"}, {"project", "--checkpoint", "--window-px"}},
      {{"lineage"}, {"project"}},
      {{"query"},
       {"project", "--layer", "--at", "--between", "--possible", "--bbox",
        "--within", "--kind", "--track", "--edition", "--near", "--min-area",
        "--where", "--format", "--explain"}},
      {{"export"}, {"project", "output", "--layer", "--at", "--bbox"}},
      {{"synth", "world"}, {"--output",         "--editions",
                            "--hands",          "--width-px",
                            "--plan",           "--max-shift-px",
                            "--max-shift-m",    "--affine-error",
                            "--shrinkage",      "--seam-m",
                            "--distortion-m",   "--distortion-px",
                            "--sheets",         "--sheet-overlap-m",
                            "--missing-sheets", "--resolutions",
                            "--tile-px",        "--frames",
                            "--error-fields",   "--seed",
                            "--preview"}},
      {{"synth", "videos"},
       {"sheets", "--output", "--clips", "--frames", "--size-px", "--preset",
        "--pseudo", "--downsample", "--preview", "--seed"}},
      {{"pretrain"},
       {"sheets", "--output", "--minutes", "--init", "--videos", "--pseudo",
        "--downsample", "--resume"}},
      {{"train"},
       {"--output", "--preset", "--minutes", "--resume", "--hands", "--labels",
        "--series", "--extent", "--held-out", "--limit-labels",
        "--mix-worlds"}},
      {{"adapt"},
       {"checkpoint", "series", "--output", "--labels", "--rounds",
        "--mix-worlds"}},
      {{"eval"}, {"predicted", "truth", "--resolution", "--fail-under"}},
      {{"ssl", "list"}, {"--json"}},
      {{"ssl", "pretrain"},
       {"method", "sheets", "--output", "--encoder", "--steps", "--project",
        "--tiles", "--resume"}},
      {{"ssl", "probe"}, {"checkpoint", "--factor", "--tiles", "--project"}},
      {{"ssl", "bench"},
       {"checkpoints", "--project", "--distilled", "--benchmark"}},
      {{"ssl", "advise-mask"},
       {"sheets", "--tiles", "--patches", "--ratios", "--code-width"}},
      {{"ssl", "experiment"}, {"name", "--seeds", "--smoke", "--project"}},
      {{"ssl", "qc-train"},
       {"--output", "--steps", "--sheets", "--held-out-sheets", "--preview"}},
      {{"db", "check"}, {"project"}},
      {{"db", "stats"}, {"project"}},
      {{"db", "migrate"}, {"project"}},
      {{"info"},
       {"file", "--crs", "--gcps", "--annotation", "--transformation",
        "--cutline", "--allow-ballpark"}}};
  return commands;
}

TEST(Help, ListsEveryCommandAndTheExitCodes) {
  const Outcome help = Mapweave({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.err, IsEmpty());
  for (const Command& command : Commands()) {
    EXPECT_THAT(help.out, HasSubstr(command.words.front()));
  }
  EXPECT_THAT(help.out, HasSubstr("3 bad input data"));
}

TEST(Help, OfEveryCommandMentionsItsOptions) {
  for (const Command& command : Commands()) {
    std::vector<std::string> arguments = command.words;
    arguments.push_back("--help");
    const Outcome help = Mapweave(arguments);
    SCOPED_TRACE(command.words.back());
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.err, IsEmpty());
    for (const std::string& option : command.options) {
      EXPECT_THAT(help.out, HasSubstr(option));
    }
    EXPECT_THAT(help.out, HasSubstr("--json"));
  }
}

TEST(Help, ConfigSectionOfOneCommandLeavesTheOthersAlone) {
  const mapweave::testing::TempDir folder;
  const std::string config = folder.File("c.toml");
  std::ofstream(config) << "[train]\njson = true\nthreads = 7\n"
                           "[info]\nlog-level = \"error\"\n";
  const Outcome plain = Mapweave({"info", "--config", config});
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, Not(StartsWith("{")));
  std::ofstream(config) << "[info]\njson = true\n";
  EXPECT_THAT(Mapweave({"info", "--config", config}).out, StartsWith("{"));
}

TEST(Help, VersionIsANumber) {
  const Outcome version = Mapweave({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out,
              ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(version.err, IsEmpty());
}

TEST(Help, WrongArgumentsEndWithTwoAndPrintNothingOnStdout) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {},
           {"--no-such-option"},
           {"juggle"},
           {"run"},
           {"run", "a.tif"},
           {"run", "a.tif", "-o", "b.gpkg", "--colour", "red"},
           {"run", "a.tif", "-o", "b.gpkg", "--threads", "-1"},
           {"run", "a.tif", "-o", "b.gpkg", "--resolution", "0"},
           {"query", "a.gpkg", "--bbox", "1,2,3"},
           {"query", "a.gpkg", "--format", "yaml"},
           {"info", "--progress", "loud"},
           {"synth", "world"},
           {"synth", "videos"},
           {"db"}}) {
    const Outcome outcome = Mapweave(arguments);
    SCOPED_TRACE(::testing::PrintToString(arguments));
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, StartsWith("mapweave: "));
  }
}

TEST(Help, WrongArgumentsWithJsonAreOneDocument) {
  const Outcome outcome = Mapweave({"run", "--json", "--no-such-option"});
  EXPECT_EQ(outcome.code, 2);
  const Json error = JsonOf(outcome).at("error");
  EXPECT_EQ(error.at("code"), "usage");
  EXPECT_THAT(error.at("message").get<std::string>(), Not(IsEmpty()));
  EXPECT_THAT(error.at("hint").get<std::string>(), HasSubstr("--help"));
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST(Help, InfoTellsVersionsAndDevices) {
  const Outcome outcome = Mapweave({"info", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(JsonOf(outcome).dump(), HasSubstr("cpu"));
}

}  // namespace
}  // namespace mapweave::cli
