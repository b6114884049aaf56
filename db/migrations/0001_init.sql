-- SPDX-License-Identifier: MIT
--
-- The first schema of a project file: a GeoPackage 1.3 (OGC 12-128r17) with
-- the tables that README.md describes. A migration that has been released is
-- never changed in what it does; changes come as a new file. The rows that
-- depend on the project's CRS (gpkg_spatial_ref_sys, gpkg_contents,
-- gpkg_geometry_columns) are written by the store.

-- GeoPackage's own tables, as the standard prints them.

CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);

CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL
    DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id)
    REFERENCES gpkg_spatial_ref_sys (srs_id)
);

CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name)
    REFERENCES gpkg_contents (table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id)
    REFERENCES gpkg_spatial_ref_sys (srs_id)
);

CREATE TABLE gpkg_extensions (
  table_name TEXT,
  column_name TEXT,
  extension_name TEXT NOT NULL,
  definition TEXT NOT NULL,
  scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
);

-- Where QGIS looks for the style of a layer.
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT(256),
  f_table_schema TEXT(256),
  f_table_name TEXT(256),
  f_geometry_column TEXT(256),
  styleName TEXT(30),
  styleQML TEXT,
  styleSLD TEXT,
  useAsDefault BOOLEAN,
  description TEXT,
  owner TEXT(30),
  ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

-- The project. Dates are checked with a modifier because plain date() lets
-- 30 February pass, and with IS because a check that is NULL passes.

CREATE TABLE mapweave_meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE edition (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  edition TEXT NOT NULL UNIQUE,
  date_edtf TEXT NOT NULL,
  date_from DATE NOT NULL CHECK (date_from IS date(date_from, '+0 days')),
  date_to DATE NOT NULL CHECK (date_to IS date(date_to, '+0 days')),
  ordinal INTEGER NOT NULL,
  shift_x_m DOUBLE,
  shift_y_m DOUBLE,
  residual_m DOUBLE,
  align_confidence DOUBLE,
  aligned BOOLEAN NOT NULL DEFAULT 0,
  held_out_points INTEGER,
  CHECK (date_from <= date_to)
);

CREATE TABLE sheet (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON,
  path TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  edition TEXT NOT NULL REFERENCES edition (edition) ON UPDATE CASCADE,
  survey_from DATE CHECK (survey_from IS date(survey_from, '+0 days')),
  survey_to DATE CHECK (survey_to IS date(survey_to, '+0 days')),
  crs TEXT NOT NULL,
  georef TEXT NOT NULL,
  rmse_m DOUBLE
);
CREATE INDEX sheet_edition ON sheet (edition);

CREATE TABLE run (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  inputs_hash TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'done')),
  stage TEXT NOT NULL,
  started_at DATETIME NOT NULL,
  finished_at DATETIME,
  checkpoint_sha256 TEXT,
  device TEXT NOT NULL,
  seconds DOUBLE NOT NULL,
  crs_pipelines TEXT,
  crs_accuracy_m DOUBLE,
  grid_origin_x DOUBLE,
  grid_origin_y DOUBLE,
  grid_resolution DOUBLE,
  grid_width INTEGER,
  grid_height INTEGER
);

CREATE TABLE work (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
  stage TEXT NOT NULL,
  window_id INTEGER NOT NULL,
  "col" INTEGER NOT NULL,
  "row" INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  done BOOLEAN NOT NULL,
  seconds DOUBLE,
  tracks BLOB,
  UNIQUE (run_id, stage, window_id)
);

CREATE TABLE building (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  track_id TEXT NOT NULL UNIQUE,
  built_after DATE CHECK (built_after IS date(built_after, '+0 days')),
  built_by DATE CHECK (built_by IS date(built_by, '+0 days')),
  gone_after DATE CHECK (gone_after IS date(gone_after, '+0 days')),
  gone_by DATE CHECK (gone_by IS date(gone_by, '+0 days')),
  start_edtf TEXT,
  end_edtf TEXT,
  first_edition TEXT NOT NULL REFERENCES edition (edition) ON UPDATE CASCADE,
  last_edition TEXT NOT NULL REFERENCES edition (edition) ON UPDATE CASCADE,
  confidence DOUBLE NOT NULL,
  run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE
);
CREATE INDEX building_first_edition ON building (first_edition);
CREATE INDEX building_last_edition ON building (last_edition);
CREATE INDEX building_run ON building (run_id);

CREATE TABLE observation (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON NOT NULL,
  track_id TEXT NOT NULL REFERENCES building (track_id)
    ON UPDATE CASCADE ON DELETE CASCADE,
  edition TEXT NOT NULL REFERENCES edition (edition) ON UPDATE CASCADE,
  score DOUBLE NOT NULL,
  presence DOUBLE NOT NULL,
  area_m2 DOUBLE NOT NULL,
  run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
  UNIQUE (track_id, edition)
);
CREATE INDEX observation_edition ON observation (edition);
CREATE INDEX observation_run ON observation (run_id);

CREATE TABLE building_state (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON NOT NULL,
  track_id TEXT NOT NULL REFERENCES building (track_id)
    ON UPDATE CASCADE ON DELETE CASCADE,
  edition TEXT NOT NULL REFERENCES edition (edition) ON UPDATE CASCADE,
  start_date DATE CHECK (start_date IS date(start_date, '+0 days')),
  end_date DATE CHECK (end_date IS date(end_date, '+0 days')),
  kind TEXT CHECK (kind ISNULL OR kind IN (
    'persist', 'appear', 'disappear', 'enlarge', 'reduce', 'reshape', 'split',
    'merge', 'recompose', 'rebuild', 'redrawn', 'gap')),
  area_m2 DOUBLE NOT NULL,
  run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
  UNIQUE (track_id, edition)
);
CREATE INDEX building_state_edition ON building_state (edition);
CREATE INDEX building_state_run ON building_state (run_id);

CREATE TABLE lineage (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  from_track TEXT REFERENCES building (track_id)
    ON UPDATE CASCADE ON DELETE CASCADE,
  to_track TEXT REFERENCES building (track_id)
    ON UPDATE CASCADE ON DELETE CASCADE,
  from_edition TEXT REFERENCES edition (edition) ON UPDATE CASCADE,
  to_edition TEXT REFERENCES edition (edition) ON UPDATE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN (
    'persist', 'appear', 'disappear', 'enlarge', 'reduce', 'reshape', 'split',
    'merge', 'recompose', 'rebuild', 'redrawn', 'gap')),
  probability DOUBLE CHECK (probability ISNULL
    OR probability BETWEEN 0.0 AND 1.0),
  evidence TEXT,
  run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
  CHECK (from_track NOTNULL OR to_track NOTNULL)
);
CREATE INDEX lineage_from_track ON lineage (from_track);
CREATE INDEX lineage_to_track ON lineage (to_track);
CREATE INDEX lineage_from_edition ON lineage (from_edition);
CREATE INDEX lineage_to_edition ON lineage (to_edition);
CREATE INDEX lineage_kind ON lineage (kind);
CREATE INDEX lineage_run ON lineage (run_id);

CREATE TABLE model (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  method TEXT,
  config TEXT NOT NULL,
  created_at DATETIME NOT NULL
);

CREATE TABLE experiment (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  experiment TEXT NOT NULL,
  method TEXT NOT NULL,
  hyper_parameters TEXT NOT NULL,
  step INTEGER NOT NULL,
  measure TEXT NOT NULL,
  value DOUBLE NOT NULL,
  model_sha256 TEXT REFERENCES model (sha256),
  UNIQUE (experiment, step, measure)
);
CREATE INDEX experiment_model ON experiment (model_sha256);

-- No foreign keys: a correction outlives the result that it corrects.
CREATE TABLE review (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN (
    'same', 'not_same', 'absent', 'wrong_outline')),
  track_id TEXT,
  edition TEXT,
  x DOUBLE,
  y DOUBLE,
  other_track TEXT,
  other_edition TEXT,
  other_x DOUBLE,
  other_y DOUBLE,
  note TEXT,
  reviewer TEXT,
  created_at DATETIME NOT NULL
);

-- R-trees and the triggers that keep them (extension gpkg_rtree_index). They
-- call functions that SQLite does not have; the store registers them.

CREATE VIRTUAL TABLE rtree_sheet_geom
USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_sheet_geom_insert AFTER INSERT ON sheet
WHEN (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_sheet_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_sheet_geom_update1 AFTER UPDATE OF geom
ON sheet
WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_sheet_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_sheet_geom_update2 AFTER UPDATE OF geom
ON sheet
WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_sheet_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_sheet_geom_update3 AFTER UPDATE ON sheet
WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_sheet_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_sheet_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_sheet_geom_update4 AFTER UPDATE ON sheet
WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_sheet_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_sheet_geom_delete AFTER DELETE ON sheet
WHEN OLD.geom NOTNULL
BEGIN
  DELETE FROM rtree_sheet_geom WHERE id = OLD.fid;
END;

CREATE VIRTUAL TABLE rtree_observation_geom
USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_observation_geom_insert AFTER INSERT ON observation
WHEN (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_observation_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_observation_geom_update1 AFTER UPDATE OF geom
ON observation
WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_observation_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_observation_geom_update2 AFTER UPDATE OF geom
ON observation
WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_observation_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_observation_geom_update3 AFTER UPDATE ON observation
WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_observation_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_observation_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_observation_geom_update4 AFTER UPDATE ON observation
WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_observation_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_observation_geom_delete AFTER DELETE ON observation
WHEN OLD.geom NOTNULL
BEGIN
  DELETE FROM rtree_observation_geom WHERE id = OLD.fid;
END;

CREATE VIRTUAL TABLE rtree_building_state_geom
USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_building_state_geom_insert AFTER INSERT ON building_state
WHEN (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_building_state_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_building_state_geom_update1 AFTER UPDATE OF geom
ON building_state
WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_building_state_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_building_state_geom_update2 AFTER UPDATE OF geom
ON building_state
WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_building_state_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_building_state_geom_update3 AFTER UPDATE ON building_state
WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_building_state_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_building_state_geom VALUES (
    NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom));
END;
CREATE TRIGGER rtree_building_state_geom_update4 AFTER UPDATE ON building_state
WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_building_state_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_building_state_geom_delete AFTER DELETE ON building_state
WHEN OLD.geom NOTNULL
BEGIN
  DELETE FROM rtree_building_state_geom WHERE id = OLD.fid;
END;
