-- What schema version 10 added: the tables of contracts, and the views that contracts changed. It follows schema.sql in a
-- new database, and is the step to version 10 of an older one. So after the release of version 10 it stays as it is.

INSERT INTO order_statuses VALUES
  (24, 'insufficient margin'), (25, 'price outside limits'), (26, 'open interest limit'), (27, 'nothing to reduce'),
  (28, 'index stale'), (29, 'contract expired'), (30, 'account below zero');

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

-- Prices from outside that contracts follow.
CREATE TABLE indexes (
  index_id       INTEGER PRIMARY KEY,
  symbol         TEXT    NOT NULL,
  price_decimals INTEGER NOT NULL,
  price_unit     INTEGER NOT NULL,  -- price units in one whole: 10^price_decimals
  shard          INTEGER NOT NULL REFERENCES shards,  -- of its contracts
  stale_after_ms INTEGER NOT NULL,  -- it is stale when source_ns is this old
  grace_s        INTEGER NOT NULL,  -- so long after it was stale no position is closed out
  jump_ppm       INTEGER,           -- a price that is farther from the last one waits; NULL: none waits
  price          INTEGER,           -- the last one that was taken, price units; NULL: none yet
  source_ns      INTEGER,           -- when that was made, where it comes from
  set_ns         INTEGER,           -- when it was taken
  grace_until_ns INTEGER,           -- no position is closed out until then; NULL: none had to wait yet
  held_price     INTEGER,           -- one that is too far from the last one and waits, price units; NULL: none
  held_source_ns INTEGER            -- when that was made
) STRICT;

-- What contracts refer to, and the prices that they can have.
CREATE TABLE contracts (
  instrument         INTEGER PRIMARY KEY REFERENCES instruments,
  index_id           INTEGER NOT NULL REFERENCES indexes,
  expiry_s           INTEGER,           -- seconds since 1970; NULL: a perpetual
  funding_interval_s INTEGER,           -- NULL: a dated contract
  price_min          INTEGER NOT NULL,  -- price units
  price_max          INTEGER NOT NULL,  -- price units
  event              INTEGER NOT NULL   -- it holds from this event on
) STRICT;

-- The risk parameters of contracts.
CREATE TABLE contract_risk (
  instrument          INTEGER PRIMARY KEY REFERENCES instruments,
  interest_ppb        INTEGER NOT NULL,  -- parts per 10^9 in eight hours
  impact_lots         INTEGER NOT NULL,  -- lots over which impact prices are averaged
  mark_band_ppm       INTEGER NOT NULL,  -- how far the mark may be from the index
  first_band_ppm      INTEGER NOT NULL,  -- how far prices may be from the index in the first ten minutes
  premium_band_ppm    INTEGER NOT NULL,  -- how far from index and basis after that
  outer_band_ppm      INTEGER NOT NULL,  -- how far from the index at most
  liquidation_fee_ppm INTEGER NOT NULL,
  collar_ppm          INTEGER NOT NULL,  -- how far from the mark a liquidation may trade
  adl_after           INTEGER NOT NULL,  -- ticks until the rest of a liquidation is deleveraged
  adl_mode            TEXT    NOT NULL,  -- by-rank or pro-rata
  position_limit      INTEGER NOT NULL,  -- lots of an account
  open_interest_limit INTEGER NOT NULL,  -- lots of all long positions
  event               INTEGER NOT NULL   -- it holds from this event on
) STRICT;

-- The tables of margin tiers in force.
CREATE TABLE margin_tiers (
  instrument      INTEGER NOT NULL REFERENCES instruments,
  tier            INTEGER NOT NULL,  -- from 0
  floor           INTEGER NOT NULL,  -- the smallest notional of the tier, minor units of what the contract is settled in
  initial_ppm     INTEGER NOT NULL,
  maintenance_ppm INTEGER NOT NULL,
  amount          INTEGER NOT NULL,  -- minor units that are taken off the maintenance margin, so that it has no jumps
  event           INTEGER NOT NULL,  -- the one that told of the row
  PRIMARY KEY (instrument, tier)
) STRICT, WITHOUT ROWID;

-- Rows of the next table of a contract. They are in force, and in margin_tiers, when the last one has come.
CREATE TABLE margin_tiers_coming (
  instrument      INTEGER NOT NULL REFERENCES instruments,
  tier            INTEGER NOT NULL,
  row_count       INTEGER NOT NULL,  -- the number of rows that the table will have
  floor           INTEGER NOT NULL,
  initial_ppm     INTEGER NOT NULL,
  maintenance_ppm INTEGER NOT NULL,
  amount          INTEGER NOT NULL,
  event           INTEGER NOT NULL,
  PRIMARY KEY (instrument, tier)
) STRICT, WITHOUT ROWID;

-- The insurance funds that ever had money, or ever paid.
CREATE TABLE funds (
  asset          INTEGER NOT NULL REFERENCES assets,
  shard          INTEGER NOT NULL REFERENCES shards,
  amount         INTEGER NOT NULL,  -- minor units; below 0: it paid more than it had
  last_reference INTEGER NOT NULL,  -- the number of its last deposit; 0: it had none
  PRIMARY KEY (asset, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE fund_changes (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  asset      INTEGER NOT NULL REFERENCES assets,
  shard      INTEGER NOT NULL REFERENCES shards,
  cause      TEXT    NOT NULL,                -- deposit, funding, settlement, liquidation-fee
  instrument INTEGER REFERENCES instruments,  -- that it comes from; NULL: it was deposited
  amount     INTEGER NOT NULL,                -- minor units
  fund       INTEGER NOT NULL,                -- what the fund has then, minor units
  reference  INTEGER                          -- the sender's number of a deposit
) STRICT;

-- What insurance funds paid for accounts without positions, which had less than nothing.
CREATE TABLE fund_payments (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  account    INTEGER NOT NULL REFERENCES accounts,
  asset      INTEGER NOT NULL REFERENCES assets,
  shard      INTEGER NOT NULL REFERENCES shards,
  instrument INTEGER REFERENCES instruments,  -- whose position's own money was below 0; NULL: it was the wallet
  amount     INTEGER NOT NULL,                -- minor units; the wallet, or the money of the position, is 0 then
  fund       INTEGER NOT NULL,                -- what the fund has then, minor units
  deficit    INTEGER NOT NULL                 -- the part that the fund did not have, minor units
) STRICT;

-- What accounts have in contracts: every position that ever was, flat ones too.
CREATE TABLE positions (
  account    INTEGER NOT NULL REFERENCES accounts,
  instrument INTEGER NOT NULL REFERENCES instruments,
  leg        INTEGER NOT NULL,  -- 0: the only one (one-way mode); 1: long, 2: short (hedge mode)
  lots       INTEGER NOT NULL,  -- above 0: long
  cost       INTEGER NOT NULL,  -- with its sign, minor units of the settlement asset
  pot        INTEGER NOT NULL,  -- its own money, minor units; 0 in cross mode
  realised   INTEGER NOT NULL,  -- all profits that were realised, minor units
  event      INTEGER NOT NULL,  -- that changed it, or its own money, last
  PRIMARY KEY (account, instrument, leg)
) STRICT, WITHOUT ROWID;

-- What accounts have chosen in contracts. One that never chose has no row.
CREATE TABLE contract_settings (
  account    INTEGER NOT NULL REFERENCES accounts,
  instrument INTEGER NOT NULL REFERENCES instruments,
  margin_mode TEXT,             -- cross, isolated; NULL: never chosen, which is cross
  leverage   INTEGER,           -- NULL: never chosen
  event      INTEGER NOT NULL,  -- that changed it last
  PRIMARY KEY (account, instrument)
) STRICT, WITHOUT ROWID;

-- How many positions accounts have in the contracts of a shard. One that never chose has no row, and one-way mode.
CREATE TABLE position_modes (
  account    INTEGER NOT NULL REFERENCES accounts,
  shard      INTEGER NOT NULL REFERENCES shards,
  mode       TEXT NOT NULL,     -- one-way, hedge
  event      INTEGER NOT NULL,  -- that set it last
  PRIMARY KEY (account, shard)
) STRICT, WITHOUT ROWID;

-- Money between wallets and the pots of positions.
CREATE TABLE margin_moves (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  account    INTEGER NOT NULL REFERENCES accounts,
  instrument INTEGER NOT NULL REFERENCES instruments,
  leg        INTEGER NOT NULL,
  login      INTEGER REFERENCES logins,  -- that asked for it; NULL: an operator
  amount     INTEGER NOT NULL,  -- minor units; above 0: into the pot
  pot        INTEGER NOT NULL,  -- after it
  wallet     INTEGER NOT NULL   -- after it; what orders hold is in it
) STRICT;

CREATE TABLE position_changes (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  account    INTEGER NOT NULL REFERENCES accounts,
  instrument INTEGER NOT NULL REFERENCES instruments,
  leg        INTEGER NOT NULL,
  cause      TEXT    NOT NULL,  -- trade, settled, offset, close-out, deleveraged
  trade_id   INTEGER,           -- NULL: there was none
  lots       INTEGER NOT NULL,  -- after it, like the four columns below
  cost       INTEGER NOT NULL,
  realised   INTEGER NOT NULL,  -- by this change, minor units
  pot        INTEGER NOT NULL,
  wallet     INTEGER NOT NULL   -- of its owner, fee included, minor units
) STRICT;

-- Fundings of perpetuals.
CREATE TABLE fundings (
  instrument    INTEGER NOT NULL REFERENCES instruments,
  number        INTEGER NOT NULL,  -- from 1
  event         INTEGER NOT NULL,
  time_ns       INTEGER NOT NULL,
  rate_ppb      INTEGER NOT NULL,  -- parts per 10^9 of the notional; above 0: longs pay
  premium_ppb   INTEGER NOT NULL,  -- mean of the samples, parts per 10^9
  samples       INTEGER NOT NULL,
  mark          INTEGER NOT NULL,  -- price units; positions are charged at it
  open_interest INTEGER NOT NULL,  -- lots of all long positions
  legs          INTEGER,           -- how many positions were charged; NULL: some are not charged yet
  remainder     INTEGER,           -- what payers paid and receivers did not get, minor units
  closed_event  INTEGER,           -- where nobody is charged, the same event
  PRIMARY KEY (instrument, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE funding_payments (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  account    INTEGER NOT NULL REFERENCES accounts,
  instrument INTEGER NOT NULL REFERENCES instruments,
  leg        INTEGER NOT NULL,
  number     INTEGER NOT NULL,  -- of the funding
  amount     INTEGER NOT NULL,  -- minor units; above 0: received
  pot        INTEGER NOT NULL,  -- after it, like the wallet
  wallet     INTEGER NOT NULL
) STRICT;

-- Contracts that expired or were closed out.
CREATE TABLE settlements (
  instrument    INTEGER PRIMARY KEY REFERENCES instruments,
  samples       INTEGER,  -- of the index, where there were too few; else NULL
  pending_event INTEGER,  -- since when it waited for a price; NULL: it did not wait
  price         INTEGER,  -- price units; NULL: it waits
  legs          INTEGER,  -- how many positions were closed
  remainder     INTEGER,  -- what payers paid and receivers did not get, minor units
  event         INTEGER,  -- that settled it
  time_ns       INTEGER
) STRICT;

-- What contracts hold between those who pay and those who receive, in fundings and settlements. Small: by contract.
CREATE TABLE clearing (
  instrument INTEGER PRIMARY KEY REFERENCES instruments,
  amount     INTEGER NOT NULL  -- minor units of the settlement asset; below 0: more was received than paid so far
) STRICT;

CREATE VIEW instruments_readable AS
SELECT
  i.instrument,
  i.symbol,
  base.code AS base,
  quote.code AS quote,
  printf('%d%s', i.tick_units / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, i.tick_units % i.price_unit))) AS tick,
  printf('%d%s', i.lot / unit.unit,
    iif(unit.scale = 0, '', printf('.%0*d', unit.scale, i.lot % unit.unit))) AS lot,
  printf('%s%d.%04d', iif(f.maker_ppm < 0, '-', ''), abs(f.maker_ppm / 10000), abs(f.maker_ppm % 10000)) AS maker_fee_percent,
  printf('%s%d.%04d', iif(f.taker_ppm < 0, '-', ''), abs(f.taker_ppm / 10000), abs(f.taker_ppm % 10000)) AS taker_fee_percent,
  i.fee_asset,
  i.phase,
  i.shard,
  i.product
FROM instruments i
JOIN assets base ON base.asset = i.base
JOIN assets quote ON quote.asset = i.quote
-- Lots are amounts of base, of an inverse contract of quote. A delisted instrument keeps the terms, and the scale, that it
-- had at the end.
JOIN asset_scales unit ON unit.asset = iif(i.product LIKE 'inverse-%', i.quote, i.base) AND unit.event = (
  SELECT max(event) FROM asset_scales WHERE asset = unit.asset
  AND event <= (SELECT max(event) FROM instrument_terms WHERE instrument = i.instrument))
JOIN fees f ON f.instrument = i.instrument AND f.tier = 0;

CREATE VIEW orders_readable AS
SELECT
  o.order_id,
  o.login,
  (SELECT username FROM logins WHERE login = o.login) AS username,
  o.account,
  o.user_ref,
  i.symbol,
  sides.name AS side,
  times_in_force.name AS time_in_force,
  iif(o.price IS NULL, 'market', printf('%d%s', o.price / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, o.price % i.price_unit)))) AS price,
  printf('%d%s', o.quantity * t.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, o.quantity * t.lot % lots.unit))) AS quantity,
  printf('%d%s', o.executed * t.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, o.executed * t.lot % lots.unit))) AS executed,
  printf('%d%s', o.open * t.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, o.open * t.lot % lots.unit))) AS open,
  iif(o.hidden, 'hidden', iif(o.display_quantity = 0, 'all', printf('%d%s', o.display_quantity * t.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, o.display_quantity * t.lot % lots.unit))))) AS shown,
  order_statuses.name AS status,
  o.refusal,
  o.replaces,
  o.replaced_by,
  o.cl_ord_id,
  datetime(o.expire_s, 'unixepoch') AS expires,
  strftime('%Y-%m-%dT%H:%M:%S', o.entered_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', o.entered_ns % 1000000000) AS entered,
  strftime('%Y-%m-%dT%H:%M:%S', o.updated_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', o.updated_ns % 1000000000) AS updated
FROM orders o
JOIN instruments i USING (instrument)
JOIN instrument_terms t ON t.instrument = o.instrument AND t.event = (
  SELECT max(event) FROM instrument_terms WHERE instrument = o.instrument AND event <= o.event)
-- Lots are amounts of base, of an inverse contract of quote.
JOIN asset_scales lots ON lots.asset = iif(i.product LIKE 'inverse-%', i.quote, i.base) AND lots.event = (
  SELECT max(event) FROM asset_scales WHERE asset = lots.asset AND event <= o.event)
JOIN sides USING (side)
JOIN times_in_force USING (time_in_force)
JOIN order_statuses USING (status);

CREATE VIEW trades_readable AS
SELECT
  t.trade_id,
  strftime('%Y-%m-%dT%H:%M:%S', t.time_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', t.time_ns % 1000000000) AS time,
  i.symbol,
  sides.name AS taker_side,
  trade_kinds.name AS kind,
  printf('%d%s', t.price / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, t.price % i.price_unit))) AS price,
  printf('%d%s', t.quantity * terms.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, t.quantity * terms.lot % lots.unit))) AS quantity,
  printf('%d%s', t.notional / paid.unit,
    iif(paid.scale = 0, '', printf('.%0*d', paid.scale, t.notional % paid.unit))) AS notional,
  t.maker_order,
  t.maker_account,
  (SELECT name FROM accounts WHERE account = t.maker_account) AS maker_name,
  printf('%s%d%s', iif(t.maker_fee < 0, '-', ''), abs(t.maker_fee / maker.unit),
    iif(maker.scale = 0, '', printf('.%0*d', maker.scale, abs(t.maker_fee % maker.unit)))) AS maker_fee,
  maker_asset.code AS maker_fee_asset,
  t.taker_order,
  t.taker_account,
  (SELECT name FROM accounts WHERE account = t.taker_account) AS taker_name,
  printf('%s%d%s', iif(t.taker_fee < 0, '-', ''), abs(t.taker_fee / taker.unit),
    iif(taker.scale = 0, '', printf('.%0*d', taker.scale, abs(t.taker_fee % taker.unit)))) AS taker_fee,
  taker_asset.code AS taker_fee_asset
FROM trades t
JOIN instruments i USING (instrument)
JOIN instrument_terms terms ON terms.instrument = t.instrument AND terms.event = (
  SELECT max(event) FROM instrument_terms WHERE instrument = t.instrument AND event <= t.event)
-- Lots are amounts of base and notionals of quote, of an inverse contract the other way round.
JOIN asset_scales lots ON lots.asset = iif(i.product LIKE 'inverse-%', i.quote, i.base) AND lots.event = (
  SELECT max(event) FROM asset_scales WHERE asset = lots.asset AND event <= t.event)
JOIN asset_scales paid ON paid.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote) AND paid.event = (
  SELECT max(event) FROM asset_scales WHERE asset = paid.asset AND event <= t.event)
-- Where fees are paid in what is received, the buyer of spot pays in base.
JOIN assets maker_asset ON maker_asset.asset =
  iif(i.product = 'spot' AND i.fee_asset = 'received' AND t.taker_side = 1, i.base, paid.asset)
JOIN assets taker_asset ON taker_asset.asset =
  iif(i.product = 'spot' AND i.fee_asset = 'received' AND t.taker_side = 0, i.base, paid.asset)
JOIN asset_scales maker ON maker.asset = maker_asset.asset AND maker.event = (
  SELECT max(event) FROM asset_scales WHERE asset = maker_asset.asset AND event <= t.event)
JOIN asset_scales taker ON taker.asset = taker_asset.asset AND taker.event = (
  SELECT max(event) FROM asset_scales WHERE asset = taker_asset.asset AND event <= t.event)
JOIN sides ON sides.side = t.taker_side
JOIN trade_kinds USING (kind);

CREATE VIEW indexes_readable AS
SELECT
  x.index_id,
  x.symbol,
  x.shard,
  iif(x.price IS NULL, NULL, printf('%d%s', x.price / x.price_unit,
    iif(x.price_decimals = 0, '', printf('.%0*d', x.price_decimals, x.price % x.price_unit)))) AS price,
  strftime('%Y-%m-%dT%H:%M:%S', x.source_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', x.source_ns % 1000000000) AS source_time,
  iif(x.held_price IS NULL, NULL, printf('%d%s', x.held_price / x.price_unit,
    iif(x.price_decimals = 0, '', printf('.%0*d', x.price_decimals, x.held_price % x.price_unit)))) AS held_price,
  x.stale_after_ms,
  x.grace_s,
  x.jump_ppm
FROM indexes x;

CREATE VIEW contracts_readable AS
SELECT
  i.instrument,
  i.symbol,
  i.product,
  i.phase,
  x.symbol AS index_symbol,
  strftime('%Y-%m-%dT%H:%M:%SZ', c.expiry_s, 'unixepoch') AS expiry,
  c.funding_interval_s,
  printf('%d%s', c.price_min / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, c.price_min % i.price_unit))) AS price_min,
  printf('%d%s', c.price_max / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, c.price_max % i.price_unit))) AS price_max,
  iif(m.price IS NULL, NULL, printf('%d%s', m.price / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, m.price % i.price_unit)))) AS mark
FROM contracts c
JOIN instruments i USING (instrument)
JOIN indexes x USING (index_id)
LEFT JOIN marks m USING (instrument);

CREATE VIEW margin_tiers_readable AS
SELECT
  i.symbol,
  t.tier,
  a.code AS asset,
  printf('%d%s', t.floor / s.unit,
    iif(s.scale = 0, '', printf('.%0*d', s.scale, t.floor % s.unit))) AS floor,
  t.initial_ppm,
  t.maintenance_ppm,
  printf('%d%s', t.amount / s.unit,
    iif(s.scale = 0, '', printf('.%0*d', s.scale, t.amount % s.unit))) AS amount
FROM margin_tiers t
JOIN instruments i USING (instrument)
JOIN assets a ON a.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote)
JOIN asset_scales s ON s.asset = a.asset AND s.event = (
  SELECT max(event) FROM asset_scales WHERE asset = a.asset AND event <= t.event);

CREATE VIEW funds_readable AS
SELECT
  a.code AS asset,
  f.shard,
  printf('%s%d%s', iif(f.amount < 0, '-', ''), abs(f.amount / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(f.amount % a.unit)))) AS amount,
  f.last_reference
FROM funds f JOIN assets a USING (asset);

CREATE VIEW fundings_readable AS
SELECT
  i.symbol,
  f.number,
  strftime('%Y-%m-%dT%H:%M:%S', f.time_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', f.time_ns % 1000000000) AS time,
  printf('%s%d.%07d', iif(f.rate_ppb < 0, '-', ''), abs(f.rate_ppb / 10000000), abs(f.rate_ppb % 10000000)) AS rate_percent,
  printf('%s%d.%07d', iif(f.premium_ppb < 0, '-', ''), abs(f.premium_ppb / 10000000), abs(f.premium_ppb % 10000000))
    AS premium_percent,
  f.samples,
  printf('%d%s', f.mark / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, f.mark % i.price_unit))) AS mark,
  printf('%d%s', f.open_interest * t.lot / lots.unit,
    iif(lots.scale = 0, '', printf('.%0*d', lots.scale, f.open_interest * t.lot % lots.unit))) AS open_interest,
  f.legs,
  a.code AS asset,
  iif(f.remainder IS NULL, NULL, printf('%d%s', f.remainder / paid.unit,
    iif(paid.scale = 0, '', printf('.%0*d', paid.scale, f.remainder % paid.unit)))) AS remainder
FROM fundings f
JOIN instruments i USING (instrument)
JOIN instrument_terms t ON t.instrument = f.instrument AND t.event = (
  SELECT max(event) FROM instrument_terms WHERE instrument = f.instrument AND event <= f.event)
-- Lots are amounts of base and payments of quote, of an inverse contract the other way round.
JOIN asset_scales lots ON lots.asset = iif(i.product LIKE 'inverse-%', i.quote, i.base) AND lots.event = (
  SELECT max(event) FROM asset_scales WHERE asset = lots.asset AND event <= f.event)
JOIN assets a ON a.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote)
JOIN asset_scales paid ON paid.asset = a.asset AND paid.event = (
  SELECT max(event) FROM asset_scales WHERE asset = paid.asset AND event <= f.event);

CREATE VIEW funding_payments_readable AS
SELECT
  p.event,
  strftime('%Y-%m-%dT%H:%M:%S', p.time_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', p.time_ns % 1000000000) AS time,
  p.account,
  (SELECT name FROM accounts WHERE account = p.account) AS name,
  i.symbol,
  p.number,
  a.code AS asset,
  printf('%s%d%s', iif(p.amount < 0, '-', ''), abs(p.amount / s.unit),
    iif(s.scale = 0, '', printf('.%0*d', s.scale, abs(p.amount % s.unit)))) AS amount
FROM funding_payments p
JOIN instruments i USING (instrument)
JOIN assets a ON a.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote)
JOIN asset_scales s ON s.asset = a.asset AND s.event = (
  SELECT max(event) FROM asset_scales WHERE asset = s.asset AND event <= p.event);

-- Deposits less withdrawals against what accounts, insurance funds and the clearing of contracts hold, less the cost of
-- positions, in present minor units: the two columns are always equal.
CREATE VIEW conservation AS
SELECT
  a.code AS asset,
  s.supply
    + coalesce((SELECT sum(t.amount) FROM transfers t WHERE t.asset = a.asset AND t.event > s.event), 0)
    + coalesce((SELECT sum(f.amount) FROM fund_changes f
        WHERE f.asset = a.asset AND f.cause = 'deposit' AND f.event > s.event), 0) AS supply,
  coalesce((SELECT sum(b.total) FROM balances b WHERE b.asset = a.asset), 0)
    + coalesce((SELECT sum(f.amount) FROM funds f WHERE f.asset = a.asset), 0)
    + coalesce((SELECT sum(c.amount) FROM clearing c JOIN instruments i USING (instrument)
        WHERE a.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote)), 0)
    + coalesce((SELECT sum(m.amount) FROM shard_transfers m WHERE m.asset = a.asset AND m.received_event IS NULL), 0)
    - coalesce((SELECT sum(p.cost - p.pot) FROM positions p JOIN instruments i USING (instrument)
        WHERE a.asset = iif(i.product LIKE 'inverse-%', i.base, i.quote)), 0) AS held
FROM assets a
JOIN asset_scales s ON s.asset = a.asset AND s.event = (SELECT max(event) FROM asset_scales WHERE asset = a.asset);
