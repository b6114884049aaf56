// SPDX-License-Identifier: MIT
//
// `train --links`: training the linker of a checkpoint.
#pragma once

#include "cli/command.h"
#include "pipelines/train_links.h"

namespace mapweave::cli {

struct LinkArguments {
  bool is_asked = false;  // --links
  pipelines::LinkWorldOptions worlds;
};

void AddLinkOptions(CLI::App* command, LinkArguments& links);

// Trains the linker of `links.worlds.training.checkpoint` and prints what it
// reached. Throws Error{kUsage} without --overwrite, since that file changes.
void RunTrainLinks(const CommonOptions& common, const LinkArguments& links,
                   RunContext& context);

}  // namespace mapweave::cli
