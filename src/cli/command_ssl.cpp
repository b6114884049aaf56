// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "cli/text_table.h"
#include "core/error.h"
#include "pipelines/map_benchmarks.h"
#include "pipelines/ssl.h"
#include "pipelines/ssl_experiments.h"
#include "pipelines/ssl_records.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::cli {
namespace {

void RunList(const CommonOptions& common) {
  Json document = {{"methods", Json::array()},
                   {"encoders", ssl::EncoderNames()},
                   {"experiments", Json::array()},
                   {"benchmarks", Json::array()}};
  for (const ssl::MethodSummary& method : ssl::MethodSummaries()) {
    document["methods"].push_back({{"name", method.name},
                                   {"summary", method.summary},
                                   {"source", method.source}});
  }
  for (const ssl::ExperimentInfo& experiment : ssl::ListExperiments()) {
    document["experiments"].push_back({{"name", experiment.name},
                                       {"summary", experiment.summary},
                                       {"source", experiment.paper}});
  }
  for (const auto& benchmark : pipelines::MapBenchmarks()) {
    const ssl::BenchmarkInfo& info = benchmark->Info();
    document["benchmarks"].push_back(
        {{"name", info.name},
         {"summary", fmt::format("{}: {}", info.group, info.summary)},
         {"group", info.group},
         {"version", info.version},
         {"chance", 1.0 / static_cast<double>(info.classes)},
         {"train", info.train},
         {"test", info.test},
         {"distilled", info.distilled}});
  }
  if (common.json) {
    PrintJson(document);
    return;
  }
  for (const char* kind : {"methods", "experiments", "benchmarks"}) {
    PrintText(fmt::format("{}\n", kind));
    for (const Json& entry : document[kind]) {
      PrintText(fmt::format("  {:<20} {}\n", entry["name"].get<std::string>(),
                            entry["summary"].get<std::string>()));
    }
  }
  PrintText(
      fmt::format("encoders\n  {}\n", fmt::join(ssl::EncoderNames(), " ")));
}

void PrintExperiment(const ssl::ExperimentReport& report) {
  PrintText(fmt::format("{} ({})\n\n{}\n", report.name, report.paper,
                        ToText({report.table.columns, report.table.rows})));
  for (const ssl::Criterion& criterion : report.criteria) {
    const bool least = criterion.sense == ssl::Criterion::Sense::kAtLeast;
    PrintText(fmt::format("{} {}: {:.4g}, must be {} {:.4g}\n",
                          criterion.Holds() ? "holds" : "FAILS",
                          criterion.claim, criterion.measured,
                          least ? "at least" : "at most", criterion.threshold));
  }
  PrintText(fmt::format("{} in {}\n", report.Verdict(),
                        FormatDuration(report.seconds)));
}

struct ExperimentChoice {
  std::string name;
  std::string project;
  std::string figures;
  ssl::ExperimentOptions options;
};

void RunExperiment(const CommonOptions& common, const ExperimentChoice& choice,
                   RunContext& context) {
  pipelines::SslExperimentRun run;
  run.options = choice.options;
  run.options.seed = common.seed;
  run.jobs = common.ThreadCount();
  for (const ssl::ExperimentInfo& info : ssl::ListExperiments()) {
    if (choice.name == "all" || choice.name == info.name) {
      run.names.push_back(info.name);
    }
  }
  // Before hours of work, not after.
  if (!choice.project.empty()) {
    pipelines::OpenResults(choice.project).Close();
  }
  Json documents = Json::array();
  pipelines::RunExperiments(
      run,
      [&](const ssl::ExperimentReport& report) {
        if (!choice.project.empty()) {
          pipelines::SaveExperiment(report, choice.project);
        }
        if (!choice.figures.empty()) {
          pipelines::WriteFigures(report, choice.figures);
        }
        if (common.json) {
          documents.push_back(pipelines::ToJson(report));
        } else {
          PrintExperiment(report);
        }
      },
      context);
  if (common.json) {
    PrintJson(choice.name == "all" ? documents : documents.at(0));
  }
}

void RunPretrain(const CommonOptions& common,
                 pipelines::SslPretrainOptions options, RunContext& context) {
  options.training.seed = options.tiles.seed = common.seed;
  options.training.device = common.device;
  options.reading.seed = common.seed;
  options.reading.memory_mb = common.memory_mb;
  if (!options.training.resume) {
    CheckWritable(options.training.output, common.OverwriteMode());
  }
  const pipelines::SslPretrainReport report =
      pipelines::PretrainEncoder(options, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintText(
      fmt::format("{}: {} steps on {} images, {}, loss {:.3f}\n",
                  report.checkpoint, report.result.steps, report.result.images,
                  FormatDuration(report.result.seconds), report.result.loss));
}

void RunProbe(const CommonOptions& common, pipelines::SslProbeOptions options) {
  options.tiles.seed = options.probe.seed = common.seed;
  options.probe.device = common.device;
  const ssl::ProbeReport report = pipelines::ProbeOnTiles(options);
  if (common.json) {
    PrintJson(pipelines::ToJson(report));
    return;
  }
  PrintText(fmt::format(
      "{} of {} dimensions: linear {:.3f}, kNN {:.3f}, RankMe {:.1f} ({} "
      "tiles, tested on {})\n",
      report.encoder, report.width, report.linear_accuracy, report.knn_accuracy,
      report.rankme, report.train_images, report.test_images));
}

void RunAdviseMask(const CommonOptions& common,
                   pipelines::SslMaskOptions options, RunContext& context) {
  options.tiles.seed = options.reading.seed = common.seed;
  options.reading.memory_mb = common.memory_mb;
  const ssl::MaskAdvice advice = pipelines::AdviseMaskOnTiles(options, context);
  if (common.json) {
    PrintJson(pipelines::ToJson(advice));
    return;
  }
  TextTable table;
  table.columns = {"squares", "hidden", "change"};
  const bool labelled = advice.alignment_without.has_value();
  if (labelled) table.columns.emplace_back("alignment");
  for (const ssl::RankedMask& ranked : advice.ranked) {
    table.rows.push_back({fmt::format("{} px", ranked.mask.patch_px),
                          fmt::format("{:.0f} %", 100.0 * ranked.mask.ratio),
                          fmt::format("{:.3f}", ranked.change)});
    if (labelled) {
      table.rows.back().push_back(
          fmt::format("{:.3f}", ranked.alignment.value_or(0.0)));
    }
  }
  PrintText(ToText(table));
  PrintText(fmt::format("{} tiles of {} px, best mask first{}\n", advice.tiles,
                        advice.tile_px,
                        labelled ? fmt::format("; alignment without a mask "
                                               "{:.3f}",
                                               *advice.alignment_without)
                                 : ""));
}

void AddTileOptions(CLI::App* command, pipelines::MapTileOptions& tiles) {
  command->add_option("--tiles", tiles.count, "How many tiles")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  command->add_option("--tile-px", tiles.side_px, "Side of a tile in pixels")
      ->check(CLI::Range(32, 512))
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "--factor",
          [&tiles](const std::string& text) {
            tiles.label = pipelines::ParseTileFactor(text);
          },
          "What labels of generated tiles tell; density if not given")
      ->check(CLI::IsMember(pipelines::TileFactorNames()));
}

void AddPretrain(CLI::App& ssl_command, Invocation& invocation) {
  auto options = std::make_shared<pipelines::SslPretrainOptions>();
  ssl::PretrainOptions& training = options->training;
  CLI::App* command = AddCommand(
      ssl_command, "pretrain",
      "Train an encoder on unlabelled tiles of scans or of simulated towns",
      invocation);
  command->add_option("method", training.method, "See 'ssl list'")
      ->required()
      ->check(CLI::IsMember(ssl::MethodNames()));
  command->add_option(
      "sheets", options->sheets,
      "Images to cut tiles from: scans, folders or lists (.txt) "
      "of pictures, project files (.gpkg); simulated towns if "
      "none");
  command->add_option("-o,--output", training.output, "ENCODER.safetensors")
      ->required();
  command->add_option("--encoder", training.encoder, "What to train")
      ->check(CLI::IsMember(ssl::EncoderNames()))
      ->capture_default_str();
  command->add_option("--steps", training.steps, "How many batches")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--resume", training.resume,
                    "Go on with an interrupted run of the same output");
  command->add_option("--project", options->project,
                      "Project file that takes the run into its tables model "
                      "and experiment");
  command->add_option("--curves", options->curves,
                      "Draw all measures over the steps as SVG");
  AddTileOptions(command, options->tiles);
  const char* advanced = "Advanced";
  command->add_option("--batch", training.batch, "Tiles of a step")
      ->check(CLI::Range(2, 65536))
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--learning-rate", training.learning_rate, "Its peak")
      ->capture_default_str()
      ->group(advanced);
  command->add_option("--schedule", training.schedule, "Of the rate")
      ->check(CLI::IsMember({"constant", "cosine", "one-cycle"}))
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--optimiser", training.optimiser, "LARS for large batches")
      ->check(CLI::IsMember({"adamw", "sgd", "lars"}))
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--patch-px", training.patch_px,
                   "Side of a transformer's patch")
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--mask-ratio", training.mask_ratio,
                   "Share of the patches that mae hides; see 'advise-mask'")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--mask-block", training.mask_block,
                   "mae hides squares of so many patches on a side")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(advanced);
  command
      ->add_option("--downsample", options->reading.downsample,
                   "Read the scans at 1/N of their resolution")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave ssl pretrain simclr town_1860.tif --steps 2000 -o "
      "trunk.safetensors\n"
      "  mapweave train --init trunk.safetensors --minutes 30 -o "
      "mine.safetensors");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunPretrain(invocation.common, *options, context);
    };
  });
}

void AddProbe(CLI::App& ssl_command, Invocation& invocation) {
  auto options = std::make_shared<pipelines::SslProbeOptions>();
  CLI::App* command = AddCommand(
      ssl_command, "probe",
      "Read a factor of simulated maps off a frozen encoder", invocation);
  command->add_option("checkpoint", options->probe.checkpoint,
                      "Encoder; random weights if not given");
  command
      ->add_option("--encoder", options->probe.kind,
                   "Kind of the encoder with random weights")
      ->check(CLI::IsMember(ssl::EncoderNames()))
      ->capture_default_str();
  command->add_option("--test-tiles", options->test_count, "Of other towns")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  command->add_option("--project", options->project,
                      "Project file that takes the accuracies and what was "
                      "said of every tile");
  AddTileOptions(command, options->tiles);
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext&) {
      RunProbe(invocation.common, *options);
    };
  });
}

void AddAdviseMask(CLI::App& ssl_command, Invocation& invocation) {
  auto options = std::make_shared<pipelines::SslMaskOptions>();
  options->tiles.count = 2000;
  options->tiles.side_px = 32;
  CLI::App* command = AddCommand(
      ssl_command, "advise-mask",
      "Rank masks for 'pretrain mae' on tiles of scans, without any training",
      invocation);
  command->add_option("sheets", options->sheets,
                      "Scans to cut tiles from; simulated towns if none");
  AddTileOptions(command, options->tiles);
  command
      ->add_option("--patches", options->masks.patch_px,
                   "Sides in pixels of the squares to hide")
      ->delimiter(',')
      ->expected(1)
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command
      ->add_option("--ratios", options->masks.ratios,
                   "Shares of the squares to hide")
      ->delimiter(',')
      ->expected(1)
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      ->add_option("--code-width", options->masks.code_width,
                   "Dimensions of the linear code that is learned")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--downsample", options->reading.downsample,
                   "Read the scans at 1/N of their resolution")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave ssl advise-mask town_1860.tif town_1900.tif\n"
      "  mapweave ssl pretrain mae town_1860.tif town_1900.tif --encoder "
      "vit-tiny \\\n"
      "    --patch-px 4 --mask-block 2 --mask-ratio 0.75 -o "
      "vit.safetensors\n"
      "hides three quarters of squares of 8 px.");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunAdviseMask(invocation.common, *options, context);
    };
  });
}

void AddExperiment(CLI::App& ssl_command, Invocation& invocation) {
  auto choice = std::make_shared<ExperimentChoice>();
  CLI::App* command = AddCommand(
      ssl_command, "experiment",
      "Show whether a paper's effect is there, beside what must hold; 'all' "
      "runs as many side by side as --threads",
      invocation);
  std::vector<std::string> names = {"all"};
  for (const ssl::ExperimentInfo& info : ssl::ListExperiments()) {
    names.push_back(info.name);
  }
  command->add_option("name", choice->name, "See 'ssl list'; or all")
      ->required()
      ->check(CLI::IsMember(names));
  command
      ->add_option("--seeds", choice->options.seeds,
                   "How many seeds; 0 = the experiment's own number")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--smoke", choice->options.smoke,
                    "A form of seconds, whose verdict means nothing");
  command->add_option("--project", choice->project,
                      "Project file that takes the measures into its table "
                      "experiment");
  command->add_option("--figures", choice->figures,
                      "Folder for pictures (SVG) of what was found");
  command->callback([choice, &invocation] {
    invocation.action = [choice, &invocation](RunContext& context) {
      RunExperiment(invocation.common, *choice, context);
    };
  });
}

}  // namespace

void AddSslCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      app.add_subcommand("ssl", "Self-supervised learning of encoders");
  command->require_subcommand(1);
  command->fallthrough();
  CLI::App* list = AddCommand(*command, "list",
                              "Methods, encoders and experiments", invocation);
  list->callback([&invocation] {
    invocation.action = [&invocation](RunContext&) {
      RunList(invocation.common);
    };
  });
  AddPretrain(*command, invocation);
  AddProbe(*command, invocation);
  AddSslBenchCommand(*command, invocation);
  AddAdviseMask(*command, invocation);
  AddExperiment(*command, invocation);
  AddSslQcTrainCommand(*command, invocation);
}

}  // namespace mapweave::cli
