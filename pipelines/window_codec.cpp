// SPDX-License-Identifier: MIT
#include "pipelines/window_codec.h"

#include "core/error.h"
#include "core/json.h"

#include <cstdint>

namespace mapweave::pipelines {
namespace {

constexpr int kVersion = 2;

Json MaskToJson(const tracking::Mask& mask) {
  const std::string bytes = mask.Serialise();
  return Json::binary(std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

tracking::Mask MaskFromJson(const Json& value) {
  const auto& bytes = value.get_binary();
  return tracking::Mask::Deserialise(std::string(bytes.begin(), bytes.end()));
}

Json MasksToJson(const std::vector<tracking::Mask>& masks) {
  Json array = Json::array();
  for (const tracking::Mask& mask : masks) array.push_back(MaskToJson(mask));
  return array;
}

std::vector<tracking::Mask> MasksFromJson(const Json& array) {
  std::vector<tracking::Mask> masks;
  for (const Json& value : array) masks.push_back(MaskFromJson(value));
  return masks;
}

// One flat array of numbers per relation: there are many.
Json RelationToJson(const tracking::Relation& relation) {
  return {relation.from_edition, relation.to_edition,     relation.from.x,
          relation.from.y,       relation.to.x,           relation.to.y,
          relation.opinion.same, relation.opinion.related};
}

tracking::Relation RelationFromJson(const Json& value) {
  tracking::Relation relation;
  value.at(0).get_to(relation.from_edition);
  value.at(1).get_to(relation.to_edition);
  value.at(2).get_to(relation.from.x);
  value.at(3).get_to(relation.from.y);
  value.at(4).get_to(relation.to.x);
  value.at(5).get_to(relation.to.y);
  value.at(6).get_to(relation.opinion.same);
  value.at(7).get_to(relation.opinion.related);
  return relation;
}

Error Damaged() {
  return Error(ErrorCode::kDatabase, "a stored window is damaged",
               "Run again with --overwrite.");
}

}  // namespace

bool WindowResult::operator==(const WindowResult& other) const {
  if (uncovered != other.uncovered || tracks.size() != other.tracks.size() ||
      relations != other.relations) {
    return false;
  }
  for (size_t i = 0; i < tracks.size(); ++i) {
    const tracking::Track& a = tracks[i];
    const tracking::Track& b = other.tracks[i];
    if (a.masks != b.masks || a.presence != b.presence || a.link != b.link ||
        a.score != b.score) {
      return false;
    }
  }
  return true;
}

std::string EncodeWindow(const WindowResult& result) {
  Json document = {{"version", kVersion}};
  document["uncovered"] = MasksToJson(result.uncovered);
  Json tracks = Json::array();
  for (const tracking::Track& track : result.tracks) {
    tracks.push_back({{"masks", MasksToJson(track.masks)},
                      {"presence", track.presence},
                      {"link", track.link},
                      {"score", track.score}});
  }
  document["tracks"] = std::move(tracks);
  Json relations = Json::array();
  for (const tracking::Relation& relation : result.relations) {
    relations.push_back(RelationToJson(relation));
  }
  document["relations"] = std::move(relations);
  const std::vector<uint8_t> bytes = Json::to_cbor(document);
  return std::string(bytes.begin(), bytes.end());
}

WindowResult DecodeWindow(const std::string& bytes) {
  try {
    const Json document = Json::from_cbor(bytes);
    if (document.at("version") != kVersion) {
      throw Error(ErrorCode::kDatabase,
                  "a stored window was written by another version",
                  "Run again with --overwrite.");
    }
    WindowResult result;
    result.uncovered = MasksFromJson(document.at("uncovered"));
    for (const Json& value : document.at("tracks")) {
      tracking::Track track;
      track.masks = MasksFromJson(value.at("masks"));
      track.presence = value.at("presence").get<std::vector<float>>();
      track.link = value.at("link").get<std::vector<float>>();
      track.score = value.at("score").get<float>();
      if (track.presence.size() != track.masks.size() ||
          track.link.size() != track.masks.size()) {
        throw Damaged();
      }
      result.tracks.push_back(std::move(track));
    }
    for (const Json& value : document.at("relations")) {
      result.relations.push_back(RelationFromJson(value));
    }
    return result;
  } catch (const nlohmann::json::exception&) {
    throw Damaged();
  }
}

}  // namespace mapweave::pipelines
