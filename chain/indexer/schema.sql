-- The chain's events, by block. Rebuilt from the chain whenever the version changes or the file is lost.
-- Version 2: every page carries a checksum (common/sqlite/page_check.hpp).
-- Hashes and addresses in columns are raw bytes; in `body` they are 0x text.
CREATE TABLE IF NOT EXISTS meta(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    chain_id INTEGER NOT NULL,
    genesis BLOB NOT NULL,
    contracts BLOB NOT NULL,         -- the addresses of ContractAddresses::list(), 20 bytes each
    reorgs INTEGER NOT NULL
) STRICT;

-- Every block near the head, and the blocks with events of ours before that.
CREATE TABLE IF NOT EXISTS blocks(
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    parent_hash BLOB NOT NULL,
    time INTEGER NOT NULL            -- seconds, the block's timestamp
) STRICT;

CREATE TABLE IF NOT EXISTS events(
    block_hash BLOB NOT NULL REFERENCES blocks(hash) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    tx BLOB NOT NULL,
    address BLOB NOT NULL,
    topics BLOB NOT NULL,            -- 32 bytes each
    data BLOB NOT NULL,
    kind TEXT NOT NULL,              -- protocol::event_name
    run BLOB,
    round INTEGER,
    uid INTEGER,                     -- the miner, validator or neuron that the event is about
    body TEXT NOT NULL,              -- JSON
    PRIMARY KEY (block_hash, log_index)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS events_order ON events(block_number, log_index);
CREATE INDEX IF NOT EXISTS events_kind ON events(kind, run, round);
CREATE INDEX IF NOT EXISTS events_uid ON events(uid, kind);

-- For people with a SQL prompt.
CREATE VIEW IF NOT EXISTS rounds AS
    SELECT lower(hex(run)) AS run, round,
           SUM(kind = 'artifact_committed') AS commitments,
           SUM(kind = 'inclusion_voted') AS inclusion_votes,
           SUM(kind = 'parameters_voted') AS parameters_votes,
           MAX(CASE WHEN kind = 'parameters_accepted' THEN json_extract(body, '$.root') END) AS root,
           MAX(CASE WHEN kind = 'parameters_accepted' THEN json_extract(body, '$.loss') END) AS loss,
           SUM(kind = 'scores_revealed') AS reveals,
           SUM(kind = 'miner_failed') AS failed,
           SUM(kind = 'round_settled') AS settled
    FROM events WHERE round IS NOT NULL GROUP BY run, round;
CREATE VIEW IF NOT EXISTS commitments AS
    SELECT block_number, log_index, round, uid, json_extract(body, '$.root') AS root,
           json_extract(body, '$.ciphertext_hash') AS ciphertext_hash,
           json_extract(body, '$.size') AS size, json_extract(body, '$.tokens') AS tokens
    FROM events WHERE kind = 'artifact_committed';
CREATE VIEW IF NOT EXISTS votes AS
    SELECT block_number, log_index, kind, round, uid, json_extract(body, '$.stake') AS stake,
           json_extract(body, '$.uids') AS uids, json_extract(body, '$.root') AS root
    FROM events WHERE kind IN ('inclusion_voted', 'parameters_voted');
CREATE VIEW IF NOT EXISTS scores AS
    SELECT e.block_number, e.round, e.uid AS validator, w.key AS miner, w.value AS weight
    FROM events e, json_each(e.body, '$.weights') w WHERE e.kind = 'scores_revealed';
CREATE VIEW IF NOT EXISTS findings AS
    SELECT e.block_number, e.round, e.uid AS validator, json_extract(f.value, '$.uid') AS miner,
           json_extract(f.value, '$.verdict') AS verdict, json_extract(f.value, '$.segment') AS segment,
           json_extract(f.value, '$.evidence') AS evidence
    FROM events e, json_each(e.body, '$.findings') f WHERE e.kind = 'scores_revealed';
CREATE VIEW IF NOT EXISTS credits AS
    SELECT block_number, round, uid, json_extract(body, '$.amount') AS amount
    FROM events WHERE kind = 'credited';
CREATE VIEW IF NOT EXISTS claims AS
    SELECT block_number, uid, json_extract(body, '$.to') AS account, json_extract(body, '$.amount') AS amount
    FROM events WHERE kind = 'claimed';
PRAGMA user_version = 2;
