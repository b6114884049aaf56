// SPDX-License-Identifier: MIT
//
// Lets SQL that a user typed read the project's tables and nothing else.
#pragma once

#include <set>
#include <string>

struct sqlite3;

namespace mapweave::db {

// Denies, on this handle from now on, everything but SELECT from `tables` and
// calls of plain functions. `tables` must outlive the handle. Throws nothing.
void InstallReadAuthorizer(sqlite3* handle,
                           const std::set<std::string>& tables);

}  // namespace mapweave::db
