// SPDX-License-Identifier: MIT
#include "models/nn/safetensors.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <string>

namespace mapweave::nn {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

// A file with this header and these bytes after it.
void WriteRaw(const std::filesystem::path& path, const std::string& header,
              const std::string& data) {
  const uint64_t size = header.size();
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  WriteFileAtomically(path, bytes + header + data, Overwrite::kAllow);
}

// The message of the error that reading `path` throws.
std::string ReadingError(const std::filesystem::path& path) {
  try {
    ReadSafetensors(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kDevice);
    EXPECT_THAT(error.Message(), HasSubstr(path.string()));
    return error.Message();
  }
  ADD_FAILURE() << "no error";
  return "";
}

Safetensors Example() {
  Safetensors content;
  content.metadata = {{"format", "example"}, {"quote", "a \"b\"\n"}};
  content.tensors = {{"a", torch::arange(6, torch::kFloat).view({2, 3})},
                     {"b.c", torch::tensor({7, -8}, torch::kLong)},
                     {"empty", torch::zeros({0, 4})},
                     {"half", torch::tensor({0.5, -2.0}).to(torch::kBFloat16)},
                     {"scalar", torch::tensor(3.0)}};
  return content;
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  const Safetensors written = Example();

  WriteSafetensors(path, written);
  const Safetensors read = ReadSafetensors(path);

  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_EQ(read.tensors.at(name).scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(torch::equal(read.tensors.at(name), tensor)) << name;
  }
  EXPECT_EQ(ReadSafetensorsHeader(path).shapes.at("a"),
            (std::vector<int64_t>{2, 3}));
}

TEST(Safetensors, StoresTensorsInRowMajorOrderWhateverTheirLayout) {
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  const torch::Tensor transposed =
      torch::arange(6, torch::kFloat).view({2, 3}).t();

  WriteSafetensors(path, {{}, {{"t", transposed}}});

  EXPECT_TRUE(torch::equal(ReadSafetensors(path).tensors.at("t"), transposed));
}

TEST(Safetensors, ReadsABareFileAsTheFormatDescribesIt) {
  // No metadata, no padding of the header.
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  const float values[] = {1.0f, 2.0f};
  WriteRaw(path, R"({"x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})",
           std::string(reinterpret_cast<const char*>(values), sizeof(values)));

  EXPECT_TRUE(torch::equal(ReadSafetensors(path).tensors.at("x"),
                           torch::tensor({{1.0f, 2.0f}})));
}

TEST(Safetensors, RefusesAFileThatWasCutAnywhere) {
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  WriteSafetensors(path, Example());
  const std::string whole = ReadFile(path);

  for (size_t size = 0; size < whole.size(); size += 7) {
    WriteFileAtomically(path, whole.substr(0, size), Overwrite::kAllow);
    ReadingError(path);
  }
  WriteFileAtomically(path, whole + "x", Overwrite::kAllow);
  EXPECT_THAT(ReadingError(path), HasSubstr("bytes of tensors"));
}

TEST(Safetensors, RefusesForeignFiles) {
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  WriteFileAtomically(path, std::string(1000, 'P'), Overwrite::kAllow);
  EXPECT_THAT(ReadingError(path), HasSubstr("is not a safetensors file"));
  WriteRaw(path, "[1, 2, 3]", "");
  EXPECT_THAT(ReadingError(path), HasSubstr("no JSON object"));
  ReadingError(dir.Path() / "missing");
  ReadingError(dir.Path());
}

TEST(Safetensors, RefusesHeadersThatLie) {
  const TempDir dir;
  const auto path = dir.Path() / "x.safetensors";
  const auto with = [&](const std::string& tensors) {
    WriteRaw(path, "{" + tensors + "}", std::string(8, '\0'));
    return ReadingError(path);
  };
  const std::string good =
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)";

  EXPECT_THAT(with(R"("a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
              HasSubstr("do not fit its shape"));
  EXPECT_THAT(
      with(good + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
      HasSubstr("overlaps"));
  EXPECT_THAT(
      with(good + R"("b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]})"),
      HasSubstr("leaves a hole"));
  EXPECT_THAT(with(R"("a":{"dtype":"Q4","shape":[8],"data_offsets":[0,8]})"),
              HasSubstr("unsupported type"));
  EXPECT_THAT(with(R"("a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
              HasSubstr("not described"));
  EXPECT_THAT(with(R"("a":{"dtype":"F32","shape":[4611686018427387904,4],)"
                   R"("data_offsets":[0,8]})"),
              HasSubstr("do not fit its shape"));
  EXPECT_THAT(with(R"("a":7)"), HasSubstr("not described"));
  EXPECT_THAT(with(good + R"("__metadata__":{"k":1})"), HasSubstr("not text"));
}

}  // namespace
}  // namespace mapweave::nn
