// SPDX-License-Identifier: MIT
#include "models/vis/query_config.h"

#include "core/error.h"
#include "models/nn/resnet.h"

#include <array>
#include <utility>

namespace mapweave::vis {
namespace {

constexpr std::array<std::pair<const char*, int64_t QueryConfig::*>, 9>
    kNumbers = {{{"channels", &QueryConfig::channels},
                 {"heads", &QueryConfig::heads},
                 {"layers", &QueryConfig::layers},
                 {"hidden", &QueryConfig::hidden},
                 {"encoder_layers", &QueryConfig::encoder_layers},
                 {"encoder_hidden", &QueryConfig::encoder_hidden},
                 {"mask_channels", &QueryConfig::mask_channels},
                 {"queries", &QueryConfig::queries},
                 {"points", &QueryConfig::points}}};

constexpr std::array<std::pair<const char*, bool QueryConfig::*>, 8> kSwitches =
    {{{"freeze_trunk", &QueryConfig::freeze_trunk},
      {"dense_loss", &QueryConfig::dense_loss},
      {"proposals", &QueryConfig::proposals},
      {"location_gate", &QueryConfig::location_gate},
      {"presence", &QueryConfig::presence},
      {"local_losses", &QueryConfig::local_losses},
      {"edition_code", &QueryConfig::edition_code},
      {"score_masks", &QueryConfig::score_masks}}};

[[noreturn]] void Fail(const std::string& what) {
  throw Error(ErrorCode::kBadInput, "network configuration: " + what);
}

void CheckShape(const QueryConfig& config) {
  // Codes need quarters of the channels, attention equal heads.
  if (config.channels < 4 || config.channels % 4 != 0 || config.heads < 1 ||
      config.channels % config.heads != 0) {
    Fail("\"channels\" must be a multiple of 4 and of \"heads\"");
  }
  if (config.layers < 1 || config.hidden < 1 || config.mask_channels < 1 ||
      config.queries < 1 || config.points < 4) {
    Fail(
        "\"layers\", \"hidden\", \"mask_channels\" and \"queries\" must be "
        "positive, \"points\" at least 4");
  }
  const bool is_dense = config.trunk == QueryTrunk::kDense;
  if (!is_dense && (config.encoder_layers < 1 || config.encoder_hidden < 1)) {
    Fail("the deformable pixel decoder needs encoder layers");
  }
  if (!is_dense && config.channels % 32 != 0) {
    Fail("the deformable pixel decoder needs channels in multiples of 32");
  }
  if (config.proposals && !is_dense) {
    Fail("only the dense trunk has a map of centres for proposals");
  }
  if (config.location_gate && !config.proposals) {
    Fail("only queries from proposals have a location to gate by");
  }
  if (!is_dense) nn::ParseResNetNorm(config.norm);
}

}  // namespace

bool QueryConfig::IsPreset(const std::string& name) {
  return name == "paper" || name == "query-small";
}

QueryConfig QueryConfig::Preset(const std::string& name) {
  if (!IsPreset(name)) {
    throw Error(ErrorCode::kUsage, "unknown preset \"" + name + "\"",
                "use small, large, query-small or paper");
  }
  QueryConfig config;
  if (name == "query-small") return config;
  config.preset = name;
  config.trunk = QueryTrunk::kResNet50;
  config.dense_loss = false;
  config.channels = 256;
  config.heads = 8;
  config.layers = 9;
  config.hidden = 2048;
  config.encoder_layers = 6;
  config.encoder_hidden = 1024;
  config.mask_channels = 256;
  config.queries = 100;
  config.proposals = false;
  config.location_gate = false;
  config.presence = false;
  config.local_losses = false;
  config.points = 12544;
  config.edition_code = true;
  config.score_masks = false;
  return config;
}

Json QueryConfig::ToJson() const {
  Json json = {{"preset", preset},
               {"trunk", trunk == QueryTrunk::kDense ? "dense" : "resnet50"},
               {"norm", norm}};
  if (trunk == QueryTrunk::kDense) {
    json["dense"] = dense.ToJson();
    json["norm"] = nn::NormKindName(dense.norm);
  }
  for (const auto& [key, member] : kNumbers) json[key] = this->*member;
  for (const auto& [key, member] : kSwitches) json[key] = this->*member;
  return json;
}

QueryConfig QueryConfig::FromJson(const Json& json) {
  if (!json.is_object()) Fail("not an object");
  const auto text = [&json](const char* key) {
    if (!json.contains(key) || !json[key].is_string()) {
      Fail(std::string("\"") + key + "\" is missing or no text");
    }
    return json[key].get<std::string>();
  };
  QueryConfig config;
  config.preset = text("preset");
  config.norm = text("norm");
  const std::string trunk = text("trunk");
  if (trunk != "dense" && trunk != "resnet50") {
    Fail("unknown \"trunk\" \"" + trunk + "\"");
  }
  config.trunk = trunk == "dense" ? QueryTrunk::kDense : QueryTrunk::kResNet50;
  if (config.trunk == QueryTrunk::kDense) {
    config.dense = DenseConfig::FromJson(json.value("dense", Json()));
  }
  for (const auto& [key, member] : kNumbers) {
    // The upper bound keeps a damaged file from asking for all memory.
    if (!json.contains(key) || !json[key].is_number_integer() ||
        json[key] < 0 || json[key] > 65536) {
      Fail(std::string("\"") + key +
           "\" is missing or no whole number up to 65536");
    }
    config.*member = json[key].get<int64_t>();
  }
  for (const auto& [key, member] : kSwitches) {
    if (!json.contains(key) || !json[key].is_boolean()) {
      Fail(std::string("\"") + key + "\" is missing or neither true nor false");
    }
    config.*member = json[key].get<bool>();
  }
  CheckShape(config);
  return config;
}

}  // namespace mapweave::vis
