// SPDX-License-Identifier: MIT
//
// One process of a training that distributed_test.cpp starts, as a launcher
// would: training_process OUTPUT SETTINGS, where SETTINGS is a JSON object.
// Exits with the code of the error, whose message is on stderr.
#include "core/error.h"
#include "core/json.h"
#include "core/progress.h"
#include "models/vis/trainer.h"
#include "tests/models/rectangle_clips.h"

#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>

namespace mapweave {
namespace {

// Clips of unlike size and number of editions; from clip `at` on something
// happens to the process that asks for it.
class EventfulClips : public tracking::ClipSource {
 public:
  EventfulClips(std::string event, uint64_t at, CancelToken& cancel)
      : event_(std::move(event)), at_(at), cancel_(cancel) {}

  tracking::LabelledClip Get(uint64_t index) const override {
    if (index >= at_) Happen();
    tracking::LabelledClip labelled =
        testing::RectangleClips(1000, 2 + static_cast<int>(index % 3),
                                index % 4 == 3 ? 64 : 48)
            .Get(index);
    labelled.groups.assign(labelled.labels.size(),
                           index % 2 == 0 ? "even" : "odd");
    return labelled;
  }

 private:
  void Happen() const {
    if (event_ == "die") _exit(9);
    if (event_ == "stall") std::this_thread::sleep_for(std::chrono::hours(1));
    if (event_ == "cancel") cancel_.Cancel();
    if (event_ == "throw") {
      throw Error(ErrorCode::kBadInput, "this clip is broken");
    }
  }

  std::string event_;
  uint64_t at_;
  CancelToken& cancel_;
};

int Main(const std::string& output, const Json& settings) {
  vis::TrainOptions options;
  options.output = output;
  options.curves_csv = output + ".csv";
  options.preset = settings.value("preset", "small");
  options.norm = settings.value("norm", "");
  options.queries = settings.value("queries", 0);
  options.steps = settings.value("steps", 3);
  options.learning_rate = settings.value("learning_rate", 2e-4);
  options.resume = settings.value("resume", false);
  options.frames_per_step = 10;
  options.warmup_steps = 2;
  options.checkpoint_every = settings.value("checkpoint_every", 0);
  options.bf16 = false;
  options.processes = nn::ProcessesOf(nn::ThisEnvironment());
  options.processes.timeout_seconds = settings.value("timeout", 60.0);
  CancelToken cancel;
  Progress progress;
  RunContext context{progress, cancel};
  const EventfulClips clips(settings.value("event", ""),
                            settings.value("at", uint64_t{1} << 40), cancel);
  const vis::TrainResult result = vis::Train(clips, nullptr, options, context);
  Json groups = Json::object();
  for (const nn::GroupLoss& group : result.groups.Groups()) {
    groups[group.group] = group.count;
  }
  std::printf("%s\n", Json{{"steps", result.steps},
                           {"clips", result.clips},
                           {"loss", result.loss},
                           {"groups", groups}}
                          .dump()
                          .c_str());
  return 0;
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return mapweave::Main(argv[1], mapweave::ParseJson(argv[2], "settings"));
  } catch (const mapweave::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.Code());
  }
}
