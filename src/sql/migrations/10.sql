-- From schema version 9 to 10: transfers between shards.

-- Transfers between the wallets of two shards. One that has not arrived is in no balance.
CREATE TABLE shard_transfers (
  from_shard     INTEGER NOT NULL REFERENCES shards,
  to_shard       INTEGER NOT NULL REFERENCES shards,
  number         INTEGER NOT NULL,  -- from 1 for each pair of shards
  account        INTEGER NOT NULL REFERENCES accounts,
  asset          INTEGER NOT NULL REFERENCES assets,
  amount         INTEGER NOT NULL,  -- minor units
  reference      INTEGER NOT NULL,
  login          INTEGER REFERENCES logins,  -- that asked for it; NULL: an operator
  sent_event     INTEGER NOT NULL,
  sent_ns        INTEGER NOT NULL,
  received_event INTEGER,  -- NULL: it is on its way
  received_ns    INTEGER,
  PRIMARY KEY (from_shard, to_shard, number)
) STRICT, WITHOUT ROWID;
-- Small whatever the history: those on their way alone.
CREATE INDEX shard_transfers_in_flight ON shard_transfers (asset) WHERE received_event IS NULL;

DROP VIEW conservation;

-- Deposits less withdrawals against what all accounts hold and what is on its way between shards, in present minor units: the
-- two columns are always equal.
CREATE VIEW conservation AS
SELECT
  a.code AS asset,
  s.supply + coalesce((SELECT sum(t.amount) FROM transfers t WHERE t.asset = a.asset AND t.event > s.event), 0) AS supply,
  coalesce((SELECT sum(b.total) FROM balances b WHERE b.asset = a.asset), 0)
    + coalesce((SELECT sum(m.amount) FROM shard_transfers m WHERE m.asset = a.asset AND m.received_event IS NULL), 0) AS held
FROM assets a
JOIN asset_scales s ON s.asset = a.asset AND s.event = (SELECT max(event) FROM asset_scales WHERE asset = a.asset);
