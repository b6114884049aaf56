// SPDX-License-Identifier: MIT
//
// Benchmarks on encoders of a few channels and squares that lie left or right.
#include "models/ssl/benchmark.h"

#include "core/error.h"
#include "core/random.h"
#include "models/ssl/encoder.h"
#include "models/ssl/probe.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>
#include <torch/torch.h>

#include <memory>
#include <set>

namespace mapweave::ssl {
namespace {

// A dark or a bright square (target) on noise; of pairs, whether both are
// alike.
class Squares : public Benchmark {
 public:
  explicit Squares(int64_t images = 1) {
    info_.name = images == 1 ? "squares" : "pairs";
    info_.group = "brightness";
    info_.images = images;
    info_.train = 64;
    info_.test = 80;  // two chunks and a half
    info_.distilled = kBenchmarkChunk;
  }
  const BenchmarkInfo& Info() const override { return info_; }
  BenchmarkSample Get(int64_t index) const override {
    ++drawn_;
    Rng rng(7, static_cast<uint64_t>(index));
    const int64_t target = index % 2;
    if (info_.images == 1) return {{Square(target == 1, rng)}, target};
    const bool bright = rng.Chance(0.5);
    return {{Square(bright, rng), Square(bright == (target == 1), rng)},
            target};
  }
  int64_t Drawn() const { return drawn_; }

 private:
  static cv::Mat Square(bool bright, Rng& rng) {
    cv::Mat image(32, 32, CV_8UC3);
    for (int i = 0; i < 32 * 32 * 3; ++i) {
      image.data[i] = static_cast<uint8_t>(rng.Int(110, 146));
    }
    cv::rectangle(image,
                  cv::Rect(static_cast<int>(rng.Int(0, 12)),
                           static_cast<int>(rng.Int(0, 12)), 20, 20),
                  cv::Scalar::all(bright ? 255.0 : 0.0), cv::FILLED);
    return image;
  }

  BenchmarkInfo info_;
  mutable int64_t drawn_ = 0;
};

Encoder NarrowEncoder() {
  EncoderConfig config;
  config.width = 4;
  const Encoder encoder = MakeEncoder(config, Rng(3));
  encoder->eval();
  return encoder;
}

std::vector<BenchmarkAnswer> AnswersOf(BenchmarkSession& session,
                                       const std::vector<int64_t>& chunks) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  std::vector<BenchmarkAnswer> all;
  session.Answer(
      *NarrowEncoder(), chunks,
      [&](const std::vector<BenchmarkAnswer>& answers) {
        all.insert(all.end(), answers.begin(), answers.end());
      },
      context);
  return all;
}

TEST(BenchmarkSession, AnswersEachSampleOnceAndTheLastChunkIsShort) {
  const Squares squares;
  BenchmarkSession session(squares);
  const auto answers = AnswersOf(session, {0, 1, 2});
  ASSERT_EQ(answers.size(), 80u);
  int right = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].sample, static_cast<int64_t>(i));
    EXPECT_EQ(answers[i].target, static_cast<int64_t>(i) % 2);
    right += answers[i].predicted == answers[i].target ? 1 : 0;
  }
  EXPECT_GT(right, 72) << "brightness is read off random weights";
  EXPECT_EQ(squares.Drawn(), 144);
  AnswersOf(session, {0, 2});
  EXPECT_EQ(squares.Drawn(), 144) << "images are drawn once";
}

TEST(BenchmarkSession, AnswersDoNotDependOnTheChunksAroundThem) {
  const Squares squares;
  BenchmarkSession session(squares);
  BenchmarkSession other(squares);
  const auto all = AnswersOf(session, {0, 1, 2});
  const auto last = AnswersOf(other, {2});
  ASSERT_EQ(last.size(), 16u);
  for (size_t i = 0; i < last.size(); ++i) {
    EXPECT_EQ(last[i].predicted, all[64 + i].predicted);
  }
  EXPECT_TRUE(AnswersOf(other, {}).empty());
}

TEST(BenchmarkSession, ComparesPairs) {
  const Squares pairs(2);
  BenchmarkSession session(pairs);
  int right = 0;
  for (const BenchmarkAnswer& answer : AnswersOf(session, {0, 1})) {
    right += answer.predicted == answer.target ? 1 : 0;
  }
  // Guessing, which is all that one image of a pair allows, gets 32 +- 4.
  EXPECT_GT(right, 32 + 3 * 4) << "of 64";
}

TEST(BenchmarkSession, StopsBetweenChunks) {
  const Squares squares;
  BenchmarkSession session(squares);
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  int chunks = 0;
  const auto answer = [&] {
    session.Answer(
        *NarrowEncoder(), {0, 1, 2},
        [&](const std::vector<BenchmarkAnswer>&) {
          if (++chunks == 2) cancel.Cancel();
        },
        context);
  };
  EXPECT_THROW(answer(), Error);
  EXPECT_EQ(chunks, 2);
}

TEST(BenchmarkSession, WrongBenchmarksAreErrors) {
  BenchmarkInfo info = Squares().Info();
  EXPECT_NO_THROW(info.Validate());
  const auto refused = [&](auto change) {
    BenchmarkInfo wrong = info;
    change(wrong);
    EXPECT_THROW(wrong.Validate(), Error);
  };
  refused([](BenchmarkInfo& i) { i.name.clear(); });
  refused([](BenchmarkInfo& i) { i.version = 0; });
  refused([](BenchmarkInfo& i) { i.classes = 1; });
  refused([](BenchmarkInfo& i) { i.images = 3; });
  refused([](BenchmarkInfo& i) { i.test = 0; });
  refused([](BenchmarkInfo& i) { i.distilled = 33; });
  refused([](BenchmarkInfo& i) { i.distilled = 96; });
  info.distilled = info.test;
  EXPECT_NO_THROW(info.Validate()) << "all of them";

  class Wrong : public Squares {
   public:
    BenchmarkSample Get(int64_t index) const override {
      BenchmarkSample sample = Squares::Get(index);
      if (index == 70) sample.target = 2;
      return sample;
    }
  };
  const Wrong wrong;
  BenchmarkSession session(wrong);
  EXPECT_THROW(AnswersOf(session, {0}), Error);
}

TEST(ScoreBenchmarks, MeansOverBenchmarksThenGroups) {
  class Named : public Squares {
   public:
    Named(const char* name, const char* group) : info_(Squares().Info()) {
      info_.name = name;
      info_.group = group;
    }
    const BenchmarkInfo& Info() const override { return info_; }

   private:
    BenchmarkInfo info_;
  };
  const BenchmarkSet set = {std::make_shared<Named>("a", "one"),
                            std::make_shared<Named>("b", "one"),
                            std::make_shared<Named>("c", "two"),
                            std::make_shared<Named>("d", "three")};
  const BenchmarkScores scores =
      ScoreBenchmarks(set, {{"a", 0.5}, {"b", 1.0}, {"c", 0.25}});
  EXPECT_DOUBLE_EQ(scores.groups.at("one"), 0.75);
  EXPECT_DOUBLE_EQ(scores.groups.at("two"), 0.25);
  EXPECT_FALSE(scores.groups.contains("three")) << "was not asked";
  EXPECT_DOUBLE_EQ(scores.all, 0.5);
}

TEST(RankCorrelation, OfHandMadeLists) {
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3}, {10, 20, 90}), 1.0);
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3}, {3, 2, 1}), -1.0);
  // 1 - 6 (1 + 1) / (4 * 15)
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 2, 3, 4}, {2, 1, 3, 4}), 0.8);
  // Ranks 1.5, 1.5, 3 against 1, 2, 3: 1.5 / sqrt(1.5 * 2).
  EXPECT_NEAR(RankCorrelation({5, 5, 7}, {1, 2, 3}), 0.8660254, 1e-7);
  EXPECT_DOUBLE_EQ(RankCorrelation({1, 1, 1}, {1, 2, 3}), 0.0);
  EXPECT_THROW(RankCorrelation({1, 2}, {1, 2, 3}), Error);
  EXPECT_THROW(RankCorrelation({1}, {1}), Error);
}

TEST(LinearProbe, PredictsRowByRow) {
  // One feature whose sign is the label.
  const torch::Tensor x =
      torch::tensor({-3.0, -2.0, -1.0, 1.0, 2.0, 3.0}).view({6, 1});
  const torch::Tensor label = torch::tensor({0, 0, 0, 1, 1, 1}, torch::kLong);
  const LinearProbe probe({x, label});
  const torch::Tensor asked = torch::tensor({2.5, -2.5, 0.5}).view({3, 1});
  EXPECT_TRUE(torch::equal(probe.Predict(asked),
                           torch::tensor({1, 0, 1}, torch::kLong)));
  EXPECT_TRUE(torch::equal(probe.Predict(asked.slice(0, 1, 2)),
                           torch::tensor({0}, torch::kLong)));
  EXPECT_DOUBLE_EQ(LinearProbeAccuracy({x, label}, {x, label}), 1.0);
  EXPECT_TRUE(torch::equal(KnnPredictions({x, label}, asked, 1),
                           torch::tensor({1, 0, 1}, torch::kLong)));
  EXPECT_THROW(probe.Predict(torch::zeros({2, 2})), Error);
  EXPECT_THROW(probe.Predict(torch::full({2, 1}, NAN)), Error);
}

}  // namespace
}  // namespace mapweave::ssl
