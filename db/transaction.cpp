// SPDX-License-Identifier: MIT
#include "db/transaction.h"

#include "core/error.h"
#include "core/log.h"
#include "db/sqlite.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace mapweave::db {
namespace {

std::string SavepointName(int depth) { return fmt::format("level_{}", depth); }

}  // namespace

Transaction::Transaction(Connection& connection) : connection_(&connection) {
  const int depth = connection.depth_;
  connection.Execute(depth == 0 ? std::string("BEGIN IMMEDIATE")
                                : "SAVEPOINT " + SavepointName(depth));
  ++connection.depth_;
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

void Transaction::Commit() {
  MAPWEAVE_CHECK(connection_ != nullptr);
  const int depth = connection_->depth_ - 1;
  connection_->Execute(depth == 0 ? std::string("COMMIT")
                                  : "RELEASE " + SavepointName(depth));
  // Only now: a COMMIT that failed (disk full, busy) leaves the transaction
  // open, and the destructor must roll it back.
  connection_->depth_ = depth;
  connection_ = nullptr;
}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  const int depth = --connection_->depth_;
  try {
    connection_->RollBack(depth == 0 ? std::string("ROLLBACK")
                                     : fmt::format("ROLLBACK TO {0}; RELEASE "
                                                   "{0}",
                                                   SavepointName(depth)));
  } catch (const Error& error) {
    LogWarning("{}", error.Message());
  }
}

}  // namespace mapweave::db
