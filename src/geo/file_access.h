// SPDX-License-Identifier: MIT
//
// Files and folders by any path that GDAL takes: those of this machine and of
// its virtual file systems (/vsizip/, /vsigzip/, /vsicurl/, /vsis3/ ...). The
// network is touched only for a path that names it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mapweave::geo {

// True for a path that GDAL opens, not this program ("/vsi...").
bool IsVirtual(const std::filesystem::path& path);

// True if reading it takes the network, also inside of an archive
// (/vsizip//vsicurl/...).
bool IsNetworkPath(const std::filesystem::path& path);
// The same of text that has paths in it.
bool NamesNetwork(const std::string& text);

// A path as people write it: http://, https:// and file:// addresses become
// paths, anything else stays.
std::filesystem::path PathFromAddress(const std::string& address);

// `name` as a file at `base` means it: absolute ones, virtual ones and
// addresses stay as they are, others lie beside `base`, with "." and ".."
// resolved.
std::filesystem::path PathBeside(const std::filesystem::path& base,
                                 const std::string& name);

bool Exists(const std::filesystem::path& path);
bool IsFolder(const std::filesystem::path& path);

// Names (not paths) of what lies in a folder, sorted. Throws Error{kBadInput}.
std::vector<std::string> NamesIn(const std::filesystem::path& folder);

// Whole content of a file. Throws Error{kBadInput} if it cannot be read or is
// larger than 64 MiB, which no catalogue is.
std::string ReadText(const std::filesystem::path& path);

// True if GDAL has a driver that takes the file for a raster, by its first
// bytes and its name; it may still be damaged.
bool LooksLikeRaster(const std::filesystem::path& path);

}  // namespace mapweave::geo
