// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "cli/training_arguments.h"
#include "pipelines/adapt.h"
#include "pipelines/segment.h"

#include <fmt/format.h>

namespace mapweave::cli {
namespace {

// In place of the path of a checkpoint.
constexpr const char* kShipped = "shipped";
// Of one round. Cautious: nothing checks what is learned.
constexpr TrainingDefaults kPerRound{
    .steps = 400, .learning_rate = 2e-4, .freeze_norm = true};

struct AdaptCommand {
  TrainingArguments training;
  pipelines::AdaptOptions adapt;
  std::string checkpoint;
  std::string drawn_on = "auto";
};

void RunAdapt(const CommonOptions& common, const AdaptCommand& options,
              RunContext& context) {
  pipelines::AdaptOptions adapt = options.adapt;
  adapt.training = options.training.Complete(common, kPerRound);
  adapt.training.init_checkpoint = options.checkpoint == kShipped
                                       ? pipelines::DefaultCheckpoint()
                                       : options.checkpoint;
  adapt.reading.drawn_on = pipelines::ParseDrawnOn(options.drawn_on);
  const pipelines::AdaptReport report = pipelines::Adapt(adapt, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  for (size_t i = 0; i < report.rounds.size(); ++i) {
    PrintText(
        fmt::format("round {}: {} tracks believed, {} doubted, loss "
                    "{:.3f}\n",
                    i + 1, report.rounds[i].believed, report.rounds[i].doubted,
                    report.rounds[i].loss));
  }
  PrintReport(report.training, common.json);
}

}  // namespace

void AddAdaptCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<AdaptCommand>();
  pipelines::AdaptOptions& adapt = options->adapt;
  CLI::App* command =
      AddCommand(app, "adapt",
                 "Fit a network to a series of your own, with a few labels or "
                 "none: it learns from the buildings that it finds whichever "
                 "way it looks",
                 invocation);
  command
      ->add_option("checkpoint", options->checkpoint,
                   "The network to start from; \"shipped\" for the one that "
                   "comes with the program")
      ->required();
  command
      ->add_option("series", adapt.series,
                   "A project file, a catalogue or sheets")
      ->required();
  options->training.AddTo(command, TrainingStart::kGiven);
  AddClipSide(command, adapt.clip_px, 2048);
  command->add_option("--labels", adapt.labels,
                      "Polygons with track_id and edition on the series; may "
                      "be repeated");
  command
      ->add_option("--drawn-on", options->drawn_on,
                   "Whether the polygons fit the aligned series, or the sheets "
                   "as they are georeferenced")
      ->check(CLI::IsMember(pipelines::DrawnOnNames()))
      ->capture_default_str();
  command
      ->add_option("--rounds", adapt.rounds,
                   "How often the network looks at the series and learns; the "
                   "limit in steps or minutes is that of one round")
      ->check(CLI::Range(1, 20))
      ->capture_default_str();
  command
      ->add_option("--mix-worlds", adapt.mix_worlds,
                   "Share of the clips that is cut from simulated worlds")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave adapt shipped town.gpkg -o mine.safetensors");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunAdapt(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
