// SPDX-License-Identifier: MIT
//
// Runs the real program as a user's shell does and looks at what it leaves:
// exit code, both streams, peak memory.
#pragma once

#include "core/json.h"
#include "tests/support/temp_dir.h"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mapweave::cli {

struct Outcome {
  // The exit code, or minus the signal that ended the process.
  int code = 0;
  std::string out;
  std::string err;
  // Peak resident memory in KiB.
  long peak_kb = 0;
  double seconds = 0.0;
};

// A started process. Its streams go to files, so that it never blocks.
class Program {
 public:
  // `program` is a path, or a name to look up.
  Program(const std::string& program, const std::vector<std::string>& arguments,
          bool as_nobody = false);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void Signal(int signal) const;
  // What it has written on stderr so far.
  std::string ErrorText() const;
  // False if `text` does not come up on stderr before the process ends.
  bool AwaitErrorText(const std::string& text);
  // Kills the process after five minutes.
  const Outcome& Wait();

 private:
  bool Poll();

  mapweave::testing::TempDir folder_;
  pid_t pid_ = -1;
  bool ended_ = false;
  double started_ = 0.0;
  Outcome outcome_;
};

// Runs mapweave to its end.
Outcome Mapweave(const std::vector<std::string>& arguments);
// Runs any other program; code 127 if it is not installed.
Outcome RunTool(const std::string& tool,
                const std::vector<std::string>& arguments);

// stdout as the one JSON document that it must be.
Json JsonOf(const Outcome& outcome);

// Names of everything in a folder, hidden files too, sorted.
std::vector<std::string> FilesIn(const std::filesystem::path& folder);

}  // namespace mapweave::cli
