// SPDX-License-Identifier: MIT
#include "cli/app.h"

int main(int argc, char** argv) { return mapweave::cli::Main(argc, argv); }
