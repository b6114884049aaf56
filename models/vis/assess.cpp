// SPDX-License-Identifier: MIT
#include "models/vis/assess.h"

#include "core/error.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "tracking/link.h"

#include <vector>

namespace mapweave::vis {
namespace {

tracking::TrackSet PredictTracks(const Checkpoint& content,
                                 const tracking::Clip& clip, Linking linking,
                                 const Compute& compute) {
  if (linking == Linking::kJoint) {
    Network& network = *content.network;
    return network.AllTracks(*network.Predict(clip, compute), clip.coverage,
                             content.decode);
  }
  std::vector<std::vector<tracking::Instance>> instances;
  for (size_t t = 0; t < clip.frames.size(); ++t) {
    const tracking::Clip edition{{clip.frames[t]}, {clip.coverage[t]}};
    instances.emplace_back();
    for (const tracking::Track& alone :
         PredictTracks(content, edition, Linking::kJoint, compute)) {
      instances.back().push_back({alone.masks[0], alone.score});
    }
  }
  return tracking::LinkByIoU(instances);
}

}  // namespace

Assessment Assess(const std::string& checkpoint,
                  const tracking::ClipSource& source,
                  const AssessOptions& options) {
  if (options.clips < 1) {
    throw Error(ErrorCode::kUsage, "an assessment needs at least one clip");
  }
  return WithTorchErrors("assessing a checkpoint", [&] {
    const Compute compute = ToCompute(options.device, "auto");
    const Checkpoint content = LoadCheckpoint(checkpoint);
    content.network->Module().to(compute.device);
    std::vector<tracking::SeriesTracks> series;
    for (int i = 0; i < options.clips; ++i) {
      const tracking::LabelledClip labelled =
          source.Get(options.first + static_cast<uint64_t>(i));
      series.push_back(
          {PredictTracks(content, labelled.clip, options.linking, compute),
           tracking::TracksFromLabels(labelled.labels)});
    }
    Assessment result;
    result.min_score = content.decode.at("min_score").get<double>();
    tracking::MeasureOptions measure;
    measure.min_score = result.min_score;
    result.measures = tracking::Evaluate(series, measure);
    for (const auto& edition : result.measures.editions) {
      result.detections += edition.counts;
    }
    return result;
  });
}

}  // namespace mapweave::vis
