// SPDX-License-Identifier: MIT
#include "models/nn/process_options.h"

#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace mapweave::nn {
namespace {

using Variables = std::map<std::string, std::string>;

ProcessOptions Of(const Variables& variables) {
  return ProcessesOf(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      });
}

TEST(ProcessesOf, OneProcessWhereNothingIsSaid) {
  EXPECT_EQ(Of({}).size, 1);
  EXPECT_TRUE(Of({}).IsFirst());
}

TEST(ProcessesOf, ReadsWhatTorchrunSets) {
  const ProcessOptions options = Of({{"RANK", "5"},
                                     {"WORLD_SIZE", "8"},
                                     {"LOCAL_RANK", "1"},
                                     {"MASTER_ADDR", "node0"},
                                     {"MASTER_PORT", "1234"},
                                     {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                     {"TORCHELASTIC_RESTART_COUNT", "2"},
                                     // Less specific, so it does not count.
                                     {"SLURM_PROCID", "0"},
                                     {"SLURM_NTASKS", "2"}});
  EXPECT_EQ(options.rank, 5);
  EXPECT_EQ(options.size, 8);
  EXPECT_EQ(options.local_rank, 1);
  EXPECT_EQ(options.host, "node0");
  EXPECT_EQ(options.port, 1234);
  EXPECT_TRUE(options.launcher_listens);
  EXPECT_EQ(options.attempt, "2");
  EXPECT_FALSE(options.IsFirst());
}

TEST(ProcessesOf, ReadsSlurmAndMpiWhereThereIsAPlaceToMeet) {
  const Variables slurm = {
      {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "1"}};
  // A batch script that starts one process of its own.
  EXPECT_EQ(Of(slurm).size, 1);
  Variables meeting = slurm;
  meeting["MASTER_ADDR"] = "node0";
  EXPECT_EQ(Of(meeting).size, 4);
  EXPECT_EQ(Of(meeting).rank, 1);
  EXPECT_EQ(Of(meeting).port, 29500);

  const ProcessOptions mpi = Of({{"OMPI_COMM_WORLD_RANK", "2"},
                                 {"OMPI_COMM_WORLD_SIZE", "3"},
                                 {"MASTER_ADDR", "node0"}});
  EXPECT_EQ(mpi.rank, 2);
  EXPECT_EQ(mpi.size, 3);
}

TEST(ProcessesOf, NamesWhatIsWrong) {
  const auto message = [](const Variables& variables) {
    try {
      Of(variables);
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kUsage);
      EXPECT_FALSE(error.Hint().empty());
      return error.Message();
    }
    return std::string("no error");
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(message({{"RANK", "0"}}), HasSubstr("WORLD_SIZE"));
  EXPECT_THAT(message({{"RANK", "x"}, {"WORLD_SIZE", "2"}}),
              HasSubstr("RANK is \"x\""));
  EXPECT_THAT(message({{"RANK", "0"}, {"WORLD_SIZE", "2"}}),
              HasSubstr("MASTER_ADDR"));
  EXPECT_THAT(
      message(
          {{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}}),
      HasSubstr("the number of this process is 2"));
  EXPECT_THAT(message({{"RANK", "1"},
                       {"WORLD_SIZE", "2"},
                       {"MASTER_ADDR", "localhost"},
                       {"MASTER_PORT", "70000"}}),
              HasSubstr("port"));
}

}  // namespace
}  // namespace mapweave::nn
