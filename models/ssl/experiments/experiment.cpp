// SPDX-License-Identifier: MIT
#include "models/ssl/experiments/experiment.h"

#include "core/error.h"
#include "models/ssl/experiments/registry.h"

#include <algorithm>
#include <chrono>

namespace mapweave::ssl {
namespace {

struct Entry {
  ExperimentInfo info;
  ExperimentReport (*run)(const ExperimentOptions&, RunContext&);
};

const std::vector<Entry>& Entries() {
  static const std::vector<Entry> entries = {
      {{"affine-regions", "exact affine pieces of ReLU networks in the plane",
        "Humayun et al., 2023 (SplineCam), arXiv:2302.12828"},
       AffineRegionsExperiment},
      {{"anomaly",
        "telling rare damaged tiles by encoders trained without labels",
        "Otero et al., 2024, arXiv:2410.04289"},
       AnomalyExperiment},
      {{"allora", "adapters of low rank whose rows have rates of their own",
        "Huang & Balestriero, 2024 (ALLoRA), arXiv:2410.09692"},
       AlloraExperiment},
      {{"beyond-cls", "where a vision transformer keeps what it has learnt",
        "Przewiezlikowski et al., 2024, arXiv:2412.03215"},
       BeyondClsExperiment},
      {{"denoising-alignment",
        "which noise makes reconstruction learn what labels need",
        "Balestriero & LeCun, 2024, arXiv:2402.11337"},
       DenoisingAlignmentExperiment},
      {{"unibench", "whether a few benchmarks rank encoders as all of them do",
        "Al-Tahan et al., 2024 (UniBench), arXiv:2408.04810"},
       UniBenchExperiment},
      {{"identifiability",
        "cross-entropy finds the latents of the data up to a linear map",
        "Reizinger et al., 2024, arXiv:2410.21869"},
       IdentifiabilityExperiment},
      {{"diet", "every image a class of its own, also in shards",
        "Balestriero, 2023, arXiv:2302.10260"},
       DietExperiment},
      {{"x-sample", "soft targets from a graph of similar images",
        "Sobal et al., 2024, arXiv:2407.18134"},
       XSampleExperiment},
      {{"local-complexity",
        "creases leave the data long after it fits, and robustness comes late",
        "Humayun et al., 2024, arXiv:2402.15555"},
       LocalComplexityExperiment},
      {{"reconstruction", "labels may lie where reconstruction looks last",
        "Balestriero & LeCun, 2024, arXiv:2402.11337"},
       ReconstructionExperiment},
      {{"mask-advice",
        "whether masks that are ranked without training are better ones",
        "Balestriero & LeCun, 2024, arXiv:2402.11337"},
       MaskAdviceExperiment},
      {{"scales", "which latents of a generator decode to plausible footprints",
        "Ronen et al., 2024, arXiv:2406.09657"},
       ScalesExperiment},
      {{"fair-lm", "what weight decay costs rare tokens, and the mean hides",
        "Pinto et al., 2024 (Fair Language Model Paradox), arXiv:2410.11985"},
       FairLmExperiment},
  };
  return entries;
}

}  // namespace

std::string ExperimentReport::Verdict() const {
  const auto held = std::ranges::count_if(
      criteria, [](const Criterion& c) { return c.Holds(); });
  if (held == 0) return "not reproduced";
  return held == std::ssize(criteria) ? "reproduced" : "partly";
}

std::vector<ExperimentInfo> ListExperiments() {
  std::vector<ExperimentInfo> list;
  for (const Entry& entry : Entries()) list.push_back(entry.info);
  return list;
}

ExperimentReport RunExperiment(const std::string& name,
                               const ExperimentOptions& options,
                               RunContext& context) {
  const auto& entries = Entries();
  const auto entry = std::ranges::find_if(
      entries, [&](const Entry& e) { return e.info.name == name; });
  if (entry == entries.end()) {
    throw Error(ErrorCode::kUsage, "unknown experiment \"" + name + "\"",
                "'mapweave ssl list' shows them");
  }
  const auto start = std::chrono::steady_clock::now();
  ExperimentReport report = entry->run(options, context);
  report.name = entry->info.name;
  report.paper = entry->info.paper;
  report.settings["seed"] = options.seed;
  if (options.smoke) report.settings["smoke"] = true;
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return report;
}

}  // namespace mapweave::ssl
