// SPDX-License-Identifier: MIT
//
// What is left after kill -9: the state before or after a transaction, never
// something between.
#include "core/random.h"
#include "db/check.h"
#include "db/sqlite.h"
#include "db/store.h"
#include "fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

// `count` buildings with one observation each on edition 1860.
RunResult ManyBuildings(int count) {
  RunResult result;
  for (int i = 0; i < count; ++i) {
    const std::string track = "many-" + std::to_string(i);
    result.buildings.push_back(Building(track, "1860", "1860"));
    result.observations.push_back(Observation(
        track, "1860", Rectangle(i * 20.0, 0, i * 20.0 + 10, 10), 100));
  }
  return result;
}

// Runs `work` in a child process, which never comes back from here. The child
// may write to the descriptor that it is given.
template <typename Work>
pid_t StartChild(int& read_end, Work&& work) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    try {
      work(ends[1]);
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  read_end = ends[0];
  return child;
}

void Kill(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST(Recovery, KilledInTheMiddleOfATransaction) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  int told = -1;
  const pid_t child = StartChild(told, [&](int tell) {
    Store store = Store::Open(path, OpenMode::kReadWrite);
    // A small cache: pages go to the file before the commit.
    store.InnerConnection().Execute("PRAGMA cache_size = 10");
    const Transaction transaction = store.Begin();
    store.WriteResult("run-1", ManyBuildings(3000));
    if (write(tell, "x", 1) == 1) pause();
  });
  ASSERT_GT(child, 0);
  char byte = 0;
  ASSERT_EQ(read(told, &byte, 1), 1);
  close(told);
  Kill(child);

  // The journal holds what the transaction had overwritten.
  ASSERT_GT(fs::file_size(path.string() + "-journal"), 10000u);
  const Store store = Store::Open(path, OpenMode::kReadOnly);
  EXPECT_EQ(store.Buildings().size(), 6u);
  EXPECT_EQ(store.Observations().size(), 11u);
  EXPECT_THAT(CheckStore(path).problems, IsEmpty());
  EXPECT_FALSE(fs::exists(path.string() + "-journal"));
}

TEST(Recovery, KilledAtAnyMoment) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  TinyProject(path).Close();
  Rng rng(1);
  int64_t windows_before = 0;
  for (int i = 0; i < 12; ++i) {
    int told = -1;
    const pid_t child = StartChild(told, [&](int tell) {
      Store store = Store::Open(path, OpenMode::kReadWrite);
      if (write(tell, "x", 1) != 1) return;
      for (int64_t window = windows_before;; ++window) {
        store.SaveWork({"run-1", "segment", window, 0, 0, 1, 1, true, 0.1,
                        std::string(5000, 't')});
        store.WriteResult("run-1",
                          window % 2 == 0 ? ManyBuildings(300) : TinyResult());
      }
    });
    ASSERT_GT(child, 0);
    char byte = 0;
    ASSERT_EQ(read(told, &byte, 1), 1);
    usleep(static_cast<useconds_t>(rng.Int(0, 60000)));
    Kill(child);
    close(told);

    ASSERT_THAT(CheckStore(path).problems, IsEmpty()) << "kill " << i;
    const Store store = Store::Open(path, OpenMode::kReadWrite);
    const size_t buildings = store.Buildings().size();
    EXPECT_TRUE(buildings == 6 || buildings == 300) << buildings;
    // Windows that were done stay done.
    const auto windows =
        static_cast<int64_t>(store.Work("run-1", "segment").size());
    EXPECT_GE(windows, windows_before);
    windows_before = windows;
  }
  EXPECT_GT(windows_before, 0);
}

TEST(Recovery, KilledWhileCreatingLeavesNoProject) {
  TempDir folder;
  const fs::path path = folder / "p.gpkg";
  Rng rng(4);
  for (int i = 0; i < 8; ++i) {
    int told = -1;
    const pid_t child = StartChild(told, [&](int tell) {
      if (write(tell, "x", 1) != 1) return;
      Store::Create(path, SwissSrs(), Overwrite::kRefuse);
      pause();
    });
    ASSERT_GT(child, 0);
    char byte = 0;
    ASSERT_EQ(read(told, &byte, 1), 1);
    usleep(static_cast<useconds_t>(rng.Int(0, 20000)));
    Kill(child);
    close(told);
    if (fs::exists(path)) {
      EXPECT_THAT(CheckStore(path).problems, IsEmpty());
      fs::remove(path);
    }
  }
}

}  // namespace
}  // namespace mapweave::db
