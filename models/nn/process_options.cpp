// SPDX-License-Identifier: MIT
#include "models/nn/process_options.h"

#include "core/error.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace mapweave::nn {
namespace {

// What a launcher calls the number of a process, their count, and its number
// on its machine.
struct Launcher {
  const char* rank;
  const char* size;
  const char* local_rank;
};
constexpr std::array<Launcher, 4> kLaunchers = {{
    {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
}};

constexpr char kHint[] =
    "start every process with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, "
    "or unset them";

std::optional<int> Number(const Environment& environment,
                          const std::string& name) {
  const std::optional<std::string> text = environment(name);
  if (!text) return std::nullopt;
  int value = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec == std::errc() && parsed.ptr == end) return value;
  throw Error(ErrorCode::kUsage,
              fmt::format("{} is \"{}\", must be a whole number", name, *text),
              kHint);
}

void Require(bool condition, const char* name, double value,
             const std::string& range) {
  if (condition) return;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("processes: {} is {}, must be {}", name, value, range),
      kHint);
}

}  // namespace

void ProcessOptions::Validate() const {
  Require(size >= 1 && size <= 4096, "the number of processes", size,
          "1 to 4096");
  Require(rank >= 0 && rank < size, "the number of this process", rank,
          fmt::format("0 to {}", size - 1));
  Require(local_rank >= 0, "its number on its machine", local_rank,
          "0 or more");
  Require(timeout_seconds >= 1.0 && timeout_seconds <= 1e6, "the timeout",
          timeout_seconds, "1 to 1000000 seconds");
  if (size == 1) return;
  Require(port >= 1 && port <= 65535, "the port", port, "1 to 65535");
  if (host.empty()) {
    throw Error(ErrorCode::kUsage,
                "several processes need MASTER_ADDR: the machine of the first",
                kHint);
  }
}

Environment ThisEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

ProcessOptions ProcessesOf(const Environment& environment) {
  ProcessOptions options;
  const std::optional<std::string> host = environment("MASTER_ADDR");
  for (const Launcher& launcher : kLaunchers) {
    const std::optional<int> rank = Number(environment, launcher.rank);
    const std::optional<int> size = Number(environment, launcher.size);
    if (&launcher == kLaunchers.data() &&
        rank.has_value() != size.has_value()) {
      throw Error(ErrorCode::kUsage, "RANK and WORLD_SIZE go together", kHint);
    }
    if (!rank || !size) continue;
    options.rank = *rank;
    options.size = *size;
    options.local_rank = Number(environment, launcher.local_rank).value_or(0);
    break;
  }
  // A batch script's own environment speaks of tasks that it may never start:
  // without a place to meet, only RANK and WORLD_SIZE are believed.
  if (!host && !environment("RANK")) return ProcessOptions();
  options.host = host.value_or("");
  options.port = Number(environment, "MASTER_PORT").value_or(options.port);
  options.launcher_listens =
      environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
  options.attempt = environment("TORCHELASTIC_RESTART_COUNT").value_or("0");
  options.Validate();
  return options;
}

}  // namespace mapweave::nn
