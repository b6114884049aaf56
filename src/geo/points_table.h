// SPDX-License-Identifier: MIT
//
// Private to src/geo: control points in a table with a header line, QGIS's own
// kind (.points) among them.
#pragma once

#include "geo/control_points.h"

#include <string>

namespace mapweave::geo {

// `text` is what the file `origin` holds. Fields are separated by commas,
// semicolons or tabs, whichever the header line has most of, and may be quoted;
// between semicolons or tabs a decimal comma is understood. Throws
// Error{kBadInput} naming `origin`, the line and the fault.
ControlPointFile ReadPointsTable(const std::string& text,
                                 const std::string& origin);

}  // namespace mapweave::geo
