// SPDX-License-Identifier: MIT
#include "db/geometry_functions.h"

#include "db/gpkg_geometry.h"

#include <sqlite3.h>

#include <exception>
#include <optional>
#include <string_view>

namespace mapweave::db {
namespace {

std::string_view BytesOf(sqlite3_value* value) {
  const void* bytes = sqlite3_value_blob(value);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_value_bytes(value))};
}

// From the header where it has an envelope, else from the vertices.
std::optional<Box> EnvelopeOf(std::string_view bytes) {
  const auto header = ReadGeometryHeader(bytes);
  if (!header || header->empty) return std::nullopt;
  if (header->envelope) return header->envelope;
  return Bounds(DecodeGeometry(bytes));
}

// C calls these: nothing may be thrown through it.
void IsEmpty(sqlite3_context* context, int /*count*/,
             sqlite3_value** arguments) noexcept {
  const auto header = ReadGeometryHeader(BytesOf(arguments[0]));
  if (!header) {
    sqlite3_result_null(context);
    return;
  }
  sqlite3_result_int(context, header->empty ? 1 : 0);
}

template <double Box::*kBound>
void BoundOf(sqlite3_context* context, int /*count*/,
             sqlite3_value** arguments) noexcept {
  try {
    const auto box = EnvelopeOf(BytesOf(arguments[0]));
    if (box) {
      sqlite3_result_double(context, (*box).*kBound);
    } else {
      sqlite3_result_null(context);
    }
  } catch (const std::exception&) {
    sqlite3_result_null(context);
  }
}

}  // namespace

void RegisterGeometryFunctions(sqlite3* handle) {
  const auto add = [handle](const char* name, auto function) {
    sqlite3_create_function_v2(
        handle, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
        nullptr, function, nullptr, nullptr, nullptr);
  };
  add("ST_IsEmpty", &IsEmpty);
  add("ST_MinX", &BoundOf<&Box::min_x>);
  add("ST_MaxX", &BoundOf<&Box::max_x>);
  add("ST_MinY", &BoundOf<&Box::min_y>);
  add("ST_MaxY", &BoundOf<&Box::max_y>);
}

}  // namespace mapweave::db
