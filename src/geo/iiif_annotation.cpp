// SPDX-License-Identifier: MIT
#include "geo/iiif_annotation.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace mapweave::geo {
namespace {

constexpr const char* kHint =
    "Give a IIIF georeference annotation, for instance one from Allmaps.";

struct Size {
  double width = 0.0;
  double height = 0.0;
  bool operator==(const Size&) const = default;
};

void CheckType(const JsonPlace& owner, std::string_view wanted) {
  const JsonPlace type = owner.At("type");
  if (type.Text() != wanted) {
    type.Throw(fmt::format("is \"{}\", not \"{}\"", type.Text(), wanted),
               kHint);
  }
}

void CheckUrl(const JsonPlace& place) {
  const std::string& text = place.Text();
  const auto colon = text.find("://");
  if (colon == std::string::npos || colon == 0 || colon + 3 == text.size()) {
    place.Throw(fmt::format("is \"{}\", not a URL", text), kHint);
  }
}

void CheckOneOf(const JsonPlace& place,
                std::initializer_list<std::string_view> wanted) {
  if (std::find(wanted.begin(), wanted.end(), place.Text()) != wanted.end()) {
    return;
  }
  std::string list;
  for (const std::string_view name : wanted) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  }
  place.Throw(fmt::format("is \"{}\", not one of {}", place.Text(), list),
              kHint);
}

Size SizeOf(const JsonPlace& resource) {
  Size size;
  for (const auto& [key, side] :
       {std::pair{"width", &size.width}, std::pair{"height", &size.height}}) {
    const JsonPlace place = resource.At(key);
    *side = place.Number();
    if (!(*side > 0.0)) place.Throw("is not positive", kHint);
  }
  return size;
}

Point2d PairOf(const JsonPlace& place) {
  if (place.Size() != 2) {
    place.Throw(fmt::format("holds {} numbers, not 2", place.Size()), kHint);
  }
  return {place.At(size_t{0}).Number(), place.At(size_t{1}).Number()};
}

Point2d Scaled(Point2d pixel, Point2d scale, const JsonPlace& place) {
  const Point2d scaled{pixel.x * scale.x, pixel.y * scale.y};
  if (!std::isfinite(scaled.x) || !std::isfinite(scaled.y)) {
    place.Throw("has a pixel beyond all numbers", kHint);
  }
  return scaled;
}

// --- the mask --------------------------------------------------------------

struct SvgMask {
  std::optional<Size> size;  // of the image that the mask is drawn on
  Ring ring;
};

std::optional<double> ParseNumber(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// The value of an attribute in the text of a tag, in either kind of quotes.
std::optional<std::string> Attribute(std::string_view tag,
                                     const std::string& name) {
  for (size_t at = tag.find(name); at != std::string_view::npos;
       at = tag.find(name, at + 1)) {
    const size_t equals = at + name.size();
    if (at == 0 || !std::isspace(static_cast<unsigned char>(tag[at - 1])) ||
        equals + 1 >= tag.size() || tag[equals] != '=') {
      continue;
    }
    const char quote = tag[equals + 1];
    if (quote != '"' && quote != '\'') continue;
    const size_t end = tag.find(quote, equals + 2);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(tag.substr(equals + 2, end - equals - 2));
  }
  return std::nullopt;
}

// The text of the only tag of that name, without its angle brackets.
std::string_view TagOf(const JsonPlace& place, const std::string& name) {
  const std::string_view svg = place.Text();
  const size_t begin = svg.find("<" + name);
  if (begin == std::string_view::npos) {
    place.Throw(fmt::format("holds no <{}>", name), kHint);
  }
  const size_t end = svg.find('>', begin);
  if (end == std::string_view::npos) {
    place.Throw(fmt::format("has a <{}> without an end", name), kHint);
  }
  if (svg.find("<" + name, end) != std::string_view::npos) {
    place.Throw(fmt::format("holds more than one <{}>", name), kHint);
  }
  return svg.substr(begin + 1, end - begin - 1);
}

Ring ParsePoints(const JsonPlace& place, std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream stream(text);
  std::vector<double> numbers;
  std::string word;
  while (stream >> word) {
    const auto number = ParseNumber(word);
    if (!number) {
      place.Throw(fmt::format("has \"{}\" among its points", word), kHint);
    }
    numbers.push_back(*number);
  }
  if (numbers.size() % 2 != 0 || numbers.size() < 6) {
    place.Throw(fmt::format("has {} numbers for its points, not two each for 3 "
                            "points or more",
                            numbers.size()),
                kHint);
  }
  Ring ring;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    ring.push_back({numbers[i], numbers[i + 1]});
  }
  return ring;
}

SvgMask ReadSelector(const JsonPlace& selector) {
  CheckType(selector, "SvgSelector");
  const JsonPlace value = selector.At("value");
  SvgMask mask;
  const std::string_view svg = TagOf(value, "svg");
  const auto width = Attribute(svg, "width");
  const auto height = Attribute(svg, "height");
  if (width || height) {
    const auto w = ParseNumber(width.value_or(""));
    const auto h = ParseNumber(height.value_or(""));
    if (!w || !h || !(*w > 0.0) || !(*h > 0.0)) {
      value.Throw("has an <svg> without a width and a height in pixels", kHint);
    }
    mask.size = Size{*w, *h};
  }
  const auto points = Attribute(TagOf(value, "polygon"), "points");
  if (!points) value.Throw("has a <polygon> without points", kHint);
  mask.ring = ParsePoints(value, *points);
  return mask;
}

// --- the target ------------------------------------------------------------

struct Target {
  Size size;  // of the image that all pixels are of
  Ring mask;
};

// Before version 1.0 the size stood in the mask alone.
Target ReadDraftTarget(const JsonPlace& target) {
  CheckType(target, "Image");
  CheckUrl(target.At("source"));
  const JsonPlace services = target.At("service");
  if (services.Size() != 1) {
    services.Throw(fmt::format("holds {} services, not 1", services.Size()),
                   kHint);
  }
  const JsonPlace service = services.At(size_t{0});
  CheckUrl(service.At("@id"));
  CheckOneOf(service.At("type"),
             {"ImageService1", "ImageService2", "ImageService3"});
  const JsonPlace selector = target.At("selector");
  const SvgMask mask = ReadSelector(selector);
  if (!mask.size) {
    selector.At("value").Throw("has an <svg> without a width and a height",
                               kHint);
  }
  return {*mask.size, mask.ring};
}

Target ReadTarget(const JsonPlace& target) {
  const bool is_resource = target.Has("width") && !target.Has("source");
  if (!is_resource &&
      (target.Has("service") ||
       (target.Has("source") && target.At("source").IsText()))) {
    return ReadDraftTarget(target);
  }
  if (!is_resource) CheckType(target, "SpecificResource");
  const JsonPlace resource = is_resource ? target : target.At("source");
  CheckUrl(resource.Has("id") ? resource.At("id") : resource.At("@id"));
  CheckOneOf(resource.At("type"), {"ImageService1", "ImageService2",
                                   "ImageService3", "Image", "Canvas"});
  std::optional<SvgMask> mask;
  if (!is_resource && target.Has("selector")) {
    mask = ReadSelector(target.At("selector"));
  }
  // A canvas may be named without its size, which its mask has then.
  const bool sized = resource.Has("width") || resource.Has("height");
  if (!sized && mask && mask->size) return {*mask->size, mask->ring};
  const Size size = SizeOf(resource);
  if (!mask) return {size, {}};
  if (mask->size && *mask->size != size) {
    target.At("selector")
        .At("value")
        .Throw(
            fmt::format(
                "is drawn on {} x {} pixels, not on the {} x {} of its source",
                mask->size->width, mask->size->height, size.width, size.height),
            kHint);
  }
  return {size, std::move(mask->ring)};
}

// --- the body --------------------------------------------------------------

// Empty if the annotation leaves the choice open.
std::string ReadTransformation(const JsonPlace& body) {
  if (!body.Has("transformation")) return "";
  const JsonPlace transformation = body.At("transformation");
  const std::string type = transformation.At("type").Text();
  if (type != "polynomial") return type;
  int64_t order = 1;
  if (transformation.Has("options") &&
      transformation.At("options").Has("order")) {
    order = transformation.At("options").At("order").Integer(1, 3);
  }
  return fmt::format("polynomial{}", order);
}

// A longitude and latitude in the reach of web Mercator.
Point2d ReadDegrees(const JsonPlace& feature) {
  const JsonPlace geometry = feature.At("geometry");
  CheckType(geometry, "Point");
  const JsonPlace coordinates = geometry.At("coordinates");
  const Point2d degrees = PairOf(coordinates);
  constexpr double kMercatorEnd = 85.06;
  if (std::abs(degrees.x) > 180.0 || std::abs(degrees.y) > kMercatorEnd) {
    coordinates.Throw(fmt::format("({}, {}) is not a longitude and latitude",
                                  degrees.x, degrees.y),
                      kHint);
  }
  return degrees;
}

// The CRS to fit in: web Mercator as Allmaps does, or the map's own where the
// annotation names one that degrees can be brought to without guessing.
Crs FitCrs(const JsonPlace& body, ControlPointFile& file) {
  const Crs mercator = Crs::FromUserInput("EPSG:3857");
  if (!body.Has("resourceCrs")) return mercator;
  const JsonPlace definition = body.At("resourceCrs").At("definition");
  try {
    Crs own = Crs::FromText(definition.Text());
    static_cast<void>(Transformer(Crs::Wgs84(), own));
    return own;
  } catch (const Error& e) {
    file.warnings.push_back(
        fmt::format("its map projection \"{}\" is not used, EPSG:3857 is: {}",
                    definition.Text(), e.Message()));
    return mercator;
  }
}

void ReadBody(const JsonPlace& body, Point2d scale, ControlPointFile& file) {
  CheckType(body, "FeatureCollection");
  file.fit = ReadTransformation(body);
  file.crs = FitCrs(body, file);
  file.crs_is_fixed = true;
  const Transformer crs_from_degrees(Crs::Wgs84(), *file.crs);
  const JsonPlace features = body.At("features");
  for (size_t i = 0; i < features.Size(); ++i) {
    const JsonPlace feature = features.At(i);
    CheckType(feature, "Feature");
    const JsonPlace properties = feature.At("properties");
    // The extension's drafts called the field pixelCoords.
    const bool draft =
        !properties.Has("resourceCoords") && properties.Has("pixelCoords");
    const JsonPlace coordinates =
        properties.At(draft ? "pixelCoords" : "resourceCoords");
    const Point2d pixel = Scaled(PairOf(coordinates), scale, coordinates);
    const Point2d ground = crs_from_degrees.Forward(ReadDegrees(feature));
    if (!std::isfinite(ground.x) || !std::isfinite(ground.y)) {
      feature.At("geometry")
          .Throw(fmt::format("lies outside {}", file.crs->Label()), kHint);
    }
    file.points.push_back({pixel, ground});
  }
}

// --- the annotation --------------------------------------------------------

void CheckEnvelope(const JsonPlace& annotation) {
  CheckType(annotation, "Annotation");
  if (!annotation.Has("motivation")) return;
  const JsonPlace motivation = annotation.At("motivation");
  if (motivation.Text() != "georeferencing") {
    motivation.Throw(
        fmt::format("is \"{}\", not \"georeferencing\"", motivation.Text()),
        kHint);
  }
}

std::string IdOf(const JsonPlace& annotation) {
  return annotation.Has("id") && annotation.At("id").IsText()
             ? annotation.At("id").Text()
             : "";
}

// None where the target cannot be read, which is said once it is chosen.
std::optional<Size> SizeIfReadable(const JsonPlace& annotation) {
  try {
    return ReadTarget(annotation.At("target")).size;
  } catch (const Error&) {
    return std::nullopt;
  }
}

[[noreturn]] void ThrowAmbiguous(const JsonPlace& items,
                                 const std::string& fault) {
  std::string list;
  for (size_t i = 0; i < items.Size(); ++i) {
    const JsonPlace item = items.At(i);
    const auto size = SizeIfReadable(item);
    list += fmt::format(
        "{}{}", i == 0 ? "" : "; ",
        size ? fmt::format("{} on {} x {} pixels", i + 1, size->width,
                           size->height)
             : fmt::format("{} on an image of unknown size", i + 1));
    if (const std::string id = IdOf(item); !id.empty()) {
      list += fmt::format(" ({})", id);
    }
  }
  items.Throw(fmt::format("{}: {}", fault, list),
              "Say which by number or id (--annotation).");
}

JsonPlace ChosenAnnotation(const JsonPlace& items,
                           const ControlPointOptions& options) {
  if (items.Size() == 0) items.Throw("holds no annotation", kHint);
  if (options.annotation) {
    for (size_t i = 0; i < items.Size(); ++i) {
      if (*options.annotation == std::to_string(i + 1) ||
          *options.annotation == IdOf(items.At(i))) {
        return items.At(i);
      }
    }
    ThrowAmbiguous(items, fmt::format("has no annotation \"{}\" among its {}",
                                      *options.annotation, items.Size()));
  }
  if (items.Size() == 1) return items.At(size_t{0});
  const Size wanted{static_cast<double>(options.width),
                    static_cast<double>(options.height)};
  std::optional<JsonPlace> chosen;
  size_t count = 0;
  for (size_t i = 0; i < items.Size(); ++i) {
    if (SizeIfReadable(items.At(i)) != wanted) continue;
    chosen = items.At(i);
    ++count;
  }
  if (count == 1) return *chosen;
  ThrowAmbiguous(items,
                 fmt::format("holds {} annotations, {} of them on an image of "
                             "this size",
                             items.Size(), count));
}

JsonPlace FindAnnotation(const JsonPlace& document,
                         const ControlPointOptions& options) {
  const JsonPlace type = document.At("type");
  if (type.Text() == "AnnotationPage") {
    return ChosenAnnotation(document.At("items"), options);
  }
  if (type.Text() == "GeoreferencedMap") {
    type.Throw("is Allmaps' own format for maps, not an annotation",
               "Export the map from Allmaps as a georeference annotation.");
  }
  if (options.annotation && *options.annotation != "1" &&
      *options.annotation != IdOf(document)) {
    document.Throw(
        fmt::format("is not the annotation \"{}\"", *options.annotation),
        "Leave out --annotation.");
  }
  return document;
}

}  // namespace

ControlPointFile ReadAnnotation(const Json& document, const std::string& origin,
                                const ControlPointOptions& options) {
  const JsonPlace annotation =
      FindAnnotation(JsonPlace(document, origin), options);
  CheckEnvelope(annotation);
  const JsonPlace place = annotation.At("target");
  Target target = ReadTarget(place);
  const Point2d scale{options.width / target.size.width,
                      options.height / target.size.height};
  // A scan of another shape is not that image, or a crop of it.
  constexpr double kSameShape = 0.01;
  if (!(std::abs(scale.x / scale.y - 1.0) <= kSameShape)) {
    place.Throw(
        fmt::format("is an image of {} x {} pixels, whose shape differs from "
                    "the sheet's {} x {}",
                    target.size.width, target.size.height, options.width,
                    options.height),
        "Give the scan that was georeferenced, uncropped, at any size.");
  }
  ControlPointFile file;
  file.cutline = std::move(target.mask);
  for (Point2d& p : file.cutline) p = Scaled(p, scale, place);
  ReadBody(annotation.At("body"), scale, file);
  return file;
}

}  // namespace mapweave::geo
