// SPDX-License-Identifier: MIT
#include "core/json.h"

#include "core/atomic_file.h"
#include "core/error.h"

#include <fmt/format.h>

namespace mapweave {

Json ParseJson(const std::string& text, const std::string& origin) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& fault) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("'{}' is not valid JSON (byte {})", origin, fault.byte));
  } catch (const nlohmann::json::out_of_range&) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds a number too large to read", origin));
  }
}

Json ReadJson(const std::filesystem::path& path) {
  return ParseJson(ReadFile(path), path.string());
}

bool JsonPlace::Has(const std::string& key) const {
  return node_->is_object() && node_->contains(key);
}

size_t JsonPlace::Size() const {
  if (!node_->is_array()) Throw("should be a list");
  return node_->size();
}

JsonPlace JsonPlace::At(const std::string& key) const {
  if (!node_->is_object()) Throw("should be an object");
  const auto member = node_->find(key);
  if (member == node_->end()) Throw(fmt::format("lacks \"{}\"", key));
  JsonPlace place = *this;
  place.node_ = &*member;
  place.pointer_ += "/" + key;
  return place;
}

JsonPlace JsonPlace::At(size_t index) const {
  if (index >= Size()) {
    Throw(fmt::format("has {} items, too few", node_->size()));
  }
  JsonPlace place = *this;
  place.node_ = &(*node_)[index];
  place.pointer_ += fmt::format("/{}", index);
  return place;
}

int64_t JsonPlace::Integer() const {
  if (!node_->is_number_integer()) Throw("should be a whole number");
  // An unsigned one beyond the signed range would come out negative.
  if (node_->is_number_unsigned() && node_->get<uint64_t>() > INT64_MAX) {
    Throw("is too large a number");
  }
  return node_->get<int64_t>();
}

int64_t JsonPlace::Integer(int64_t low, int64_t high) const {
  const int64_t value = Integer();
  if (value < low || value > high) {
    Throw(fmt::format("is {}, not within {} to {}", value, low, high));
  }
  return value;
}

double JsonPlace::Number() const {
  if (!node_->is_number()) Throw("should be a number");
  return node_->get<double>();
}

const std::string& JsonPlace::Text() const {
  if (!node_->is_string()) Throw("should be a text");
  return node_->get_ref<const std::string&>();
}

void JsonPlace::Throw(const std::string& fault, const std::string& hint) const {
  throw Error(ErrorCode::kBadInput,
              fmt::format("'{}': {} {}", origin_,
                          pointer_.empty() ? "the document" : pointer_, fault),
              hint);
}

}  // namespace mapweave
