-- 003: a row to write for those who wrote nothing.

-- A row found is acknowledged only when it is on the disk, and only a COMMIT that has something to
-- write waits for that (workers/db_batch.c, db_settle).
CREATE TABLE IF NOT EXISTS settled (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY, -- 1
  n BIGINT UNSIGNED NOT NULL                -- how often: a value that stays the same is no write
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
