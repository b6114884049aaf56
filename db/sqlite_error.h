// SPDX-License-Identifier: MIT
//
// SQLite's result codes in words that say what to do.
#pragma once

#include <filesystem>
#include <string_view>

namespace mapweave::db {

// Throws Error{kDatabase}: `action` (e.g. "cannot open"), the file, the reason.
// `detail` is SQLite's own message.
[[noreturn]] void ThrowSqliteError(int result_code,
                                   const std::filesystem::path& path,
                                   std::string_view action,
                                   std::string_view detail);

}  // namespace mapweave::db
