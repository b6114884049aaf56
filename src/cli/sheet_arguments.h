// SPDX-License-Identifier: MIT
//
// The arguments of all commands that take sheets or catalogues of them.
#pragma once

#include "pipelines/series.h"

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

namespace mapweave::cli {

class SheetArguments {
 public:
  // Adds the arguments to a command; this must outlive its parsing.
  void AddTo(CLI::App* command);
  // Throws as LoadSeries.
  pipelines::Series Load() const;

 private:
  std::vector<std::string> inputs_;
  std::vector<std::string> editions_;
  // By key of SheetSettings, as SettingArgument::text.
  std::map<std::string, std::vector<std::string>> settings_;
  bool allow_ballpark_ = false;
};

}  // namespace mapweave::cli
