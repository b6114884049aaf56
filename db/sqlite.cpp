// SPDX-License-Identifier: MIT
#include "db/sqlite.h"

#include "core/error.h"
#include "db/authorizer.h"
#include "db/geometry_functions.h"
#include "db/sqlite_error.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <charconv>
#include <fstream>
#include <system_error>
#include <utility>

namespace mapweave::db {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int kCacheKib = 64 * 1024;
// Statements are few and fixed; a query builder's texts are not.
constexpr size_t kMaxCachedStatements = 200;

uint32_t BigEndian32(const unsigned char* bytes) {
  return (uint32_t{bytes[0]} << 24) | (uint32_t{bytes[1]} << 16) |
         (uint32_t{bytes[2]} << 8) | uint32_t{bytes[3]};
}

}  // namespace

Date ParseIsoDate(std::string_view text) {
  Date date;
  const auto parse = [&](size_t offset, size_t length, int& value) {
    const char* begin = text.data() + offset;
    const auto [end, failure] = std::from_chars(begin, begin + length, value);
    return failure == std::errc() && end == begin + length && value >= 0;
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' ||
      !parse(0, 4, date.year) || !parse(5, 2, date.month) ||
      !parse(8, 2, date.day) || date.month < 1 || date.month > 12 ||
      date.day < 1 || date.day > 31) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("'{}' is not a date (YYYY-MM-DD)", text),
                "Look with 'mapweave db check'.");
  }
  return date;
}

struct Connection::CachedStatement {
  sqlite3_stmt* handle = nullptr;
  bool in_use = false;
};

// --- Statement

Statement::Statement(Connection& connection, sqlite3_stmt* handle, bool* in_use)
    : connection_(&connection), handle_(handle), in_use_(in_use) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      handle_(std::exchange(other.handle_, nullptr)),
      in_use_(std::exchange(other.in_use_, nullptr)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  if (in_use_ == nullptr) {
    sqlite3_finalize(handle_);
    return;
  }
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  *in_use_ = false;
}

void Statement::Bind(int index, std::nullopt_t) {
  MAPWEAVE_CHECK(sqlite3_bind_null(handle_, index) == SQLITE_OK);
}

void Statement::Bind(int index, int64_t value) {
  MAPWEAVE_CHECK(sqlite3_bind_int64(handle_, index, value) == SQLITE_OK);
}

void Statement::Bind(int index, double value) {
  MAPWEAVE_CHECK(sqlite3_bind_double(handle_, index, value) == SQLITE_OK);
}

void Statement::Bind(int index, std::string_view text) {
  const int result =
      sqlite3_bind_text64(handle_, index, text.data() ? text.data() : "",
                          text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) connection_->ThrowError(result, "cannot write");
}

void Statement::Bind(int index, Blob blob) {
  const int result = sqlite3_bind_blob64(
      handle_, index, blob.bytes.data() ? blob.bytes.data() : "",
      blob.bytes.size(), SQLITE_TRANSIENT);
  if (result != SQLITE_OK) connection_->ThrowError(result, "cannot write");
}

bool Statement::Step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  const bool reads = sqlite3_stmt_readonly(handle_) != 0;
  connection_->ThrowError(result, reads ? "cannot read" : "cannot write");
}

void Statement::Reset() { sqlite3_reset(handle_); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

template <>
bool Statement::Get<bool>(int column) const {
  return sqlite3_column_int64(handle_, column) != 0;
}

template <>
int Statement::Get<int>(int column) const {
  return sqlite3_column_int(handle_, column);
}

template <>
int64_t Statement::Get<int64_t>(int column) const {
  return sqlite3_column_int64(handle_, column);
}

template <>
double Statement::Get<double>(int column) const {
  return sqlite3_column_double(handle_, column);
}

template <>
std::string Statement::Get<std::string>(int column) const {
  const unsigned char* text = sqlite3_column_text(handle_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

template <>
Date Statement::Get<Date>(int column) const {
  return ParseIsoDate(Get<std::string>(column));
}

std::string_view Statement::BlobAt(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

int Statement::ColumnCount() const { return sqlite3_column_count(handle_); }

std::string Statement::ColumnName(int column) const {
  const char* name = sqlite3_column_name(handle_, column);
  return name == nullptr ? "" : name;
}

// --- Connection

Connection::Connection(const std::filesystem::path& path, Access access)
    : path_(path) {
  if (access != Access::kCreate && !std::filesystem::exists(path)) {
    throw Error(
        ErrorCode::kDatabase,
        fmt::format("cannot open '{}': there is no such file", path.string()),
        "Check the path, or make a project with 'mapweave run'.");
  }
  try {
    const int flags = access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                      : access == Access::kCreate
                          ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                          : SQLITE_OPEN_READWRITE;
    OpenHandle(flags);
    int result = TryReadSchema();
    if (access == Access::kReadOnly && (result & 0xff) == SQLITE_READONLY) {
      // A killed writer left a hot journal: rolling it back takes a moment of
      // write access, also for someone who only wants to read.
      CloseHandle();
      OpenHandle(SQLITE_OPEN_READWRITE);
      result = TryReadSchema();
      if (result == SQLITE_OK) {
        CloseHandle();
        OpenHandle(flags);
        result = TryReadSchema();
      }
    }
    if ((result & 0xff) == SQLITE_CORRUPT) ThrowIfTruncated();
    if (result != SQLITE_OK) ThrowError(result, "cannot open");
    if (access == Access::kReadWrite && sqlite3_db_readonly(handle_, "main")) {
      ThrowError(SQLITE_READONLY, "cannot change");
    }
    Configure(access);
    CheckNotTruncated();
  } catch (...) {
    CloseHandle();
    throw;
  }
}

Connection::~Connection() { CloseHandle(); }

void Connection::OpenHandle(int flags) {
  // An absolute path keeps SQLite from reading ":memory:" into a file name.
  const std::string name = std::filesystem::absolute(path_).string();
  const int result = sqlite3_open_v2(name.c_str(), &handle_,
                                     flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result != SQLITE_OK) ThrowError(result, "cannot open");
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  // The file may come from anybody: nobody writes into the R-trees' own
  // tables, and its views get no functions with side effects. (Triggers only
  // run on writing, and SQLite counts writing to an R-tree as such an effect.)
  const int trusted = (flags & SQLITE_OPEN_READONLY) != 0 ? 0 : 1;
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted, nullptr);
  RegisterGeometryFunctions(handle_);
}

void Connection::CloseHandle() {
  for (auto& [sql, cached] : cache_) sqlite3_finalize(cached->handle);
  cache_.clear();
  sqlite3_close_v2(handle_);
  handle_ = nullptr;
}

int Connection::TryReadSchema() {
  return sqlite3_exec(handle_, "SELECT count(*) FROM sqlite_master", nullptr,
                      nullptr, nullptr);
}

void Connection::Configure(Access access) {
  Execute("PRAGMA foreign_keys = ON");
  Execute("PRAGMA synchronous = FULL");
  // Negative: in KiB. The indexes on track ids are written all over; with
  // SQLite's 2 MiB each row of a large result would cost a read and a write.
  Execute(fmt::format("PRAGMA cache_size = -{}", kCacheKib));
  if (access == Access::kReadOnly) Execute("PRAGMA query_only = ON");
}

void Connection::UseJournalModeDelete() {
  const auto mode = QueryValue<std::string>("PRAGMA journal_mode = DELETE");
  if (mode != "delete") ThrowError(SQLITE_BUSY, "cannot change");
}

void Connection::CheckNotTruncated() {
  // SQLite itself notices missing pages only when it comes to read them.
  const auto mode = QueryValue<std::string>("PRAGMA journal_mode");
  if (mode != "delete") return;  // a WAL holds pages beyond the file's end
  // A shared lock: no writer changes the size while we compare.
  Execute("BEGIN");
  TryReadSchema();
  ThrowIfTruncated();
  Execute("COMMIT");
}

void Connection::ThrowIfTruncated() const {
  std::array<unsigned char, 100> header{};
  std::ifstream in(path_, std::ios::binary);
  in.read(reinterpret_cast<char*>(header.data()), header.size());
  std::error_code failure;
  const uintmax_t size = std::filesystem::file_size(path_, failure);
  if (!in || failure) return;  // an empty new file has no header yet
  // SQLite's file format, section 1.3: the page size is at 16 (1 means 65536),
  // the number of pages at 28, which holds if the numbers at 24 and 92 agree.
  const uint32_t page_size = header[16] == 0 && header[17] == 1
                                 ? 65536u
                                 : (uint32_t{header[16]} << 8) | header[17];
  const uintmax_t pages = BigEndian32(&header[28]);
  const bool valid = BigEndian32(&header[24]) == BigEndian32(&header[92]);
  if (valid && size < pages * page_size) {
    throw Error(ErrorCode::kDatabase,
                fmt::format("cannot open '{}': the file is cut off ({} of {} "
                            "bytes are there)",
                            path_.string(), size, pages * page_size),
                "Copy or download it again.");
  }
}

Statement Connection::Prepare(std::string_view sql) {
  const std::string text(sql);
  const auto found = cache_.find(text);
  if (found != cache_.end() && !found->second->in_use) {
    found->second->in_use = true;
    return Statement(*this, found->second->handle, &found->second->in_use);
  }
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(
      handle_, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (result != SQLITE_OK) ThrowError(result, "cannot read");
  MAPWEAVE_CHECK(handle != nullptr);
  if (found != cache_.end() || cache_.size() >= kMaxCachedStatements) {
    return Statement(*this, handle, nullptr);
  }
  auto cached = std::make_unique<CachedStatement>();
  cached->handle = handle;
  cached->in_use = true;
  bool* in_use = &cached->in_use;
  cache_.emplace(text, std::move(cached));
  return Statement(*this, handle, in_use);
}

void Connection::ExecuteScript(const std::string& sql) {
  const int result =
      sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) ThrowError(result, "cannot write");
}

void Connection::RollBack(const std::string& sql) {
  // After a full disk or an I/O error SQLite has rolled back by itself.
  if (sqlite3_get_autocommit(handle_)) return;
  ExecuteScript(sql);
}

bool Connection::HasTable(std::string_view name) {
  return QueryValue<int>(
             "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') "
             "AND name = ?1",
             name)
      .has_value();
}

int64_t Connection::LastInsertId() const {
  return sqlite3_last_insert_rowid(handle_);
}

void Connection::RestrictToReading(std::set<std::string> tables) {
  readable_ = std::move(tables);
  InstallReadAuthorizer(handle_, readable_);
}

void Connection::SetBusyTimeout(int milliseconds) {
  sqlite3_busy_timeout(handle_, milliseconds);
}

void Connection::Close() {
  for (auto& [sql, cached] : cache_) sqlite3_finalize(cached->handle);
  cache_.clear();
  const int result = sqlite3_close(handle_);
  if (result != SQLITE_OK) ThrowError(result, "cannot close");
  handle_ = nullptr;
}

void Connection::ThrowError(int result_code, std::string_view action) const {
  ThrowSqliteError(result_code, path_, action,
                   handle_ != nullptr ? sqlite3_errmsg(handle_)
                                      : sqlite3_errstr(result_code));
}

}  // namespace mapweave::db
