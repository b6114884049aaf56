// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "pipelines/videos.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mapweave::cli {
namespace {

struct Options {
  pipelines::VideoSetOptions videos;
  std::string preset = "mapweave";
  std::string pseudo;
  int frames = 0;  // 0: as the preset has it
  int size_px = 0;
};

void RunVideos(const CommonOptions& common, const Options& options,
               RunContext& context) {
  pipelines::VideoSetOptions videos = options.videos;
  videos.clips = synth::VideoPreset(options.preset);
  videos.clips.seed = common.seed;
  if (!options.pseudo.empty())
    videos.clips.pseudo.way = synth::ParsePseudoWay(options.pseudo);
  if (options.frames > 0)
    videos.clips.min_frames = videos.clips.max_frames = options.frames;
  if (options.size_px > 0) videos.clips.size_px = options.size_px;
  videos.reading.seed = common.seed;
  videos.reading.memory_mb = common.memory_mb;
  videos.threads = common.ThreadCount();
  const pipelines::VideoSetReport report =
      pipelines::WriteVideoSet(videos, common.OverwriteMode(), context);
  const Json document = pipelines::ToJson(report);
  if (common.json) {
    PrintJson(document);
    return;
  }
  for (const auto& [key, value] : document.items())
    PrintText(fmt::format("{}: {}\n", key, value.dump()));
}

}  // namespace

void AddSynthVideosCommand(CLI::App& synth, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  pipelines::VideoSetOptions& videos = options->videos;
  CLI::App* command = AddCommand(
      synth, "videos",
      "Cut training videos with truth from scans that nobody has labelled",
      invocation);
  command
      ->add_option("sheets", videos.sheets,
                   "Scans of maps, georeferenced or not")
      ->required();
  command->add_option("-o,--output", videos.output,
                      "Folder for the frames (PNG) and annotations.json "
                      "(YouTube-VIS), or that file by another name");
  command->add_option("--clips", videos.count, "Videos to write")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command
      ->add_option("--frames", options->frames,
                   "Frames per video, 2 to 8; the preset's own if not given")
      ->check(CLI::Range(2, 8));
  command
      ->add_option("--size-px", options->size_px,
                   "Side of a video; 128 if not given")
      ->check(CLI::Range(32, 1024));
  command
      ->add_option("--preset", options->preset, "What is done to the buildings")
      ->check(CLI::IsMember(synth::VideoPresetNames()))
      ->capture_default_str();
  command
      ->add_option(
          "--pseudo", options->pseudo,
          fmt::format("How buildings are told from the rest; {} if "
                      "not given",
                      synth::PseudoWayName(synth::PseudoOptions().way)))
      ->check(CLI::IsMember(synth::PseudoWayNames()));
  command
      ->add_option("--downsample", videos.reading.downsample,
                   "Read the scans at 1/N of their resolution, so that "
                   "buildings are 5 to 60 pixels wide")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--preview", videos.preview,
                      "PNG with videos and their truth");
  command->add_option("--preview-clips", videos.preview_clips)
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  mapweave synth videos samples/town_1860.tif samples/town_1900.tif "
      "--preview videos.png");
  command->callback([options, &invocation] {
    invocation.action = [options, &invocation](RunContext& context) {
      RunVideos(invocation.common, *options, context);
    };
  });
}

}  // namespace mapweave::cli
