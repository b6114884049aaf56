// SPDX-License-Identifier: MIT
#include "db/store.h"

#include "core/error.h"
#include "core/log.h"
#include "db/store_impl.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <system_error>
#include <utility>

namespace mapweave::db {
namespace {

namespace fs = std::filesystem;

void CheckSrs(const SpatialReference& srs) {
  if (srs.wkt.empty() || srs.name.empty() || srs.organization.empty()) {
    throw Error(ErrorCode::kBadInput,
                "the project's CRS lacks its name, organization or WKT",
                "Name a CRS with --crs, e.g. EPSG:2056 or a WKT file.");
  }
}

// A journal of the file that is replaced would be played into the new one.
void RemoveSideFiles(const fs::path& path) {
  for (const char* suffix : {"-journal", "-wal", "-shm"}) {
    std::error_code failure;
    fs::remove(fs::path(path.string() + suffix), failure);
    if (failure) {
      throw Error(ErrorCode::kFailure,
                  fmt::format("cannot remove '{}{}': {}", path.string(), suffix,
                              failure.message()));
    }
  }
}

void CheckVersion(const fs::path& path, int version) {
  const int latest = LatestVersion();
  if (version > latest) {
    throw Error(
        ErrorCode::kDatabase,
        fmt::format("'{}' was made by a newer mapweave (schema {}, this "
                    "program knows {})",
                    path.string(), version, latest),
        "Use the newer program.");
  }
  if (version < latest) {
    throw Error(
        ErrorCode::kDatabase,
        fmt::format("'{}' was made by an older mapweave (schema {}, "
                    "this program needs {})",
                    path.string(), version, latest),
        fmt::format("Run 'mapweave db migrate {}' first.", path.string()));
  }
}

}  // namespace

std::string NowUtc() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(
          now.time_since_epoch())
          .count() %
      1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(seconds),
                     milliseconds);
}

Store::Impl::Impl(const fs::path& path, Access access)
    : connection(path, access) {
  schema_version = ReadSchemaVersion(connection);
  CheckVersion(path, schema_version);
  // Only now: a file of another program is left as it is.
  if (access != Access::kReadOnly) connection.UseJournalModeDelete();
  StoredSrs stored = ReadSrs(connection);
  srs_id = stored.srs_id;
  srs = std::move(stored.srs);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store::~Store() {
  try {
    Close();
  } catch (const Error& error) {
    LogWarning("{}", error.Message());
  }
}

Store Store::Create(const fs::path& path, const SpatialReference& srs,
                    Overwrite overwrite) {
  CheckSrs(srs);
  AtomicFile file(path, overwrite);
  {
    Connection connection(file.TempPath(), Access::kCreate);
    CreateSchema(connection, srs);
    connection.Close();
  }
  RemoveSideFiles(path);
  file.Commit();
  return Open(path, OpenMode::kReadWrite);
}

Store Store::Open(const fs::path& path, OpenMode mode) {
  return Store(std::make_unique<Impl>(path, mode == OpenMode::kReadOnly
                                                ? Access::kReadOnly
                                                : Access::kReadWrite));
}

void Store::Close() {
  if (impl_ == nullptr) return;
  impl_->connection.Close();
  impl_.reset();
}

const fs::path& Store::Path() const { return impl_->connection.Path(); }
const SpatialReference& Store::Srs() const { return impl_->srs; }
int Store::SchemaVersion() const { return impl_->schema_version; }
Connection& Store::InnerConnection() const { return impl_->connection; }
Transaction Store::Begin() { return Transaction(impl_->connection); }

void Store::SetMeta(const std::string& key, const std::string& value) {
  if (key == "schema_version") {
    throw Error(ErrorCode::kUsage, "the schema version is not yours to set",
                "Use another key.");
  }
  impl_->connection.Execute(
      "INSERT INTO mapweave_meta (key, value) VALUES (?1, ?2) "
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key, value);
}

std::optional<std::string> Store::Meta(const std::string& key) const {
  return impl_->connection.QueryValue<std::string>(
      "SELECT value FROM mapweave_meta WHERE key = ?1", key);
}

MigrationReport MigrateStore(const fs::path& path) {
  Connection connection(path, Access::kReadWrite);
  ReadSchemaVersion(connection);  // throws if it is no project
  connection.UseJournalModeDelete();
  MigrationReport report;
  Transaction transaction(connection);
  // Again under the lock, so that two migrations do not both begin.
  report.from_version = ReadSchemaVersion(connection);
  report.to_version = LatestVersion();
  if (report.from_version > report.to_version) {
    CheckVersion(path, report.from_version);
  }
  ApplyMigrations(connection, Migrations(), report.from_version);
  transaction.Commit();
  connection.Close();
  return report;
}

}  // namespace mapweave::db
