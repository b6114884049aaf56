// SPDX-License-Identifier: MIT
//
// A unit of writing to a project file: all of it lands or none.
#pragma once

namespace mapweave::db {

class Connection;

// Rolls back when destroyed unless committed. May be nested: an inner
// transaction is a savepoint, which an outer rollback undoes too. The
// connection must outlive it, and inner ones end before outer ones.
class Transaction {
 public:
  // Takes the write lock at once, so that a busy file is reported here and not
  // halfway through. Throws Error{kDatabase}.
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction& operator=(Transaction&&) = delete;

  // Throws Error{kDatabase}; then nothing of the transaction has landed.
  void Commit();

 private:
  Connection* connection_;  // null once committed or moved from
};

}  // namespace mapweave::db
