// SPDX-License-Identifier: MIT
//
// A simulated series of 256 x 256 px and its finished project, made once per
// test process by the program itself.
#pragma once

#include "tests/support/temp_dir.h"

#include <string>
#include <vector>

namespace mapweave::cli {

class SmallSeries {
 public:
  static const SmallSeries& Get();

  const std::string& First() const { return sheets_.front(); }
  const std::vector<std::string>& Sheets() const { return sheets_; }
  std::string Truth() const { return folder_.File("truth.gpkg"); }
  // Made when first asked for.
  std::string Project() const;
  // "run SHEETS -o OUTPUT" with many small windows, and more options.
  std::vector<std::string> RunArguments(
      const std::string& output,
      const std::vector<std::string>& more = {}) const;

 private:
  SmallSeries();

  mapweave::testing::TempDir folder_;
  std::vector<std::string> sheets_;
};

}  // namespace mapweave::cli
