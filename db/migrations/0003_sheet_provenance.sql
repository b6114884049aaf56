-- SPDX-License-Identifier: MIT
--
-- What is known of each sheet beside where it lies: its own date and where
-- that came from, what it was opened with, how well its control points agree
-- and how its coordinates become those of the project.

-- EDTF, as survey_from and survey_to span it.
ALTER TABLE sheet ADD COLUMN date_edtf TEXT;
-- "sheet", "edition", "file" or "file name".
ALTER TABLE sheet ADD COLUMN date_source TEXT;
-- JSON: crs, gcps, transformation, cutline, allow_ballpark, as far as they were
-- given; paths as in `path`.
ALTER TABLE sheet ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
-- Leave-one-out residuals of the control points, root mean square.
ALTER TABLE sheet ADD COLUMN loo_rmse_m DOUBLE;
-- PROJ pipeline from the sheet's CRS to the project's; '' where they are one.
ALTER TABLE sheet ADD COLUMN crs_pipeline TEXT;
-- As its authority states it; NULL if unknown.
ALTER TABLE sheet ADD COLUMN crs_accuracy_m DOUBLE;

UPDATE sheet SET date_edtf =
  (SELECT date_edtf FROM edition WHERE edition.edition = sheet.edition);

-- Until now all sheets were opened with what the record of ingestion says.
UPDATE sheet SET options = (
  SELECT json_patch('{}', json_object(
    'crs', nullif(json_extract(value, '$.sheet_crs'), ''),
    'allow_ballpark',
      CASE WHEN json_extract(value, '$.allow_ballpark') THEN json('true') END))
  FROM mapweave_meta WHERE key = 'ingest')
WHERE EXISTS (SELECT 1 FROM mapweave_meta WHERE key = 'ingest'
  AND json_valid(value));
