// SPDX-License-Identifier: MIT
#include "models/nn/safetensors.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>

namespace mapweave::nn {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little,
              "tensors are copied as they lie in the file");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the reference reader
constexpr uint64_t kAlignment = 8;
constexpr char kMetadataKey[] = "__metadata__";

struct DtypeName {
  const char* name;
  torch::ScalarType type;
  uint64_t bytes;
};
constexpr std::array<DtypeName, 7> kDtypes = {{
    {"F32", torch::kFloat, 4},
    {"F64", torch::kDouble, 8},
    {"F16", torch::kHalf, 2},
    {"BF16", torch::kBFloat16, 2},
    {"I64", torch::kLong, 8},
    {"I32", torch::kInt, 4},
    {"U8", torch::kByte, 1},
}};

struct Entry {
  std::string name;
  DtypeName dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes from the end of the header
  uint64_t end = 0;
};

struct ParsedHeader {
  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;  // by `begin`
  uint64_t data_offset = 0;    // bytes from the start of the file
};

[[noreturn]] void Fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kDevice, path.string() + ": " + what,
              "use a checkpoint written by this program, or copy it again if "
              "the copy was interrupted");
}

std::optional<DtypeName> FindDtype(const std::string& name) {
  for (const DtypeName& dtype : kDtypes) {
    if (name == dtype.name) return dtype;
  }
  return std::nullopt;
}

// Bytes of a tensor, or nothing if the number does not fit.
std::optional<uint64_t> TensorBytes(const Entry& entry) {
  uint64_t bytes = entry.dtype.bytes;
  for (const int64_t size : entry.shape) {
    const auto factor = static_cast<uint64_t>(size);
    if (factor != 0 && bytes > std::numeric_limits<int64_t>::max() / factor) {
      return std::nullopt;
    }
    bytes *= factor;
  }
  return bytes;
}

Entry ParseEntry(const fs::path& path, const std::string& name,
                 const Json& json) {
  const std::string what = "tensor \"" + name + "\"";
  const auto is_count = [](const Json& value) {
    return value.is_number_unsigned() ||
           (value.is_number_integer() && value.get<int64_t>() >= 0);
  };
  if (!json.is_object() || !json.contains("dtype") ||
      !json["dtype"].is_string() || !json.contains("shape") ||
      !json["shape"].is_array() || !json.contains("data_offsets") ||
      !json["data_offsets"].is_array() || json["data_offsets"].size() != 2 ||
      !std::all_of(json["shape"].begin(), json["shape"].end(), is_count) ||
      !std::all_of(json["data_offsets"].begin(), json["data_offsets"].end(),
                   is_count)) {
    Fail(path, what + " is not described as the format demands");
  }
  const auto dtype = FindDtype(json["dtype"].get<std::string>());
  if (!dtype) {
    Fail(path, what + " has the unsupported type " + json["dtype"].dump());
  }
  Entry entry{name, *dtype, json["shape"].get<std::vector<int64_t>>(),
              json["data_offsets"][0].get<uint64_t>(),
              json["data_offsets"][1].get<uint64_t>()};
  const auto bytes = TensorBytes(entry);
  if (!bytes || entry.end < entry.begin || entry.end - entry.begin != *bytes) {
    Fail(path, what + " has offsets that do not fit its shape");
  }
  return entry;
}

ParsedHeader ParseHeader(const fs::path& path, std::ifstream& stream,
                         uint64_t file_bytes) {
  uint64_t header_bytes = 0;
  if (file_bytes < sizeof(header_bytes)) {
    Fail(path, "is not a safetensors file (only " + std::to_string(file_bytes) +
                   " bytes)");
  }
  stream.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes));
  if (header_bytes > kMaxHeaderBytes ||
      header_bytes > file_bytes - sizeof(header_bytes)) {
    Fail(path, "is not a safetensors file, or was cut short in its header");
  }
  std::string text(header_bytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(header_bytes));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!stream || !json.is_object()) {
    Fail(path, "is not a safetensors file: its header is no JSON object");
  }

  ParsedHeader header;
  header.data_offset = sizeof(header_bytes) + header_bytes;
  for (const auto& [name, value] : json.items()) {
    if (name != kMetadataKey) {
      header.entries.push_back(ParseEntry(path, name, value));
      continue;
    }
    if (!value.is_object()) Fail(path, "has metadata that are no object");
    for (const auto& [key, item] : value.items()) {
      if (!item.is_string()) Fail(path, "has metadata that are not text");
      header.metadata[key] = item.get<std::string>();
    }
  }
  std::sort(header.entries.begin(), header.entries.end(),
            [](const Entry& a, const Entry& b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  uint64_t expected = 0;
  for (const Entry& entry : header.entries) {
    if (entry.begin != expected) {
      Fail(path, "tensor \"" + entry.name +
                     "\" overlaps another one or leaves a hole");
    }
    expected = entry.end;
  }
  const uint64_t data_bytes = file_bytes - header.data_offset;
  if (data_bytes != expected) {
    Fail(path, "holds " + std::to_string(data_bytes) +
                   " bytes of tensors, its header says " +
                   std::to_string(expected) +
                   (data_bytes < expected ? " (cut short)" : ""));
  }
  return header;
}

std::ifstream Open(const fs::path& path, uint64_t& file_bytes) {
  std::error_code code;
  file_bytes = fs::is_regular_file(path, code) ? fs::file_size(path, code) : 0;
  std::ifstream stream(path, std::ios::binary);
  if (code || !fs::is_regular_file(path) || !stream) {
    throw Error(ErrorCode::kDevice,
                path.string() + ": cannot read this checkpoint",
                "check the path and its permissions");
  }
  return stream;
}

}  // namespace

SafetensorsHeader ReadSafetensorsHeader(const fs::path& path) {
  uint64_t file_bytes = 0;
  std::ifstream stream = Open(path, file_bytes);
  ParsedHeader parsed = ParseHeader(path, stream, file_bytes);
  SafetensorsHeader header;
  header.metadata = std::move(parsed.metadata);
  for (Entry& entry : parsed.entries) {
    header.shapes[entry.name] = std::move(entry.shape);
  }
  return header;
}

Safetensors ReadSafetensors(const fs::path& path) {
  uint64_t file_bytes = 0;
  std::ifstream stream = Open(path, file_bytes);
  ParsedHeader parsed = ParseHeader(path, stream, file_bytes);
  Safetensors content;
  content.metadata = std::move(parsed.metadata);
  for (const Entry& entry : parsed.entries) {
    torch::Tensor tensor =
        torch::empty(entry.shape, torch::TensorOptions(entry.dtype.type));
    stream.seekg(static_cast<std::streamoff>(parsed.data_offset + entry.begin));
    stream.read(static_cast<char*>(tensor.data_ptr()),
                static_cast<std::streamsize>(entry.end - entry.begin));
    if (!stream) Fail(path, "cannot be read to its end");
    content.tensors[entry.name] = tensor;
  }
  return content;
}

void WriteSafetensors(const fs::path& path, const Safetensors& content) {
  Json header = Json::object();
  if (!content.metadata.empty()) header[kMetadataKey] = content.metadata;
  std::vector<torch::Tensor> tensors;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const auto dtype = std::find_if(
        kDtypes.begin(), kDtypes.end(),
        [&](const auto& d) { return d.type == tensor.scalar_type(); });
    MAPWEAVE_CHECK(dtype != kDtypes.end());
    tensors.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const uint64_t bytes = static_cast<uint64_t>(tensor.numel()) * dtype->bytes;
    header[name] = {{"dtype", dtype->name},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');

  AtomicFile file(path, Overwrite::kAllow);
  {
    std::ofstream stream(file.TempPath(), std::ios::binary);
    const uint64_t header_bytes = text.size();
    stream.write(reinterpret_cast<const char*>(&header_bytes),
                 sizeof(header_bytes));
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const torch::Tensor& tensor : tensors) {
      stream.write(static_cast<const char*>(tensor.data_ptr()),
                   static_cast<std::streamsize>(tensor.nbytes()));
    }
    stream.close();
    if (!stream) {
      throw Error(ErrorCode::kFailure, path.string() + ": cannot be written",
                  "check the free space of the disk");
    }
  }
  file.Commit();
}

}  // namespace mapweave::nn
