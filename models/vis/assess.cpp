// SPDX-License-Identifier: MIT
#include "models/vis/assess.h"

#include "core/error.h"
#include "models/vis/dense_checkpoint.h"
#include "models/vis/dense_segmenter.h"
#include "models/vis/device.h"

#include <vector>

namespace mapweave::vis {

Assessment Assess(const std::string& checkpoint,
                  const tracking::ClipSource& source,
                  const AssessOptions& options) {
  if (options.clips < 1) {
    throw Error(ErrorCode::kUsage, "an assessment needs at least one clip");
  }
  return WithTorchErrors("assessing a checkpoint", [&] {
    const torch::Device device = ToTorchDevice(options.device);
    DenseCheckpoint content = LoadDenseCheckpoint(checkpoint);
    content.net->to(device);
    content.net->eval();
    std::vector<tracking::SeriesTracks> series;
    for (int i = 0; i < options.clips; ++i) {
      const tracking::LabelledClip labelled =
          source.Get(options.first + static_cast<uint64_t>(i));
      const DenseMaps maps = PredictMaps(content.net, labelled.clip, device);
      series.push_back(
          {DecodeAllTracks(maps, labelled.clip.coverage, content.decode),
           tracking::TracksFromLabels(labelled.labels)});
    }
    Assessment result;
    result.min_score = content.decode.min_score;
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
