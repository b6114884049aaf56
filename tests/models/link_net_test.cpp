// SPDX-License-Identifier: MIT
#include "models/vis/link_net.h"

#include "core/error.h"
#include "models/vis/checkpoint.h"
#include "models/vis/link_trainer.h"
#include "models/vis/segmenter.h"
#include "tests/models/rectangle_clips.h"
#include "tests/support/temp_dir.h"
#include "tests/tracking/houses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <map>
#include <thread>
#include <vector>

namespace mapweave::vis {
namespace {

using tracking::House;
using tracking::Instance;
using tracking::LinkGraph;
using tracking::PairOpinion;

using Editions = std::vector<std::vector<Instance>>;

// Houses of three editions: some persist, one is split, one rebuilt.
Editions SmallTown() {
  return {{House(4, 4, 20, 10), House(34, 4, 9, 12), House(6, 24, 12, 9),
           House(50, 22, 8, 8)},
          {House(5, 4, 12, 10), House(18, 4, 7, 10), House(35, 4, 9, 12),
           House(7, 24, 7, 14), House(51, 22, 8, 8)},
          {House(4, 5, 12, 10), House(17, 5, 7, 10), House(34, 5, 9, 12),
           House(6, 25, 7, 14)}};
}

LinkGraph Graph(const Editions& editions) {
  return tracking::BuildLinkGraph({editions, {}, {}}, nullptr);
}

LinkNet Net(uint64_t seed = 3) { return LinkNet(LinkNetConfig{}, Rng(seed)); }

// Opinions by what the ends are, whatever their order in the graph.
using Ends = std::array<int, 4>;
std::map<Ends, PairOpinion> ByEnds(const LinkGraph& graph,
                                   const std::vector<PairOpinion>& opinions) {
  std::map<Ends, PairOpinion> result;
  for (size_t p = 0; p < graph.pairs.size(); ++p) {
    const auto& a = graph.nodes[graph.pairs[p].older].instance;
    const auto& b = graph.nodes[graph.pairs[p].newer].instance;
    result[{a.edition, a.index, b.edition, b.index}] = opinions[p];
  }
  return result;
}

void ExpectNear(const PairOpinion& a, const PairOpinion& b) {
  EXPECT_NEAR(a.same, b.same, 1e-5);
  EXPECT_NEAR(a.related, b.related, 1e-5);
}

TEST(LinkNet, GradientsReachEveryParameter) {
  LinkNet net = Net();
  const LinkGraph graph = Graph(SmallTown());
  const LinkLogits logits = net(MakeLinkBatch({&graph}));
  ASSERT_EQ(logits.pairs.size(0), static_cast<int64_t>(graph.pairs.size()));
  ASSERT_EQ(logits.instances.sizes(),
            torch::IntArrayRef({static_cast<int64_t>(graph.nodes.size())}));
  (logits.pairs.square().sum() + logits.instances.square().sum()).backward();
  int64_t count = 0;
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<float>(), 0.0f)
        << item.key();
    count += item.value().numel();
  }
  EXPECT_LT(count, 300'000);
}

TEST(LinkNet, DoesNotCareForTheOrderOfInstances) {
  const Editions editions = SmallTown();
  Editions shuffled = editions;
  for (auto& instances : shuffled) {
    std::rotate(instances.begin(), instances.begin() + 2, instances.end());
  }
  LinkNet net = Net();
  const LinkGraph graph = Graph(editions);
  const LinkGraph other = Graph(shuffled);
  const tracking::LinkOpinions opinions = JudgeGraph(net, graph);
  const tracking::LinkOpinions others = JudgeGraph(net, other);
  const auto expected = ByEnds(graph, opinions.pairs);
  const auto found = ByEnds(other, others.pairs);
  ASSERT_EQ(expected.size(), found.size());
  const auto rotated = [&](int edition, int index) {
    const int size = static_cast<int>(editions[edition].size());
    return (index + size - 2) % size;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const tracking::InstanceRef ref = graph.nodes[n].instance;
    for (size_t m = 0; m < other.nodes.size(); ++m) {
      const tracking::InstanceRef same = other.nodes[m].instance;
      if (same.edition == ref.edition &&
          same.index == rotated(ref.edition, ref.index)) {
        EXPECT_NEAR(opinions.instances[n], others.instances[m], 1e-5);
      }
    }
  }
  for (const auto& [ends, opinion] : expected) {
    ExpectNear(opinion, found.at({ends[0], rotated(ends[0], ends[1]), ends[2],
                                  rotated(ends[2], ends[3])}));
  }
}

TEST(LinkNet, DoesNotCareForTheDirectionOfTime) {
  const Editions editions = SmallTown();
  const Editions reversed(editions.rbegin(), editions.rend());
  LinkNet net = Net();
  const LinkGraph graph = Graph(editions);
  const LinkGraph other = Graph(reversed);
  const auto expected = ByEnds(graph, JudgeGraph(net, graph).pairs);
  const auto found = ByEnds(other, JudgeGraph(net, other).pairs);
  ASSERT_EQ(expected.size(), found.size());
  for (const auto& [ends, opinion] : expected) {
    ExpectNear(opinion, found.at({2 - ends[2], ends[3], 2 - ends[0], ends[1]}));
  }
}

TEST(LinkNet, JudgesWindowsSideBySideAsAlone) {
  LinkNet net = Net();
  const LinkGraph a = Graph(SmallTown());
  const LinkGraph b = Graph({{House(0, 0, 9, 9)}, {House(1, 0, 9, 8)}});
  const LinkLogits both = net(MakeLinkBatch({&a, &b}));
  const LinkLogits first = net(MakeLinkBatch({&a}));
  const LinkLogits second = net(MakeLinkBatch({&b}));
  EXPECT_TRUE(torch::allclose(
      both.pairs, torch::cat({first.pairs, second.pairs}), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(both.instances,
                              torch::cat({first.instances, second.instances}),
                              1e-5, 1e-6));
}

TEST(LinkNet, TakesEmptyAndLonelyWindows) {
  LinkNet net = Net();
  for (const Editions& editions :
       {Editions{}, Editions{{}, {}}, Editions{{House(0, 0, 1, 1)}},
        Editions{{House(0, 0, 4, 4)}, {}}}) {
    const LinkGraph graph = Graph(editions);
    const tracking::LinkOpinions opinions = JudgeGraph(net, graph);
    EXPECT_TRUE(opinions.pairs.empty());
    EXPECT_EQ(opinions.instances.size(), graph.nodes.size());
  }
}

TEST(LinkNet, JudgesTwoThousandInstancesInBoundedTimeOnAnyThreads) {
  Editions editions(4);
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 500; ++i) {
      editions[t].push_back(
          House(18 * (i % 25) + t % 2, 18 * (i / 25), 12, 9 + (i + t) % 5));
    }
  }
  LinkNet net = Net();
  const LinkGraph graph = Graph(editions);
  ASSERT_EQ(graph.nodes.size(), 2000u);
  SetTorchThreads(1);
  const std::clock_t start = std::clock();
  const std::vector<PairOpinion> opinions = JudgeGraph(net, graph).pairs;
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 3.0);  // of the processor, so that load does not count
  std::vector<std::vector<PairOpinion>> side_by_side(2);
  std::vector<std::thread> threads;
  for (auto& result : side_by_side) {
    threads.emplace_back([&] { result = JudgeGraph(net, graph).pairs; });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t p = 0; p < opinions.size(); ++p) {
    ASSERT_TRUE(std::isfinite(opinions[p].same) &&
                std::isfinite(opinions[p].related));
    for (const auto& result : side_by_side) {
      ASSERT_EQ(result[p].same, opinions[p].same);
      ASSERT_EQ(result[p].related, opinions[p].related);
    }
  }
}

TEST(LinkNet, BeginsNearWhatTheOverlapSays) {
  const LinkGraph graph = Graph(SmallTown());
  LinkNet net = Net();
  for (auto& item : net->named_parameters()) {
    const torch::NoGradGuard no_grad;
    if (item.key().starts_with("out.")) item.value().zero_();
  }
  const std::vector<PairOpinion> opinions = JudgeGraph(net, graph).pairs;
  for (size_t p = 0; p < opinions.size(); ++p) {
    const float overlap = std::clamp(
        std::max(graph.pairs[p].from_older[0], graph.pairs[p].from_newer[0]),
        0.01f, 0.99f);
    // Odds against those of a quarter.
    const float odds = 3.0f * overlap / (1.0f - overlap);
    EXPECT_NEAR(opinions[p].same, odds / (1.0f + odds), 1e-4);
    EXPECT_FLOAT_EQ(opinions[p].related, 0.5f);
  }
}

TEST(LinkNetConfig, ReadsNetworksThatKnewFewerFeatures) {
  const Json json = Json::parse(
      R"({"width": 64, "rounds": 3, "colours": true,
          "instance_features": 14, "pair_features": 20})");
  const LinkNetConfig config = LinkNetConfig::FromJson(json);
  EXPECT_FALSE(config.from_overlap);
  EXPECT_EQ(config.pair_features, 20);
  LinkNet net(config, Rng(1));
  const LinkGraph graph = Graph(SmallTown());
  const tracking::LinkOpinions opinions = JudgeGraph(net, graph);
  EXPECT_EQ(opinions.pairs.size(), graph.pairs.size());
  // What it never learned to judge, it does not judge.
  EXPECT_TRUE(opinions.instances.empty());
}

TEST(LinkNetConfig, RefusesNetworksOfOtherFeatures) {
  Json json = LinkNetConfig{}.ToJson();
  EXPECT_EQ(LinkNetConfig::FromJson(json).ToJson(), json);
  json["pair_features"] = 3;
  EXPECT_THROW(LinkNetConfig::FromJson(json), Error);
  EXPECT_THROW(LinkNetConfig::FromJson(Json::object()), Error);
}

// Two clips of the town, of which one is told otherwise.
std::vector<LinkLesson> TwoLessons() {
  std::vector<LinkLesson> lessons;
  for (int clip = 0; clip < 2; ++clip) {
    LinkLesson lesson;
    lesson.scene.per_edition = SmallTown();
    if (clip == 1) lesson.scene.per_edition.pop_back();
    lesson.graph = Graph(lesson.scene.per_edition);
    Rng rng(static_cast<uint64_t>(clip));
    for (const auto& pair : lesson.graph.pairs) {
      const bool same = pair.iou > 0.5 && rng.Chance(0.8);
      lesson.truth.push_back(
          {same ? tracking::Answer::kYes : tracking::Answer::kNo,
           rng.Chance(0.2) ? tracking::Answer::kYes : tracking::Answer::kNo});
    }
    for (size_t n = 0; n < lesson.graph.nodes.size(); ++n) {
      lesson.instances.push_back(n % 3 == 0   ? tracking::Answer::kNo
                                 : n % 3 == 1 ? tracking::Answer::kYes
                                              : tracking::Answer::kNotAsked);
    }
    lessons.push_back(std::move(lesson));
  }
  return lessons;
}

LinkFit Fit(const std::vector<LinkLesson>& lessons, int64_t steps) {
  LinkFitOptions options;
  options.steps = steps;
  options.lessons_per_step = 2;
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  return FitLinker(lessons, options, context);
}

TEST(FitLinker, LearnsTwoClipsByHeartAndTheSameAgain) {
  const std::vector<LinkLesson> lessons = TwoLessons();
  const LinkFit fit = Fit(lessons, 400);
  EXPECT_LT(fit.loss, 0.1);
  for (const LinkLesson& lesson : lessons) {
    const tracking::LinkOpinions all = Judge(*fit.linker, lesson.graph);
    for (size_t n = 0; n < all.instances.size(); ++n) {
      if (lesson.instances[n] == tracking::Answer::kNotAsked) continue;
      EXPECT_EQ(all.instances[n] > 0.5f,
                lesson.instances[n] == tracking::Answer::kYes);
    }
    const auto& opinions = all.pairs;
    for (size_t p = 0; p < opinions.size(); ++p) {
      EXPECT_EQ(opinions[p].same > 0.5f,
                lesson.truth[p].same == tracking::Answer::kYes);
      EXPECT_EQ(opinions[p].related > 0.5f,
                lesson.truth[p].related == tracking::Answer::kYes);
    }
  }
  EXPECT_EQ(Fit(lessons, 5).loss, Fit(lessons, 5).loss);
}

TEST(FitLinker, RefusesLessonsThatAskNothing) {
  std::vector<LinkLesson> lessons = TwoLessons();
  for (LinkLesson& lesson : lessons) {
    for (auto& truth : lesson.truth) truth = {};
  }
  EXPECT_THROW(Fit(lessons, 2), Error);
  EXPECT_THROW(Fit({}, 2), Error);
}

// Rectangles that persist or are left out: every link is known.
class LinkedRectangles : public tracking::LinkedClipSource {
 public:
  tracking::LinkedClip GetLinked(uint64_t index) const override {
    return {clips_.Get(index), {}};
  }

 private:
  testing::RectangleClips clips_;
};

class TrainLinksTest : public ::testing::Test {
 protected:
  TrainLinksTest() {
    Checkpoint checkpoint;
    checkpoint.network = MakeNetwork({});
    checkpoint.network->Module().eval();
    checkpoint.decode = checkpoint.network->CheckDecode(Json::object());
    SaveCheckpoint(path_, checkpoint);
  }
  LinkTrainResult Train() {
    LinkTrainOptions options;
    options.checkpoint = path_.string();
    options.clips = 2;
    options.validation_clips = 1;
    options.fit.steps = 5;
    Progress progress;
    CancelToken cancel;
    RunContext context{progress, cancel};
    return TrainLinks(LinkedRectangles(), LinkedRectangles(), options, context);
  }

  testing::TempDir dir_;
  std::filesystem::path path_ = dir_.Path() / "model.safetensors";
};

TEST_F(TrainLinksTest, AddsALinkerAndLeavesTheNetworkAsItIs) {
  const auto before = nn::ReadSafetensors(path_).tensors;
  EXPECT_EQ(LoadCheckpoint(path_).linker, nullptr);

  const LinkTrainResult result = Train();

  EXPECT_GT(result.pairs, 0);
  const auto after = nn::ReadSafetensors(path_).tensors;
  EXPECT_GT(after.size(), before.size());
  for (const auto& [name, tensor] : before) {
    EXPECT_TRUE(torch::equal(tensor, after.at(name))) << name;
  }
  const CheckpointInfo info = InspectCheckpoint(path_.string());
  EXPECT_EQ(info.config["link"]["training"]["clips"], 2);
  EXPECT_EQ(info.config["link"]["threshold"], result.link_threshold);
  const Checkpoint loaded = LoadCheckpoint(path_);
  ASSERT_NE(loaded.linker, nullptr);
  EXPECT_EQ(loaded.linker->decision.threshold, result.link_threshold);
  EXPECT_EQ(loaded.linker->min_score, result.min_score);
}

TEST_F(TrainLinksTest, ReloadedLinkerThinksTheSame) {
  Train();
  const Checkpoint first = LoadCheckpoint(path_);
  SaveCheckpoint(path_, first);
  const Checkpoint second = LoadCheckpoint(path_);
  const LinkGraph graph = Graph(SmallTown());
  EXPECT_EQ(Judge(*first.linker, graph), Judge(*second.linker, graph));
}

TEST_F(TrainLinksTest, ALinkedCheckpointSegments) {
  Train();
  const tracking::Clip clip = testing::RectangleClips().Get(0).clip;
  const auto segmenter = LoadSegmenter(path_.string());
  const auto copy = segmenter->Clone();
  EXPECT_EQ(segmenter->Segment(clip).tracks.size(),
            copy->Segment(clip).tracks.size());
}

TEST_F(TrainLinksTest, RefusesADamagedLinker) {
  Train();
  const nn::Safetensors good = nn::ReadSafetensors(path_);
  nn::Safetensors content = good;
  content.tensors.erase("link.out.bias");
  nn::WriteSafetensors(path_, content);
  EXPECT_THROW(LoadCheckpoint(path_), Error);

  for (const char* header :
       {"[]", "{}", R"({"config": 3})", R"({"config": {"width": -1}})"}) {
    content = good;
    content.metadata["link"] = header;
    nn::WriteSafetensors(path_, content);
    try {
      LoadCheckpoint(path_);
      ADD_FAILURE() << header;
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDevice) << header;
    }
  }
  // A linker's weights without its header belong to nothing.
  content = good;
  content.metadata.erase("link");
  nn::WriteSafetensors(path_, content);
  EXPECT_THROW(LoadCheckpoint(path_), Error);
}

}  // namespace
}  // namespace mapweave::vis
