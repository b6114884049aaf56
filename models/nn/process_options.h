// SPDX-License-Identifier: MIT
//
// One of several processes that train one network together, as torchrun, Slurm
// and mpirun start them. No Torch here.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace mapweave::nn {

struct ProcessOptions {
  int rank = 0;
  int size = 1;        // processes; 1: trains alone, all else is unused
  int local_rank = 0;  // among those of one machine: which GPU is its own
  // Where the first process, or its launcher, listens.
  std::string host{};
  int port = 29500;
  // The launcher listens there already (torchrun's agent).
  bool launcher_listens = false;
  // Keeps what restarted processes write apart from what is left of before.
  std::string attempt = "0";
  // Longest wait for the others, at the start and in every step. The first
  // process validates while the others wait.
  double timeout_seconds = 600.0;

  bool IsFirst() const { return rank == 0; }
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// The value of a variable, or none.
using Environment =
    std::function<std::optional<std::string>(const std::string&)>;

// That of this process.
Environment ThisEnvironment();

// RANK and WORLD_SIZE; where they are not set but MASTER_ADDR is, those of
// Slurm, Open MPI or PMI. MASTER_PORT and LOCAL_RANK as torchrun sets them.
// Throws Error{kUsage} naming a variable that is missing or no number.
ProcessOptions ProcessesOf(const Environment& environment);

}  // namespace mapweave::nn
