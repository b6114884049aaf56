// SPDX-License-Identifier: MIT
//
// Digests and identifiers.
#pragma once

#include <filesystem>
#include <string>

namespace mapweave::pipelines {

// Lower-case hexadecimal SHA-256. The file form throws Error{kBadInput}.
std::string Sha256(const std::string& bytes);
std::string Sha256OfFile(const std::filesystem::path& path);

// UUID version 5 (RFC 4122, section 4.3) of `name` in Mapweave's own name
// space: the same name always gives the same identifier.
std::string NamedUuid(const std::string& name);

}  // namespace mapweave::pipelines
