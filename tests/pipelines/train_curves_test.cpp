// SPDX-License-Identifier: MIT
#include "pipelines/train_curves.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace mapweave::pipelines {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TrainCurves, ShowTheLossItsPartsAndTheValidations) {
  const mapweave::testing::TempDir folder;
  const std::string csv = folder.File("loss.csv");
  std::ofstream(csv)
      << "step,seconds,learning_rate,loss,masks,centres,gradient_norm,"
         "clips_per_second\n"
         "0,0.1,0.001,9,4,1,3,10\n1,0.2,0.001,7,3,1,2,10\n2,0.3,0.0";
  std::ofstream(folder.File("loss.validation.csv"))
      << "step,seconds,detection_f1,link_f1,track_f1,ap_unlimited,threshold\n"
         "1,0.2,0.5,0.4,0.3,0.2,0.5\n";
  DrawCurves(csv);
  const std::string svg = ReadFile(CurvesPicture(csv));
  EXPECT_THAT(svg, AllOf(HasSubstr(">loss</text>"), HasSubstr(">masks</text>"),
                         HasSubstr(">centres</text>"),
                         HasSubstr(">gradient_norm</text>"),
                         HasSubstr(">link_f1</text>")));
  EXPECT_THAT(svg, Not(HasSubstr("clips_per_second")));
}

TEST(TrainCurves, OfNoTableAreAnError) {
  const mapweave::testing::TempDir folder;
  const std::string csv = folder.File("other.csv");
  std::ofstream(csv) << "a,b\n1,2\n";
  try {
    DrawCurves(csv);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr("other.csv"));
  }
}

}  // namespace
}  // namespace mapweave::pipelines
