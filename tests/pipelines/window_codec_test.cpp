// SPDX-License-Identifier: MIT
#include "pipelines/window_codec.h"

#include "core/json.h"
#include "core/random.h"
#include "fixture.h"

namespace mapweave::pipelines {
namespace {

using tracking::Mask;

WindowResult Example() {
  tracking::Track track;
  track.masks = {Mask::FromRuns({{5, -3, 9}, {6, 0, 2}}), Mask(),
                 Mask::FromRuns({{1000, 70000, 70400}})};
  track.presence = {0.97f, 0.02f, 0.6f};
  track.link = {0.81f, 0.0f, 0.0f};
  track.score = 0.75f;
  WindowResult result;
  result.tracks = {track, track};
  result.tracks[1].score = 0.125f;
  result.uncovered = {Mask(), Mask::FromRuns({{0, 0, 64}}), Mask()};
  result.relations = {{0, 2, {-3, 5}, {70000, 1000}, {0.25f, 0.875f}}};
  return result;
}

TEST(WindowCodec, GivesBackWhatWasPutIn) {
  const WindowResult example = Example();
  EXPECT_TRUE(DecodeWindow(EncodeWindow(example)) == example);
  EXPECT_TRUE(DecodeWindow(EncodeWindow({})) == WindowResult{});
}

TEST(WindowCodec, ComparesEveryMember) {
  for (const auto& change : std::vector<std::function<void(WindowResult&)>>{
           [](auto& r) { r.tracks.pop_back(); },
           [](auto& r) {
             r.tracks[0].masks[1] = Mask::FromRuns({{1, 1, 2}});
           },
           [](auto& r) { r.tracks[1].presence[0] = 0.5f; },
           [](auto& r) { r.tracks[1].link[0] = 0.5f; },
           [](auto& r) { r.tracks[1].score = 0.5f; },
           [](auto& r) { r.relations[0].to.x = 7; },
           [](auto& r) { r.relations[0].opinion.related = 0.5f; },
           [](auto& r) {
             r.uncovered[0] = Mask::FromRuns({{1, 1, 2}});
           }}) {
    WindowResult changed = Example();
    change(changed);
    EXPECT_FALSE(changed == Example());
    EXPECT_TRUE(DecodeWindow(EncodeWindow(changed)) == changed);
  }
}

TEST(WindowCodec, RefusesEveryTruncation) {
  const std::string bytes = EncodeWindow(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Error error = ErrorOf([&] { DecodeWindow(bytes.substr(0, size)); });
    ASSERT_EQ(error.Code(), ErrorCode::kDatabase) << size << " bytes";
  }
  EXPECT_EQ(ErrorOf([&] { DecodeWindow(bytes + '\0'); }).Code(),
            ErrorCode::kDatabase);
}

// A flipped bit in a number or a pixel cannot be seen; whatever can be decoded
// must be whole, and whatever cannot must say so.
TEST(WindowCodec, FlippedBitsGiveAWholeResultOrAnError) {
  const std::string bytes = EncodeWindow(Example());
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    try {
      for (const tracking::Track& track : DecodeWindow(damaged).tracks) {
        EXPECT_EQ(track.presence.size(), track.masks.size()) << "bit " << i;
        EXPECT_EQ(track.link.size(), track.masks.size()) << "bit " << i;
      }
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase) << "bit " << i;
    }
  }
  EXPECT_GT(refused, bytes.size());
}

TEST(WindowCodec, RandomBytesAreRefused) {
  Rng rng(7, 1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(static_cast<size_t>(rng.Uniform(0.0, 80.0)), '\0');
    for (char& byte : bytes) byte = static_cast<char>(rng.Next() & 0xff);
    EXPECT_EQ(ErrorOf([&] { DecodeWindow(bytes); }).Code(),
              ErrorCode::kDatabase);
  }
}

TEST(WindowCodec, AnotherVersionIsRefusedByName) {
  const std::string bytes = EncodeWindow(Example());
  Json document = Json::from_cbor(bytes);
  document["version"] = document["version"].get<int>() + 1;
  const std::vector<uint8_t> other = Json::to_cbor(document);
  const Error error =
      ErrorOf([&] { DecodeWindow(std::string(other.begin(), other.end())); });
  EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
  EXPECT_THAT(error.Message(), ::testing::HasSubstr("another version"));
}

}  // namespace
}  // namespace mapweave::pipelines
