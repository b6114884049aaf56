// SPDX-License-Identifier: MIT
//
// The picture of a training run, made from the CSV files that it writes.
#pragma once

#include <filesystem>
#include <string>

namespace mapweave::pipelines {

// Files beside the table of the loss curve: loss.validation.csv, loss.svg.
std::filesystem::path ValidationTable(const std::filesystem::path& curves_csv);
std::filesystem::path CurvesPicture(const std::filesystem::path& curves_csv);

// Draws the loss, its terms, the gradient and the validations over steps;
// replaces the picture. All but the validations are means over about a
// hundredth of the run. Throws Error{kBadInput} naming the table that is
// damaged, and Error{kFailure} if the picture cannot be written.
void DrawCurves(const std::filesystem::path& curves_csv);

}  // namespace mapweave::pipelines
