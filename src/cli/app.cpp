// SPDX-License-Identifier: MIT
#include "cli/app.h"

#include "cli/command.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <thread>

namespace mapweave::cli {
namespace {

// The parser may fail before it has seen --json, so the arguments are asked.
bool AsksForJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) return true;
  }
  return false;
}

int Report(bool json, ErrorCode code, const std::string& message,
           const std::string& hint) {
  if (json) {
    try {
      PrintJson({{"error",
                  {{"code", ErrorCodeName(code)},
                   {"message", message},
                   {"hint", hint}}}});
    } catch (const std::exception&) {
      // Standard output is gone; the exit code still tells.
    }
  } else {
    WriteStderr(fmt::format("mapweave: {}\n", message), false);
    if (!hint.empty()) WriteStderr(fmt::format("  {}\n", hint), false);
  }
  return static_cast<int>(code);
}

// The innermost command that was called.
const CLI::App* Called(const CLI::App& app) {
  const CLI::App* called = &app;
  while (!called->get_subcommands().empty())
    called = called->get_subcommands().front();
  return called;
}

void Run(int argc, char** argv, Invocation& invocation, CancelToken& cancel) {
  CLI::App app(
      "Mapweave follows every building through a series of "
      "georeferenced historical maps.",
      "mapweave");
  app.set_version_flag("--version", MAPWEAVE_VERSION);
  app.set_config("--config", "",
                 "Read options from a TOML file, one section "
                 "per command");
  app.allow_config_extras(false);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 bad input data, 4 database,\n"
      "5 device or model, 6 gate not met, 70 bug, 130 interrupted.\n"
      "'mapweave COMMAND --help' tells more.");
  AddRunCommands(app, invocation);
  AddCatalogueCommand(app, invocation);
  AddQueryCommands(app, invocation);
  AddSynthCommand(app, invocation);
  AddTrainCommands(app, invocation);
  AddSslCommand(app, invocation);
  AddEvalCommand(app, invocation);
  AddDbCommand(app, invocation);
  AddInfoCommand(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    // --help and --version print on stdout and are no failure.
    app.exit(asked);
    return;
  }

  invocation.common = *invocation.common_of.at(Called(app));
  const CommonOptions& common = invocation.common;
  SetLogLevel(ParseLogLevel(common.log_level));
  Progress progress(ParseProgressMode(common.progress));
  CancelOnSignals(cancel);
  RunContext context{progress, cancel};
  invocation.action(context);
}

}  // namespace

int CommonOptions::ThreadCount() const {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

CLI::App* AddCommand(CLI::App& parent, const std::string& name,
                     const std::string& description, Invocation& invocation) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->fallthrough();
  CommonOptions& common =
      *(invocation.common_of[command] = std::make_unique<CommonOptions>());
  command->add_flag("--json", common.json, "Print one JSON document on stdout");
  command->add_flag("--overwrite", common.overwrite,
                    "Replace the output if it exists");
  const char* advanced = "Advanced";
  command
      ->add_option("--device", common.device,
                   "auto, cpu, cuda or cuda:N; an explicit device that is not "
                   "there is an error")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--threads", common.threads,
                   "Worker threads; 0 = one per processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--memory-mb", common.memory_mb,
                   "Memory that the raster cache and the workers may use")
      ->check(CLI::Range(256, 1 << 20))
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--seed", common.seed, "Seed of all random streams")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--progress", common.progress,
                   "auto (a bar on a terminal), bar, plain or none")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--log-level", common.log_level,
                   "debug, info, warning, error or off")
      ->capture_default_str()
      ->group(advanced);
  return command;
}

void PrintJson(const Json& document) {
  // File names need not be UTF-8; JSON has to be.
  PrintText(document.dump(2, ' ', false, Json::error_handler_t::replace) +
            "\n");
}

void PrintText(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0) {
    throw Error(ErrorCode::kFailure, "cannot write to standard output");
  }
}

int Main(int argc, char** argv) {
  const bool json = AsksForJson(argc, argv);
  // Outlives every signal that may arrive.
  static CancelToken cancel;
  Invocation invocation;
  try {
    Run(argc, argv, invocation, cancel);
    return invocation.exit_code;
  } catch (const CLI::ParseError& error) {
    return Report(json, ErrorCode::kUsage, error.what(),
                  "'mapweave --help' lists commands and options.");
  } catch (const Error& error) {
    return Report(json, error.Code(), error.Message(), error.Hint());
  } catch (const std::bad_alloc&) {
    return Report(json, ErrorCode::kFailure, "out of memory",
                  "Lower --threads or --memory-mb.");
  } catch (const std::exception& error) {
    return Report(json, ErrorCode::kBug,
                  fmt::format("unexpected error: {}", error.what()),
                  "This is a bug in Mapweave; please report it with the "
                  "command that you ran.");
  }
}

}  // namespace mapweave::cli
