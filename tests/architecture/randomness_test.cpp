// SPDX-License-Identifier: MIT
//
// Torch has one generator for the whole process: whoever draws from it makes
// results depend on what else runs. No part of the SSL library may, or two
// experiments side by side would not give what each gives alone.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// What `text` calls its generators, as one alternative of a pattern.
std::string GeneratorNames(const std::string& text) {
  static const std::regex declared(
      R"(torch::Generator\s*&?\s+(\w+)|(\w+)\s*=\s*(ssl::)?MakeGenerator\()");
  std::string names = "generator_?";
  for (std::sregex_iterator it(text.begin(), text.end(), declared), end;
       it != end; ++it) {
    names += "|" + ((*it)[1].matched ? (*it)[1].str() : (*it)[2].str());
  }
  return names;
}

// Calls in `text` that draw random numbers without naming a generator.
std::vector<std::string> GlobalDraws(const std::string& text) {
  static const std::regex call(
      R"(\b(torch::(rand|randn|randint|randperm|rand_like|randn_like|bernoulli|)"
      R"(multinomial|normal|dropout|manual_seed)|)"
      R"((\.|->)(bernoulli|multinomial|uniform|normal|random|exponential|)"
      R"(cauchy|geometric|log_normal)_?|[Dd]ropout|DropoutOptions)\s*\()");
  const std::regex named("\\b(" + GeneratorNames(text) + ")\\b");
  std::vector<std::string> draws;
  for (std::sregex_iterator it(text.begin(), text.end(), call), end; it != end;
       ++it) {
    const auto begin = static_cast<size_t>(it->position());
    size_t at = begin + it->str().size();
    for (int depth = 1; at < text.size() && depth > 0; ++at) {
      if (text[at] == '(') ++depth;
      if (text[at] == ')') --depth;
    }
    const std::string whole = text.substr(begin, at - begin);
    if (!std::regex_search(whole, named)) draws.push_back(whole);
  }
  return draws;
}

TEST(Randomness, TheTestSeesGlobalDraws) {
  EXPECT_EQ(GlobalDraws("x = torch::randn({2, 3}, torch::kDouble);").size(),
            1u);
  EXPECT_EQ(GlobalDraws("torch::randn({f(2)}, generator, kDouble)").size(), 0u);
  EXPECT_EQ(GlobalDraws("torch::Generator order = f(); torch::rand({2}, order)")
                .size(),
            0u);
  EXPECT_EQ(GlobalDraws("w.uniform_(-1, 1); torch::bernoulli(p)").size(), 2u);
  EXPECT_EQ(GlobalDraws("torch::nn::Dropout(0.1)").size(), 1u);
  EXPECT_EQ(GlobalDraws("rng.Normal(0, 1); RandomPermutation(n)").size(), 0u);
}

TEST(Randomness, TheSslLibraryDrawsFromGeneratorsOfItsOwn) {
  int files = 0;
  for (const char* folder : {"models/ssl", "models/nn"}) {
    const fs::path root = fs::path(MAPWEAVE_SOURCE_DIR) / folder;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      ++files;
      std::ifstream in(entry.path());
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      for (const std::string& draw : GlobalDraws(text)) {
        ADD_FAILURE() << entry.path().string() << ": " << draw;
      }
    }
  }
  EXPECT_GT(files, 30) << "the test looks at the wrong folder";
}

}  // namespace
