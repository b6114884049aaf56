// SPDX-License-Identifier: MIT
//
// Private to the STAC reader and writer: the names that both must agree on.
#pragma once

namespace mapweave::pipelines::stac {

inline constexpr char kVersion[] = "1.0.0";
inline constexpr char kProjection[] =
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json";
inline constexpr char kGeoTiff[] = "image/tiff; application=geotiff";
inline constexpr char kCog[] =
    "image/tiff; application=geotiff; profile=cloud-optimized";

// Properties that keep what STAC has no word for: dates as EDTF, the edition
// and what the sheet is opened with (SheetSettings as JSON).
inline constexpr char kDate[] = "mapweave:date";
inline constexpr char kEdition[] = "mapweave:edition";
inline constexpr char kEditionDate[] = "mapweave:edition_date";
inline constexpr char kSettings[] = "mapweave:settings";

}  // namespace mapweave::pipelines::stac
