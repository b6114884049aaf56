-- SPDX-License-Identifier: MIT
--
-- What frozen encoders answered on benchmarks, sample by sample: what was
-- measured once for these weights and this version of a benchmark is not
-- measured again. Rows of older versions stay.

CREATE TABLE evaluation (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  model_sha256 TEXT NOT NULL REFERENCES model (sha256) ON DELETE CASCADE,
  benchmark TEXT NOT NULL,
  benchmark_version INTEGER NOT NULL CHECK (benchmark_version >= 1),
  sample INTEGER NOT NULL CHECK (sample >= 0),
  metric TEXT NOT NULL,
  value DOUBLE NOT NULL,
  UNIQUE (model_sha256, benchmark, benchmark_version, sample, metric)
);

-- In a new file the store lists all tables together.
INSERT INTO gpkg_contents (table_name, data_type, identifier, description,
  srs_id)
SELECT 'evaluation', 'attributes', 'evaluation',
  'Answers of encoders on benchmarks, one row per sample and metric', 0
WHERE EXISTS (SELECT 1 FROM gpkg_contents WHERE table_name = 'edition');
