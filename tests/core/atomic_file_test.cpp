// SPDX-License-Identifier: MIT
#include "core/atomic_file.h"

#include "core/error.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

ErrorCode CodeOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_FALSE(error.Message().empty());
    return error.Code();
  }
  ADD_FAILURE() << "no error was thrown";
  return ErrorCode::kBug;
}

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  testing::TempDir dir;
  const fs::path target = dir.File("a.txt");
  {
    AtomicFile file(target, Overwrite::kRefuse);
    std::ofstream(file.TempPath()) << "half";
    EXPECT_FALSE(fs::exists(target));
  }
  EXPECT_FALSE(fs::exists(target));
  EXPECT_TRUE(fs::is_empty(dir.Path())) << "the temporary file was left";

  AtomicFile file(target, Overwrite::kRefuse);
  std::ofstream(file.TempPath()) << "whole";
  file.Commit();
  EXPECT_EQ(ReadFile(target), "whole");
}

TEST(AtomicFile, KeepsTheExtensionForWritersThatChooseByIt) {
  testing::TempDir dir;
  AtomicFile file(dir.File("picture.png"), Overwrite::kRefuse);
  EXPECT_EQ(file.TempPath().extension(), ".png");
}

TEST(AtomicFile, RefusesToOverwriteUnlessTold) {
  testing::TempDir dir;
  const std::string path = dir.File("a.txt");
  WriteFileAtomically(path, "one", Overwrite::kRefuse);
  EXPECT_EQ(
      CodeOf([&] { WriteFileAtomically(path, "two", Overwrite::kRefuse); }),
      ErrorCode::kUsage);
  EXPECT_EQ(ReadFile(path), "one");
  WriteFileAtomically(path, "two", Overwrite::kAllow);
  EXPECT_EQ(ReadFile(path), "two");
}

TEST(AtomicFile, NamesAMissingFolder) {
  testing::TempDir dir;
  EXPECT_EQ(CodeOf([&] {
              WriteFileAtomically(dir.File("no/such/a.txt"), "x",
                                  Overwrite::kRefuse);
            }),
            ErrorCode::kFailure);
  EXPECT_EQ(CodeOf([&] { ReadFile(dir.File("nothing")); }),
            ErrorCode::kBadInput);
}

}  // namespace
}  // namespace mapweave
