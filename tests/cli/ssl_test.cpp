// SPDX-License-Identifier: MIT
//
// Self-supervised runs from the shell: what is kept in the project file, and a
// benchmark over a kill.
#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::cli {
namespace {

using mapweave::testing::TempDir;
using ::testing::HasSubstr;

std::vector<std::string> Bench(const TempDir& folder,
                               const std::string& project) {
  return {"ssl",
          "bench",
          folder.File("e.safetensors"),
          "--project",
          folder.File(project),
          "--benchmark",
          "side",
          "--json",
          "--progress",
          "plain",
          "--threads",
          "1"};
}

TEST(SslCommand, AKilledBenchGoesOnToTheTableOfOneThatRanThrough) {
  const TempDir folder;
  const Outcome made = Mapweave(
      {"ssl", "pretrain", "simclr", "--encoder", "vit-micro", "--steps", "2",
       "--batch", "4", "--tiles", "8", "-o", folder.File("e.safetensors"),
       "--project", folder.File("whole.gpkg")});
  ASSERT_EQ(made.code, 0) << made.err;
  const Outcome whole = Mapweave(Bench(folder, "whole.gpkg"));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const Json table = JsonOf(whole)["checkpoints"];
  EXPECT_EQ(JsonOf(whole)["evaluated"], 256);
  EXPECT_EQ(table[0]["groups"].size(), 1u);

  Program killed(MAPWEAVE_PROGRAM, Bench(folder, "cut.gpkg"));
  ASSERT_TRUE(killed.AwaitErrorText("bench: 2 of 8")) << killed.ErrorText();
  killed.Signal(SIGKILL);
  EXPECT_EQ(killed.Wait().code, -SIGKILL);
  EXPECT_EQ(Mapweave({"db", "check", folder.File("cut.gpkg")}).code, 0);

  const Outcome resumed = Mapweave(Bench(folder, "cut.gpkg"));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_GT(JsonOf(resumed)["evaluated"], 0);
  EXPECT_LT(JsonOf(resumed)["evaluated"], 256);
  EXPECT_EQ(JsonOf(resumed)["checkpoints"], table);

  std::vector<std::string> plain = Bench(folder, "cut.gpkg");
  plain.erase(std::find(plain.begin(), plain.end(), "--json"));
  const Outcome again = Mapweave(plain);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("spatial relation"));
  EXPECT_THAT(again.out, HasSubstr("evaluated 0 samples"));
}

TEST(SslCommand, InputsThatAreNoneAreNamed) {
  const TempDir folder;
  std::filesystem::create_directory(folder.File("empty"));
  const Outcome empty =
      Mapweave({"ssl", "pretrain", "simclr", folder.File("empty"), "-o",
                folder.File("e.safetensors")});
  EXPECT_EQ(empty.code, 3);
  EXPECT_THAT(empty.err, HasSubstr("holds no images"));
  const Outcome none =
      Mapweave({"ssl", "bench", folder.File("none.safetensors"), "--project",
                folder.File("p.gpkg")});
  EXPECT_NE(none.code, 0);
  EXPECT_THAT(none.err, HasSubstr("none.safetensors"));
}

}  // namespace
}  // namespace mapweave::cli
