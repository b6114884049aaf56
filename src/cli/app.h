// SPDX-License-Identifier: MIT
//
// The command line: parses arguments, calls one command, and turns whatever is
// thrown into a message and an exit code. The only place that does so.
#pragma once

namespace mapweave::cli {

// Returns the process's exit code (see core/error.h). Never throws.
int Main(int argc, char** argv);

}  // namespace mapweave::cli
