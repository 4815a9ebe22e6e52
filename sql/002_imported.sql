-- 002: what was brought along from a database of the older schema.

-- Tallies that came without rows in vote. They are shown apart and never counted in.
ALTER TABLE choice ADD COLUMN IF NOT EXISTS imported_votes INT NOT NULL DEFAULT 0;

-- One row an import: the same one again is known, and does nothing.
CREATE TABLE IF NOT EXISTS import (
  source VARCHAR(160) NOT NULL PRIMARY KEY, -- checksums of the tables it was made from
  users BIGINT NOT NULL,
  questions BIGINT NOT NULL,
  choices BIGINT NOT NULL,
  imported_votes BIGINT NOT NULL,           -- of all choices together
  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
