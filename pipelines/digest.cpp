// SPDX-License-Identifier: MIT
#include "pipelines/digest.h"

#include "core/error.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

namespace mapweave::pipelines {
namespace {

// Drawn at random once; it must never change, or all identifiers do.
constexpr std::array<unsigned char, 16> kNamespace = {
    0x1d, 0x7b, 0x52, 0xe0, 0x93, 0x4c, 0x4f, 0x6a,
    0x8e, 0x21, 0x5b, 0xc4, 0x70, 0xd9, 0x36, 0xaf};

class Digest {
 public:
  explicit Digest(const EVP_MD* kind)
      : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    MAPWEAVE_CHECK(context_ != nullptr);
    MAPWEAVE_CHECK(EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }
  void Add(const void* bytes, size_t size) {
    MAPWEAVE_CHECK(EVP_DigestUpdate(context_.get(), bytes, size) == 1);
  }
  std::vector<unsigned char> Finish() {
    std::vector<unsigned char> result(EVP_MAX_MD_SIZE);
    unsigned int size = 0;
    MAPWEAVE_CHECK(EVP_DigestFinal_ex(context_.get(), result.data(), &size) ==
                   1);
    result.resize(size);
    return result;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string Hex(const std::vector<unsigned char>& bytes) {
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

std::string Sha256(const std::string& bytes) {
  Digest digest(EVP_sha256());
  digest.Add(bytes.data(), bytes.size());
  return Hex(digest.Finish());
}

std::string Sha256OfFile(const std::filesystem::path& path) {
  // Opening a pipe would wait for its writer.
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) &&
      !std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' is not a file", path.string()),
                "Name a file, not a folder, pipe or device.");
  }
  std::ifstream in(path, std::ios::binary);
  Digest digest(EVP_sha256());
  std::vector<char> buffer(1 << 20);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.Add(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.eof()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("cannot read '{}'", path.string()),
                "Check the path and its permissions.");
  }
  return Hex(digest.Finish());
}

std::string NamedUuid(const std::string& name) {
  Digest digest(EVP_sha1());
  digest.Add(kNamespace.data(), kNamespace.size());
  digest.Add(name.data(), name.size());
  std::vector<unsigned char> bytes = digest.Finish();
  bytes.resize(16);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x50);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = Hex(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) +
         "-" + hex.substr(16, 4) + "-" + hex.substr(20, 12);
}

}  // namespace mapweave::pipelines
