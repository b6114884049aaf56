// SPDX-License-Identifier: MIT
//
// SQLite's C handles as C++ values. Internal to db/: callers see Store, Query
// and CheckStore.
#pragma once

#include "core/date.h"
#include "db/transaction.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace mapweave::db {

// "YYYY-MM-DD" to a date. Throws Error{kDatabase} naming `text`.
Date ParseIsoDate(std::string_view text);

// Marks bytes that are to be bound as BLOB, not as TEXT.
struct Blob {
  std::string_view bytes;
};

// A prepared statement, borrowed from its connection's cache and handed back
// reset when destroyed. Parameters count from 1, columns from 0.
class Statement {
 public:
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;

  void Bind(int index, std::nullopt_t);
  void Bind(int index, int64_t value);
  void Bind(int index, int value) { Bind(index, int64_t{value}); }
  void Bind(int index, bool value) { Bind(index, int64_t{value ? 1 : 0}); }
  void Bind(int index, double value);
  void Bind(int index, std::string_view text);
  void Bind(int index, const char* text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, const std::string& text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, Blob blob);
  void Bind(int index, const Date& date) { Bind(index, date.ToString()); }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      Bind(index, std::nullopt);
    }
  }
  // Binds parameters 1, 2, ...
  template <typename... Args>
  Statement& BindAll(const Args&... args) {
    int index = 0;
    (Bind(++index, args), ...);
    return *this;
  }

  // True: a row is there to read.
  bool Step();
  // Binds, runs to the end and resets; for statements without rows.
  template <typename... Args>
  void Execute(const Args&... args) {
    BindAll(args...);
    while (Step()) {
    }
    Reset();
  }
  void Reset();

  bool IsNull(int column) const;
  // T: bool, int, int64_t, double, std::string, Date, or an optional of one.
  template <typename T>
  T Get(int column) const;
  // Valid until the next Step.
  std::string_view BlobAt(int column) const;
  int ColumnCount() const;
  // Name of a result column.
  std::string ColumnName(int column) const;

 private:
  friend class Connection;
  Statement(Connection& connection, sqlite3_stmt* handle, bool* in_use);

  Connection* connection_;
  sqlite3_stmt* handle_;
  bool* in_use_;  // null: not cached, finalised by the destructor
};

// Reads the columns of a row one after another.
class ColumnReader {
 public:
  explicit ColumnReader(const Statement& statement) : statement_(statement) {}
  template <typename T>
  ColumnReader& operator>>(T& value) {
    value = statement_.Get<T>(column_++);
    return *this;
  }
  std::string_view NextBlob() { return statement_.BlobAt(column_++); }

 private:
  const Statement& statement_;
  int column_ = 0;
};

enum class Access { kReadOnly, kReadWrite, kCreate };

// One open file: foreign keys on, synchronous FULL, and the five functions that
// GeoPackage's R-tree triggers call (ST_IsEmpty, ST_MinX, ST_MaxX, ST_MinY,
// ST_MaxY). Not thread-safe. Statements must end before it does.
class Connection {
 public:
  // Rolls back what a killed writer left. Throws Error{kDatabase}.
  Connection(const std::filesystem::path& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From the cache if the same text was prepared before.
  Statement Prepare(std::string_view sql);
  template <typename... Args>
  void Execute(std::string_view sql, const Args&... args) {
    Prepare(sql).Execute(args...);
  }
  // The first column of the first row; unset if there is none or it is NULL.
  template <typename T, typename... Args>
  std::optional<T> QueryValue(std::string_view sql, const Args&... args) {
    Statement statement = Prepare(sql);
    statement.BindAll(args...);
    if (!statement.Step()) return std::nullopt;
    return statement.Get<std::optional<T>>(0);
  }
  // Several statements separated by semicolons, without parameters.
  void ExecuteScript(const std::string& sql);

  bool HasTable(std::string_view name);
  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t LastInsertId() const;

  // From now on statements may only read the named tables (and those whose
  // R-tree they ask) and call plain functions; everything else is an error.
  void RestrictToReading(std::set<std::string> tables);
  // QGIS leaves files in WAL mode; a project file is to be one file. Throws if
  // another program has it open.
  void UseJournalModeDelete();
  // How long to wait for a lock; five seconds unless set.
  void SetBusyTimeout(int milliseconds);

  // Throws if SQLite cannot close cleanly.
  void Close();

  const std::filesystem::path& Path() const { return path_; }

 private:
  friend class Statement;
  friend class Transaction;

  struct CachedStatement;

  void OpenHandle(int flags);
  void CloseHandle();
  // Reads the schema, which also rolls back a hot journal.
  int TryReadSchema();
  void Configure(Access access);
  void CheckNotTruncated();
  void ThrowIfTruncated() const;
  void RollBack(const std::string& sql);
  [[noreturn]] void ThrowError(int result_code, std::string_view action) const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<CachedStatement>> cache_;
  std::set<std::string> readable_;
  int depth_ = 0;  // of nested transactions
};

template <>
bool Statement::Get<bool>(int column) const;
template <>
int Statement::Get<int>(int column) const;
template <>
int64_t Statement::Get<int64_t>(int column) const;
template <>
double Statement::Get<double>(int column) const;
template <>
std::string Statement::Get<std::string>(int column) const;
template <>
Date Statement::Get<Date>(int column) const;

namespace internal {
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
}  // namespace internal

template <typename T>
T Statement::Get(int column) const {
  static_assert(internal::IsOptional<T>::value, "no such column type");
  if (IsNull(column)) return std::nullopt;
  return Get<typename T::value_type>(column);
}

}  // namespace mapweave::db
