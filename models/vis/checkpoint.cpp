// SPDX-License-Identifier: MIT
#include "models/vis/checkpoint.h"

#include "core/error.h"
#include "models/vis/segmenter.h"

#include <string_view>
#include <utility>

namespace mapweave::vis {
namespace {

namespace fs = std::filesystem;

constexpr char kFormat[] = "mapweave-checkpoint";
constexpr char kVersion[] = "1";
constexpr std::string_view kLinkPrefix = "link.";

[[noreturn]] void Fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kDevice, path.string() + ": " + what,
              "use a checkpoint written by this version of the program");
}

// A JSON document in the header, or an error that names the file.
Json HeaderJson(const fs::path& path,
                const std::map<std::string, std::string>& metadata,
                const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) Fail(path, "its header has no \"" + key + "\"");
  Json json = Json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    Fail(path, "its header's \"" + key + "\" is no JSON object");
  }
  return json;
}

void CheckFormat(const fs::path& path,
                 const std::map<std::string, std::string>& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    Fail(path, "is a safetensors file, but not a checkpoint of this program");
  }
  const auto version = metadata.find("version");
  if (version == metadata.end() || version->second != kVersion) {
    Fail(path, "is a checkpoint of another version of this program");
  }
}

// The weights of the network and, without their prefix, those of the linker.
struct SplitTensors {
  std::map<std::string, torch::Tensor> network;
  std::map<std::string, torch::Tensor> linker;
};

SplitTensors Split(const std::map<std::string, torch::Tensor>& tensors) {
  SplitTensors split;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(kLinkPrefix)) {
      split.linker[name.substr(kLinkPrefix.size())] = tensor;
    } else {
      split.network[name] = tensor;
    }
  }
  return split;
}

Json LinkHeader(const Linker& linker) {
  Json header = {{"config", linker.net->Config().ToJson()},
                 {"method", tracking::LinkMethodName(linker.decision.method)},
                 {"threshold", linker.decision.threshold},
                 {"training", linker.training}};
  if (linker.min_score) header["min_score"] = *linker.min_score;
  return header;
}

// Throws Error{kBadInput}, or what the JSON library throws, naming what is
// missing or impossible.
std::shared_ptr<Linker> LinkerFromHeader(const Json& header) {
  auto linker = std::make_shared<Linker>();
  linker->net = LinkNet(LinkNetConfig::FromJson(header.at("config")), Rng(0));
  linker->decision.method =
      tracking::ParseLinkMethod(header.at("method").get<std::string>());
  header.at("threshold").get_to(linker->decision.threshold);
  linker->decision.Validate();
  if (header.contains("min_score")) {
    linker->min_score = header["min_score"].get<double>();
    if (!(*linker->min_score >= 0.0 && *linker->min_score <= 1.0)) {
      throw Error(ErrorCode::kBadInput,
                  "the linker's \"min_score\" does not lie in [0, 1]");
    }
  }
  linker->training = header.at("training");
  return linker;
}

}  // namespace

std::map<std::string, torch::Tensor> NamedTensors(
    const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& item : module.named_parameters()) {
    tensors[item.key()] = item.value();
  }
  for (const auto& item : module.named_buffers()) {
    tensors[item.key()] = item.value();
  }
  return tensors;
}

void CopyTensors(const fs::path& path,
                 const std::map<std::string, torch::Tensor>& from,
                 const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  auto targets = NamedTensors(module);
  for (auto& [name, target] : targets) {
    const auto found = from.find(name);
    if (found == from.end()) Fail(path, "has no tensor \"" + name + "\"");
    if (found->second.sizes() != target.sizes() ||
        !found->second.is_floating_point()) {
      Fail(path, "its tensor \"" + name +
                     "\" does not fit the configuration in its header");
    }
    target.copy_(found->second);
    if (!torch::isfinite(target).all().item<bool>()) {
      Fail(path,
           "its tensor \"" + name + "\" holds values that are no numbers");
    }
  }
  for (const auto& [name, tensor] : from) {
    if (!targets.contains(name)) {
      Fail(path, "has a tensor \"" + name + "\" that the network lacks");
    }
  }
}

void SaveCheckpoint(const fs::path& path, const Checkpoint& checkpoint) {
  const Json config = checkpoint.network->Config();
  nn::Safetensors content;
  content.metadata = {
      {"format", kFormat},
      {"version", kVersion},
      {"family", checkpoint.network->Family()},
      {"preset", config.at("preset").get<std::string>()},
      {"config", config.dump()},
      {"decode", checkpoint.decode.dump()},
      {"training", checkpoint.training.dump()},
  };
  content.tensors = NamedTensors(checkpoint.network->Module());
  if (checkpoint.linker) {
    content.metadata["link"] = LinkHeader(*checkpoint.linker).dump();
    for (auto& [name, tensor] : NamedTensors(*checkpoint.linker->net)) {
      content.tensors[std::string(kLinkPrefix) + name] = tensor;
    }
  }
  nn::WriteSafetensors(path, content);
}

Checkpoint LoadCheckpoint(const fs::path& path) {
  const nn::Safetensors content = nn::ReadSafetensors(path);
  CheckFormat(path, content.metadata);
  const auto family = content.metadata.find("family");
  if (family == content.metadata.end()) {
    Fail(path, "its header does not name the network's family");
  }
  Checkpoint checkpoint;
  try {
    checkpoint.network = NetworkFromHeader(
        family->second, HeaderJson(path, content.metadata, "config"));
    checkpoint.decode = checkpoint.network->CheckDecode(
        HeaderJson(path, content.metadata, "decode"));
    if (content.metadata.contains("link")) {
      checkpoint.linker =
          LinkerFromHeader(HeaderJson(path, content.metadata, "link"));
    }
  } catch (const nlohmann::json::exception& error) {
    Fail(path, std::string("its header is damaged: ") + error.what());
  } catch (const Error& error) {
    if (error.Code() == ErrorCode::kDevice) throw;
    Fail(path, error.Message());
  }
  checkpoint.training = HeaderJson(path, content.metadata, "training");
  const SplitTensors tensors = Split(content.tensors);
  CopyTensors(path, tensors.network, checkpoint.network->Module());
  if (checkpoint.linker) {
    CopyTensors(path, tensors.linker, *checkpoint.linker->net);
    checkpoint.linker->net->eval();
  } else if (!tensors.linker.empty()) {
    Fail(path, "holds the weights of a linker that its header does not name");
  }
  checkpoint.network->Module().eval();
  return checkpoint;
}

CheckpointInfo InspectCheckpoint(const std::string& path) {
  const nn::SafetensorsHeader header = nn::ReadSafetensorsHeader(path);
  CheckFormat(path, header.metadata);
  CheckpointInfo info;
  for (const auto& [key, value] : header.metadata) {
    if (key == "family") info.family = value;
    if (key == "preset") info.preset = value;
  }
  for (const char* key : {"config", "decode", "training"}) {
    info.config[key] = HeaderJson(path, header.metadata, key);
  }
  if (header.metadata.contains("link")) {
    info.config["link"] = HeaderJson(path, header.metadata, "link");
  }
  for (const auto& [name, shape] : header.shapes) {
    // Running statistics are no parameters.
    if (name.find(".running_") != std::string::npos) continue;
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    info.parameters += count;
  }
  return info;
}

}  // namespace mapweave::vis
