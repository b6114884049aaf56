// SPDX-License-Identifier: MIT
#include "small_series.h"

#include "program.h"

#include <filesystem>
#include <stdexcept>

namespace mapweave::cli {

const SmallSeries& SmallSeries::Get() {
  static const SmallSeries series;
  return series;
}

SmallSeries::SmallSeries()
    : sheets_{folder_.File("town_1860.tif"), folder_.File("town_1880.tif")} {
  const Outcome made = Mapweave(
      {"synth", "world", "--seed", "4", "--density", "0.9", "--width-px", "256",
       "--height-px", "256", "--editions", "1860,1880", "--max-shift-px", "5",
       "-o", folder_.Path().string()});
  if (made.code != 0) throw std::runtime_error(made.err);
}

std::string SmallSeries::Project() const {
  const std::string project = folder_.File("project.gpkg");
  if (!std::filesystem::exists(project)) {
    const Outcome made = Mapweave(RunArguments(project));
    if (made.code != 0) throw std::runtime_error(made.err);
  }
  return project;
}

std::vector<std::string> SmallSeries::RunArguments(
    const std::string& output, const std::vector<std::string>& more) const {
  std::vector<std::string> arguments = {"run"};
  arguments.insert(arguments.end(), sheets_.begin(), sheets_.end());
  arguments.insert(arguments.end(),
                   {"-o", output, "--window-px", "128", "--overlap-px", "64"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace mapweave::cli
