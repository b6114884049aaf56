// SPDX-License-Identifier: MIT
#include "models/vis/group_losses.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mapweave::vis {
namespace {

TEST(GroupLosses, AClipCountsOnceForEveryGroupThatItShows) {
  GroupLosses losses;
  losses.AddClip({"cadastral", "town plan", "cadastral"}, {1.0, 5.0, 3.0});
  losses.AddClip({"cadastral", "", "cadastral"}, {4.0, 9.0, std::nan("")});

  const nn::PerGroupLoss recent = losses.Recent();

  ASSERT_TRUE(recent.Find("cadastral"));
  EXPECT_EQ(recent.Find("cadastral")->count, 2);
  EXPECT_DOUBLE_EQ(recent.Find("cadastral")->loss, 3.0);
  EXPECT_EQ(recent.Find("town plan")->count, 1);
  EXPECT_DOUBLE_EQ(recent.MicroMean(), (2.0 + 4.0 + 5.0) / 3.0);
  EXPECT_DOUBLE_EQ(recent.MacroMean(), (3.0 + 5.0) / 2.0);
  EXPECT_EQ(recent.Groups().size(), 2u);
}

TEST(GroupLosses, ForgetsWhatIsLongPast) {
  GroupLosses losses;
  for (int step = 0; step < 1000; ++step) {
    losses.AddClip({"a"}, {step < 500 ? 100.0 : 1.0});
    losses.EndStep();
    const int64_t kept = losses.Recent().Count();
    EXPECT_LE(kept, 500);
    EXPECT_GE(kept, std::min(step + 1, 250));
  }
  EXPECT_DOUBLE_EQ(losses.Recent().Find("a")->loss, 1.0);
}

TEST(GroupLosses, PartsFromSeveralProcessesAddUp) {
  GroupLosses whole;
  GroupLosses first;
  GroupLosses second;
  for (int step = 0; step < 300; ++step) {
    for (int clip = 0; clip < 4; ++clip) {
      const std::string group = clip % 3 == 0 ? "a" : "b";
      const double loss = 0.01 * step + clip;
      whole.AddClip({group}, {loss});
      (clip < 2 ? first : second).AddClip({group}, {loss});
    }
    for (GroupLosses* losses : {&whole, &first, &second}) losses->EndStep();
  }
  GroupLosses joined;
  joined.Add(ParseJson(first.ToJson().dump(), "a test"));
  joined.Add(ParseJson(second.ToJson().dump(), "a test"));

  EXPECT_EQ(joined.Recent().Count(), 1200);
  for (const char* group : {"a", "b"}) {
    EXPECT_EQ(joined.Recent().Find(group)->count,
              whole.Recent().Find(group)->count);
    EXPECT_NEAR(joined.Recent().Find(group)->loss,
                whole.Recent().Find(group)->loss, 1e-9);
  }
  EXPECT_EQ(joined.ToJson()["steps"], 50);
}

TEST(GroupLosses, RefusesWhatItDidNotWrite) {
  GroupLosses losses;
  EXPECT_THROW(losses.Add(Json::object()), Error);
  EXPECT_THROW(losses.Add({{"steps", 0}, {"blocks", {1, 2}}}), Error);
}

}  // namespace
}  // namespace mapweave::vis
