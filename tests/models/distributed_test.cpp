// SPDX-License-Identifier: MIT
//
// Training in two processes against the same training in one.
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/json.h"
#include "models/nn/process_group.h"
#include "models/nn/safetensors.h"
#include "tests/support/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mapweave::vis {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

// A port that was free a moment ago.
int FreePort() {
  const int handle = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(handle, raw, size), 0);
  EXPECT_EQ(getsockname(handle, raw, &size), 0);
  close(handle);
  return ntohs(address.sin_port);
}

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

class DistributedTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef MAPWEAVE_HAS_GLOO
    GTEST_SKIP() << "this LibTorch has no Gloo";
#endif
  }

  std::string Output(const std::string& name) {
    return dir_.File(name + ".safetensors");
  }

  // Runs one process; `variables` are what a launcher sets.
  Ended Run(const std::string& name, const std::string& log,
            const Json& settings, const std::string& variables = "") {
    const std::string path = dir_.File(log);
    const int status =
        std::system(fmt::format("{} OMP_NUM_THREADS=1 '{}' '{}' '{}' >'{}.out' "
                                "2>'{}.err'",
                                variables, MAPWEAVE_TRAINING_PROCESS,
                                Output(name), settings.dump(), path, path)
                        .c_str());
    return {WEXITSTATUS(status), ReadFile(path + ".out"),
            ReadFile(path + ".err")};
  }

  // Two processes, each with its own settings.
  std::array<Ended, 2> RunTwo(const std::string& name, const Json& first,
                              const Json& second) {
    const int port = FreePort();
    const auto variables = [port](int rank) {
      return fmt::format(
          "MASTER_ADDR=127.0.0.1 MASTER_PORT={} WORLD_SIZE=2 RANK={}", port,
          rank);
    };
    std::array<Ended, 2> ended;
    std::thread other(
        [&] { ended[1] = Run(name, name + "1", second, variables(1)); });
    ended[0] = Run(name, name + "0", first, variables(0));
    other.join();
    return ended;
  }

  std::map<std::string, torch::Tensor> State(const std::string& name) {
    return nn::ReadSafetensors(Output(name) + ".state").tensors;
  }

  // `mean` is Adam's first moment: after one step a tenth of the gradient.
  void ExpectSameState(const std::string& a, const std::string& b) {
    const auto of_a = State(a);
    const auto of_b = State(b);
    for (const char* name :
         {"weights", "mean", "buffers", "average", "buffers_average"}) {
      EXPECT_LT(Largest(of_a.at(name) - of_b.at(name)), 1e-5) << name;
    }
    EXPECT_GT(Largest(of_a.at("mean")), 1e-3);
  }

  // After the first step. Adam moves a weight by the sign of its gradient,
  // however small, so that weights are the same only where a gradient is more
  // than what rounding leaves of none.
  void ExpectSameFirstStep(const std::string& a, const std::string& b) {
    const auto of_a = State(a);
    const auto of_b = State(b);
    for (const char* name : {"mean", "buffers"}) {
      EXPECT_LT(Largest(of_a.at(name) - of_b.at(name)), 1e-5) << name;
    }
    const torch::Tensor mean = of_a.at("mean");
    const torch::Tensor certain = mean.abs().gt(1e-5);
    const auto moved = [&](const std::map<std::string, torch::Tensor>& state) {
      return state.at("weights").narrow(0, 0, mean.numel());
    };
    EXPECT_LT(Largest((moved(of_a) - moved(of_b)) * certain), 1e-5);
    EXPECT_GT(certain.to(torch::kFloat).mean().item<double>(), 0.5);
  }

  static double Largest(const torch::Tensor& values) {
    return values.numel() == 0 ? 0.0 : values.abs().max().item<double>();
  }

  // `steps` in one process and in two, from the same beginning.
  void RunBoth(Json settings, int steps, double loss_tolerance) {
    settings["steps"] = steps;
    const Ended one = Run("one", "one", settings);
    ASSERT_EQ(one.code, 0) << one.err;
    const auto two = RunTwo("two", settings, settings);
    ASSERT_EQ(two[0].code, 0) << two[0].err;
    ASSERT_EQ(two[1].code, 0) << two[1].err;
    const Json alone = ParseJson(one.out, "one");
    const Json shared = ParseJson(two[0].out, "two");
    EXPECT_EQ(shared["steps"], alone["steps"]);
    EXPECT_EQ(shared["clips"], alone["clips"]);
    EXPECT_EQ(shared["groups"], alone["groups"]);
    EXPECT_NEAR(shared["loss"].get<double>() / alone["loss"].get<double>(), 1.0,
                loss_tolerance);
  }

  TempDir dir_;
};

TEST_F(DistributedTest, TwoProcessesLearnWhatOneLearns) {
  for (const int steps : {1, 3}) {
    RunBoth({{"norm", "group"}}, steps, 1e-5);
    ExpectSameState("one", "two");
  }
}

TEST_F(DistributedTest, BatchNormSeesTheJoinedBatch) {
  RunBoth({{"norm", "batch"}}, 1, 1e-5);
  ExpectSameFirstStep("one", "two");
  RunBoth({{"norm", "batch"}}, 3, 1e-4);
}

TEST_F(DistributedTest, QueriesAreMatchedAsInTheJoinedBatch) {
  RunBoth({{"preset", "query-small"}, {"queries", 12}}, 1, 1e-5);
  ExpectSameFirstStep("one", "two");
}

TEST_F(DistributedTest, AllStopWhenOneIsInterruptedAndTheRunGoesOn) {
  const Json whole = {{"steps", 6}, {"norm", "group"}};
  ASSERT_EQ(Run("one", "one", whole).code, 0);
  const Json cancelled = {
      {"steps", 6}, {"norm", "group"}, {"event", "cancel"}, {"at", 9}};
  const auto stopped = RunTwo("two", cancelled, cancelled);
  EXPECT_EQ(stopped[0].code, 130) << stopped[0].err;
  EXPECT_EQ(stopped[1].code, 130) << stopped[1].err;

  const Json resumed = {{"steps", 6}, {"norm", "group"}, {"resume", true}};
  const auto ended = RunTwo("two", resumed, resumed);

  ASSERT_EQ(ended[0].code, 0) << ended[0].err;
  ASSERT_EQ(ended[1].code, 0) << ended[1].err;
  ExpectSameState("one", "two");
  // Only the first writes.
  const std::string curves = ReadFile(Output("two") + ".csv");
  EXPECT_EQ(std::count(curves.begin(), curves.end(), '\n'), 7);
}

TEST_F(DistributedTest, AProcessThatDiesStopsTheOther) {
  // The second process's clips are the later ones of every step.
  const auto start = std::chrono::steady_clock::now();
  const auto ended = RunTwo("two", {{"steps", 1000}},
                            {{"steps", 1000}, {"event", "die"}, {"at", 11}});
  EXPECT_EQ(ended[1].code, 9);
  EXPECT_EQ(ended[0].code, static_cast<int>(ErrorCode::kFailure));
  EXPECT_THAT(ended[0].err, HasSubstr("process 0 of 2 has lost the others"));
  // At once, not after the timeout.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(40));
}

TEST_F(DistributedTest, AProcessThatFailsTellsTheOtherWhy) {
  const auto ended = RunTwo("two", {{"steps", 1000}},
                            {{"steps", 1000}, {"event", "throw"}, {"at", 11}});
  EXPECT_EQ(ended[1].code, static_cast<int>(ErrorCode::kBadInput));
  EXPECT_EQ(ended[0].code, static_cast<int>(ErrorCode::kFailure));
  EXPECT_THAT(ended[0].err,
              HasSubstr("process 1 has stopped: this clip is broken"));
}

TEST_F(DistributedTest, AProcessThatHangsIsNotWaitedForForEver) {
  // The second hangs for an hour; the test must not.
  const Json stalls = {
      {"steps", 1000}, {"event", "stall"}, {"at", 11}, {"timeout", 3.0}};
  const int port = FreePort();
  const std::string place =
      fmt::format("MASTER_ADDR=127.0.0.1 MASTER_PORT={} WORLD_SIZE=2", port);
  std::thread other([&] {
    Run("two", "two1", stalls, "timeout -s KILL 9 env " + place + " RANK=1");
  });
  const Ended ended = Run("two", "two0", {{"steps", 1000}, {"timeout", 3.0}},
                          place + " RANK=0");
  EXPECT_EQ(ended.code, static_cast<int>(ErrorCode::kFailure));
  EXPECT_THAT(ended.err, HasSubstr("has lost the others"));
  other.join();
}

TEST_F(DistributedTest, RefusesUnlikeOptionsAndMissingPeers) {
  const auto unlike =
      RunTwo("two", {{"steps", 4}}, {{"steps", 4}, {"learning_rate", 0.5}});
  EXPECT_EQ(unlike[1].code, static_cast<int>(ErrorCode::kUsage));
  EXPECT_THAT(unlike[1].err, HasSubstr("other options"));
  EXPECT_NE(unlike[0].code, 0);

  const Ended lonely =
      Run("three", "three", {{"timeout", 1.0}},
          fmt::format("MASTER_ADDR=127.0.0.1 MASTER_PORT={} WORLD_SIZE=2 "
                      "RANK=0",
                      FreePort()));
  EXPECT_EQ(lonely.code, static_cast<int>(ErrorCode::kFailure));
  EXPECT_THAT(lonely.err, HasSubstr("has not found the others"));

  // A step must have a clip for every process.
  const Ended many = Run("three", "three", Json::object(),
                         "MASTER_ADDR=127.0.0.1 WORLD_SIZE=3 RANK=0");
  EXPECT_EQ(many.code, static_cast<int>(ErrorCode::kUsage));
  EXPECT_THAT(many.err, HasSubstr("cannot share steps"));
}

}  // namespace
}  // namespace mapweave::vis
