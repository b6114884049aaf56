// SPDX-License-Identifier: MIT
//
// Private to src/geo: IIIF georeference annotations, as Allmaps writes them.
// Nothing is fetched: the scan at hand stands for the image that an annotation
// names.
#pragma once

#include "core/json.h"
#include "geo/control_points.h"

#include <string>

namespace mapweave::geo {

// Reads an Annotation or one of an AnnotationPage, by the IIIF Georeference
// Extension 1.0 (https://iiif.io/api/extension/georef/) or the drafts before it
// (pixelCoords, an image service beside a source URL). Strict, but like Allmaps
// it does without "@context" and "motivation". Throws Error{kBadInput} naming
// `origin` and the offending field as a JSON pointer.
ControlPointFile ReadAnnotation(const Json& document, const std::string& origin,
                                const ControlPointOptions& options);

}  // namespace mapweave::geo
