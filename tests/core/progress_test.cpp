// SPDX-License-Identifier: MIT
#include "core/progress.h"

#include "core/error.h"
#include "core/log.h"

#include <gtest/gtest.h>

namespace mapweave {
namespace {

TEST(Progress, FractionRisesToOneAndNoFurther) {
  Progress progress(ProgressMode::kNone);
  progress.Start("segment", 4, 1);
  EXPECT_DOUBLE_EQ(progress.Fraction(), 0.25);
  double last = progress.Fraction();
  for (int i = 0; i < 5; ++i) {
    progress.Advance();
    EXPECT_GE(progress.Fraction(), last);
    last = progress.Fraction();
  }
  EXPECT_DOUBLE_EQ(last, 1.0);
}

TEST(Progress, BarShowsTimeLeftAndIsClearedBeforeALogLine) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(ProgressMode::kBar);
    progress.Start("align", 2);
    progress.Advance();
    LogInfo("a line");
    progress.Advance();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  const size_t line = text.find("info: a line");
  ASSERT_NE(line, std::string::npos) << text;
  const std::string clear = "\r\x1b[2K";
  const size_t cleared = text.rfind(clear, line);
  ASSERT_NE(cleared, std::string::npos);
  EXPECT_EQ(text.substr(cleared + clear.size(), line - cleared - clear.size())
                .find('['),
            std::string::npos)
      << "the bar stands on the log's line";
  EXPECT_NE(text.find("left"), std::string::npos);
}

TEST(Progress, DurationsReadLikeSpeech) {
  EXPECT_EQ(FormatDuration(12.4), "12 s");
  EXPECT_EQ(FormatDuration(200), "3 min 20 s");
  EXPECT_EQ(FormatDuration(3720), "1 h 02 min");
}

TEST(Progress, RefusesUnknownModes) {
  EXPECT_THROW(ParseProgressMode("loud"), Error);
  EXPECT_THROW(ParseLogLevel("loud"), Error);
}

TEST(Cancel, ThrowsInterruptedOnceCancelled) {
  CancelToken token;
  token.ThrowIfCancelled();
  token.Cancel();
  try {
    token.ThrowIfCancelled();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.Code()), 130);
  }
}

}  // namespace
}  // namespace mapweave
