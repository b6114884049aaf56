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
      {{"denoising-alignment",
        "which noise makes reconstruction learn what labels need",
        "Balestriero & LeCun, 2024, arXiv:2402.11337"},
       DenoisingAlignmentExperiment},
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
  if (options.smoke) report.settings["smoke"] = true;
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return report;
}

}  // namespace mapweave::ssl
