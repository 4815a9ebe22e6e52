-- 001: accounts, questions, their choices, and who voted for what.
--
-- Files here are numbered and forward only: one that was applied is never changed; what comes next
-- gets the next number. vote-migrate applies each once. Schema changes are no transaction, so every
-- statement can be run again after it was cut short.
--
-- All times are UTC (every session sets its time zone). Texts are utf8mb4 and compared byte for
-- byte: no accent-blind or emoji-blind collation may merge two identities. Rows with
-- delete_flag = 1 are invisible.
--
-- What other databases that speak MySQL's protocol know under another name, or not at all:
--   INSERT IGNORE … RETURNING (workers/db_vote.c): MariaDB. Elsewhere: select the rows by their
--     request_id after the INSERT, inside the transaction.
--   max_statement_time (workers/db_conn.c): MySQL and TiDB have max_execution_time, in ms.
--   LOCK IN SHARE MODE: TiDB needs tidb_enable_shared_lock_promotion.
-- Everything here and in the other statements is common to MariaDB 10.11, MySQL 8 and TiDB.

CREATE TABLE IF NOT EXISTS user (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  delete_flag TINYINT NOT NULL DEFAULT 0,
  name VARCHAR(40) NOT NULL,
  phone VARCHAR(11) NULL,               -- NULL: none
  email VARCHAR(40) NOT NULL,           -- as typed
  password VARCHAR(128) NOT NULL,       -- an Argon2id string; '*' fits no password
  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  request_id BINARY(16) NOT NULL,       -- of the registration, so that it may be repeated
  email_key VARBINARY(160) GENERATED ALWAYS AS (LOWER(email)) STORED, -- identity: any case
  UNIQUE KEY email (email_key),
  UNIQUE KEY phone (phone),
  UNIQUE KEY request (request_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS question (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  delete_flag TINYINT NOT NULL DEFAULT 0,
  user_id BIGINT NOT NULL,              -- who asked
  question_text VARCHAR(200) NOT NULL,
  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  closes_at DATETIME NULL,              -- votes are refused from then on; NULL: never
  request_id BINARY(16) NOT NULL,
  KEY owner (user_id),
  UNIQUE KEY request (request_id, user_id),
  CONSTRAINT question_owner FOREIGN KEY (user_id) REFERENCES user (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS choice (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  delete_flag TINYINT NOT NULL DEFAULT 0,
  choice_text VARCHAR(200) NULL,
  votes INT NOT NULL DEFAULT 0,         -- = COUNT(*) of its rows in vote, at every commit
  question_id BIGINT NOT NULL,
  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE KEY of_question (question_id, id),
  CONSTRAINT choice_question FOREIGN KEY (question_id) REFERENCES question (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The truth about votes: one row a voter and question, for a choice of that very question.
CREATE TABLE IF NOT EXISTS vote (
  question_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  choice_id BIGINT NOT NULL,
  request_id BINARY(16) NOT NULL,       -- the same request again gets the same receipt
  receipt BINARY(16) NOT NULL,
  create_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (question_id, user_id),
  KEY of_user (user_id, question_id),
  KEY of_choice (question_id, choice_id),
  CONSTRAINT vote_user FOREIGN KEY (user_id) REFERENCES user (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT,
  CONSTRAINT vote_choice FOREIGN KEY (question_id, choice_id) REFERENCES choice (question_id, id)
    ON DELETE RESTRICT ON UPDATE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
