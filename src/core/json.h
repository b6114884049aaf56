// SPDX-License-Identifier: MIT
//
// JSON documents. Keys keep the order in which they were set, so that output
// reads as it was written and is the same on every run.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace mapweave {

using Json = nlohmann::ordered_json;

// Throws Error{kBadInput} naming `origin` and the place of the fault.
Json ParseJson(const std::string& text, const std::string& origin);
Json ReadJson(const std::filesystem::path& path);

// A place in a document that somebody else wrote. What is missing or of another
// type is an Error{kBadInput} that names the document and the place as a JSON
// pointer (RFC 6901). Borrows the document; cheap to copy.
class JsonPlace {
 public:
  JsonPlace(const Json& document, std::string origin)
      : node_(&document), origin_(std::move(origin)) {}

  bool IsNull() const { return node_->is_null(); }
  bool IsArray() const { return node_->is_array(); }
  bool IsObject() const { return node_->is_object(); }
  bool IsText() const { return node_->is_string(); }
  // False for what is no object, too.
  bool Has(const std::string& key) const;
  // Of an array.
  size_t Size() const;

  JsonPlace At(const std::string& key) const;
  JsonPlace At(size_t index) const;

  int64_t Integer() const;
  // As Integer, for a number in [low, high].
  int64_t Integer(int64_t low, int64_t high) const;
  double Number() const;
  const std::string& Text() const;

  [[noreturn]] void Throw(const std::string& fault,
                          const std::string& hint = "") const;

 private:
  const Json* node_;
  std::string origin_;
  std::string pointer_;
};

}  // namespace mapweave
