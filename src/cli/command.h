// SPDX-License-Identifier: MIT
//
// What every command shares: the common options, the context that long work
// needs, and how results are printed.
#pragma once

#include "core/atomic_file.h"
#include "core/json.h"
#include "core/progress.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace mapweave::cli {

// Options that every command takes. Filled by CLI11 while it parses.
struct CommonOptions {
  std::string device = "auto";
  int threads = 0;  // 0 = as many as there are processors
  int memory_mb = 2048;
  uint64_t seed = 0;
  std::string progress = "auto";
  std::string log_level = "info";
  bool overwrite = false;
  bool json = false;

  Overwrite OverwriteMode() const {
    return overwrite ? Overwrite::kAllow : Overwrite::kRefuse;
  }
  int ThreadCount() const;
};

// Chosen while parsing, run after it.
struct Invocation {
  // Of the command that was called. A set of its own for every command: the
  // parser also fills those of the others from their sections of --config.
  CommonOptions common;
  std::map<const CLI::App*, std::unique_ptr<CommonOptions>> common_of;
  std::function<void(RunContext&)> action;
  // Of the process when the action returns; anything worse is thrown.
  int exit_code = 0;
};

// Makes a command with the common options. The groups of --help are
// "Options" and "Advanced".
CLI::App* AddCommand(CLI::App& parent, const std::string& name,
                     const std::string& description, Invocation& invocation);

// Prints one JSON document on stdout.
void PrintJson(const Json& document);
// Prints text on stdout as it is.
void PrintText(const std::string& text);

// One per file command_NAME.cpp.
void AddRunCommands(CLI::App& app, Invocation& invocation);
void AddCatalogueCommand(CLI::App& app, Invocation& invocation);
void AddQueryCommands(CLI::App& app, Invocation& invocation);
void AddSynthCommand(CLI::App& app, Invocation& invocation);
// Of `synth`.
void AddSynthVideosCommand(CLI::App& synth, Invocation& invocation);
void AddTrainCommands(CLI::App& app, Invocation& invocation);
void AddSslCommand(CLI::App& app, Invocation& invocation);
// Of `ssl`.
void AddSslBenchCommand(CLI::App& ssl, Invocation& invocation);
void AddSslQcTrainCommand(CLI::App& ssl, Invocation& invocation);
void AddEvalCommand(CLI::App& app, Invocation& invocation);
void AddDbCommand(CLI::App& app, Invocation& invocation);
void AddInfoCommand(CLI::App& app, Invocation& invocation);

}  // namespace mapweave::cli
