-- SPDX-License-Identifier: MIT
--
-- What places a sheet from beside it (control points, cutline, world file) can
-- change as the sheet can: its digest, '' where there is nothing; NULL in files
-- made before.

ALTER TABLE sheet ADD COLUMN aids_sha256 TEXT;
