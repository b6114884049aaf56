// SPDX-License-Identifier: MIT
#include "pipelines/digest.h"

#include "fixture.h"

#include <regex>

namespace mapweave::pipelines {
namespace {

// FIPS 180-4 examples.
constexpr const char* kOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kOfAMillionA =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, MeetsTheStandardsExamples) {
  EXPECT_EQ(Sha256("abc"), kOfAbc);
  EXPECT_EQ(Sha256(""), kOfNothing);
  EXPECT_EQ(Sha256(std::string(1'000'000, 'a')), kOfAMillionA);
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  mapweave::testing::TempDir folder;
  WriteText(folder.File("empty"), "");
  EXPECT_EQ(Sha256OfFile(folder.File("empty")), kOfNothing);
  // Longer than one read.
  const std::string bytes(3'000'001, 'x');
  WriteText(folder.File("long"), bytes);
  EXPECT_EQ(Sha256OfFile(folder.File("long")), Sha256(bytes));
}

TEST(Sha256, OfAMissingFileNamesIt) {
  const Error error = ErrorOf([] { Sha256OfFile("/nowhere/gone.tif"); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), ::testing::HasSubstr("gone.tif"));
}

TEST(NamedUuid, NeverChanges) {
  // Made with Python's uuid.uuid5: identifiers in existing projects and the
  // reviews that refer to them depend on these.
  EXPECT_EQ(NamedUuid("town"), "6d7ae3eb-28b0-59b5-846b-184c74748ef3");
  EXPECT_EQ(NamedUuid(""), "14d18a22-2a2f-5949-b677-991ae01e4263");
}

TEST(NamedUuid, StatesVersionFiveAndTheVariantOfRfc4122) {
  const std::regex shape(
      "[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 200; ++i) {
    const std::string uuid = NamedUuid("building " + std::to_string(i));
    EXPECT_TRUE(std::regex_match(uuid, shape)) << uuid;
  }
}

}  // namespace
}  // namespace mapweave::pipelines
