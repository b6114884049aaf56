-- SPDX-License-Identifier: MIT
--
-- The displacement of an edition as a field: a cubic B-spline on a coarse grid
-- of nodes. Node (0, 0) lies at the origin, the next ones step_x and step_y
-- further; all numbers are coordinates of the project's CRS. dx, dy (what is
-- added to the coordinates that the sheets state) and sigma (standard
-- deviation) are cols x rows little-endian doubles, row by row.

CREATE TABLE alignment_field (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  edition TEXT NOT NULL UNIQUE REFERENCES edition (edition)
    ON UPDATE CASCADE ON DELETE CASCADE,
  cols INTEGER NOT NULL CHECK (cols >= 4),
  rows INTEGER NOT NULL CHECK (rows >= 4),
  origin_x DOUBLE NOT NULL,
  origin_y DOUBLE NOT NULL,
  step_x DOUBLE NOT NULL CHECK (step_x <> 0.0),
  step_y DOUBLE NOT NULL CHECK (step_y <> 0.0),
  dx BLOB NOT NULL CHECK (length(dx) = 8 * cols * rows),
  dy BLOB NOT NULL CHECK (length(dy) = 8 * cols * rows),
  sigma BLOB NOT NULL CHECK (length(sigma) = 8 * cols * rows)
);

-- In a new file the store lists all tables together.
INSERT INTO gpkg_contents (table_name, data_type, identifier, description,
  srs_id)
SELECT 'alignment_field', 'attributes', 'alignment_field',
  'Smooth displacement of each edition onto the newest one', 0
WHERE EXISTS (SELECT 1 FROM gpkg_contents WHERE table_name = 'edition');
