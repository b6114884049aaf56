// SPDX-License-Identifier: MIT
#include "core/json.h"

#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace mapweave {
namespace {

using ::testing::HasSubstr;

std::string FaultOf(const std::function<void(const JsonPlace&)>& read) {
  const Json document = Json::parse(
      R"({"a":[1,2.5,"x",18446744073709551615,null],"b":{"c":true}})");
  try {
    read(JsonPlace(document, "file.json"));
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    return error.Message();
  }
  return "no error was thrown";
}

TEST(Json, NumberBeyondAllDoublesIsAnError) {
  try {
    ParseJson("{\"a\": 1e999}", "file.json");
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr("file.json"));
  }
}

TEST(Json, SyntaxErrorNamesTheOriginAndTheByte) {
  try {
    ParseJson("{\"a\": ]", "file.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.Message(), HasSubstr("'file.json'"));
    EXPECT_THAT(error.Message(), HasSubstr("byte 7"));
  }
}

TEST(JsonPlace, GivesWhatIsThere) {
  const Json document = Json::parse(R"({"a":[1,2.5,"x",null],"b":-3})");
  const JsonPlace root(document, "file.json");
  EXPECT_EQ(root.At("a").Size(), 4u);
  EXPECT_EQ(root.At("a").At(0).Integer(), 1);
  EXPECT_EQ(root.At("a").At(0).Number(), 1.0);
  EXPECT_EQ(root.At("a").At(1).Number(), 2.5);
  EXPECT_EQ(root.At("a").At(2).Text(), "x");
  EXPECT_TRUE(root.At("a").At(3).IsNull());
  EXPECT_EQ(root.At("b").Integer(-3, 3), -3);
  EXPECT_TRUE(root.Has("b"));
  EXPECT_FALSE(root.Has("c"));
  EXPECT_FALSE(root.At("a").Has("b"));
}

TEST(JsonPlace, FaultsNameTheDocumentAndThePlace) {
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("z"); }),
            "'file.json': the document lacks \"z\"");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("b").At("d"); }),
            "'file.json': /b lacks \"d\"");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At("b"); }),
            "'file.json': /a should be an object");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("b").At(0); }),
            "'file.json': /b should be a list");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At(5); }),
            "'file.json': /a has 5 items, too few");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At(1).Integer(); }),
            "'file.json': /a/1 should be a whole number");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At(3).Integer(); }),
            "'file.json': /a/3 is too large a number");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At(0).Integer(2, 9); }),
            "'file.json': /a/0 is 1, not within 2 to 9");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("a").At(2).Number(); }),
            "'file.json': /a/2 should be a number");
  EXPECT_EQ(FaultOf([](const auto& root) { root.At("b").At("c").Text(); }),
            "'file.json': /b/c should be a text");
}

}  // namespace
}  // namespace mapweave
