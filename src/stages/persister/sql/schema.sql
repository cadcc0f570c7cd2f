-- Schema version 1. Described for its readers in docs/SQL.md; tables hold integers, views show exact decimals.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the tables have got. One row, changed in the same transaction as everything else.
CREATE TABLE watermark (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  event    INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time_ns  INTEGER NOT NULL
) STRICT;
INSERT INTO watermark VALUES (1, 0, 0, 0);

CREATE TABLE sides (side INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO sides VALUES (0, 'buy'), (1, 'sell');

CREATE TABLE times_in_force (time_in_force INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO times_in_force VALUES (0, 'good till cancel'), (1, 'immediate or cancel');

CREATE TABLE order_statuses (status INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO order_statuses VALUES
  (0, 'open'), (1, 'filled'), (2, 'canceled'), (3, 'replaced'), (4, 'remainder canceled'), (5, 'out of funds'),
  (6, 'canceled by a refused replace');

CREATE TABLE assets (
  asset INTEGER PRIMARY KEY,
  code  TEXT    NOT NULL,
  scale INTEGER NOT NULL,
  unit  INTEGER NOT NULL  -- minor units in one whole: 10^scale
) STRICT;

CREATE TABLE accounts (
  account   INTEGER PRIMARY KEY,
  opened_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE logins (
  login     INTEGER PRIMARY KEY,
  account   INTEGER NOT NULL REFERENCES accounts,
  opened_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE instruments (
  instrument     INTEGER PRIMARY KEY,
  symbol         TEXT    NOT NULL,
  base           INTEGER NOT NULL REFERENCES assets,
  quote          INTEGER NOT NULL REFERENCES assets,
  price_decimals INTEGER NOT NULL,
  price_unit     INTEGER NOT NULL,  -- price units in one whole: 10^price_decimals
  tick_units     INTEGER NOT NULL,  -- one tick in price units
  lot            INTEGER NOT NULL,  -- one lot in minor units of base
  tick_value     INTEGER NOT NULL,  -- one tick on one lot in minor units of quote
  min_quantity   INTEGER NOT NULL,  -- lots
  max_quantity   INTEGER NOT NULL,  -- lots
  min_notional   INTEGER NOT NULL,  -- minor units of quote
  maker_fee_ppm  INTEGER NOT NULL,
  taker_fee_ppm  INTEGER NOT NULL,
  trading        INTEGER NOT NULL   -- 1 while new orders are taken
) STRICT;

CREATE TABLE balances (
  account   INTEGER NOT NULL REFERENCES accounts,
  asset     INTEGER NOT NULL REFERENCES assets,
  total     INTEGER NOT NULL,  -- minor units
  reserved  INTEGER NOT NULL,  -- the part of it that open orders hold
  available INTEGER NOT NULL GENERATED ALWAYS AS (total - reserved) VIRTUAL,
  PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  order_id      INTEGER PRIMARY KEY,
  login         INTEGER NOT NULL REFERENCES logins,
  account       INTEGER NOT NULL REFERENCES accounts,
  user_ref      INTEGER NOT NULL,
  instrument    INTEGER NOT NULL REFERENCES instruments,
  side          INTEGER NOT NULL REFERENCES sides,
  time_in_force INTEGER NOT NULL REFERENCES times_in_force,
  price         INTEGER,           -- ticks; NULL for a market order
  quantity      INTEGER NOT NULL,  -- lots open when it was accepted or took the place of another
  executed      INTEGER NOT NULL,  -- lots of this order number; a replaced order keeps its own
  open          INTEGER NOT NULL,  -- lots
  reserved      INTEGER NOT NULL,  -- minor units: quote for a buy, base for a sell
  status        INTEGER NOT NULL REFERENCES order_statuses,
  refusal       TEXT,              -- why the replace that canceled it (status 6) was refused
  replaces      INTEGER,           -- the order whose place it took
  replaced_by   INTEGER,           -- the order that took its place
  cl_ord_id     TEXT,
  entered_ns    INTEGER NOT NULL,
  updated_ns    INTEGER NOT NULL
) STRICT;
-- Small whatever the history: the open orders alone. The writer starts from it, and a back office asks for it most.
CREATE INDEX orders_open ON orders (account) WHERE open > 0;

CREATE TABLE trades (
  trade_id      INTEGER PRIMARY KEY,
  event         INTEGER NOT NULL,
  time_ns       INTEGER NOT NULL,
  instrument    INTEGER NOT NULL REFERENCES instruments,
  taker_side    INTEGER NOT NULL REFERENCES sides,
  price         INTEGER NOT NULL,  -- ticks
  quantity      INTEGER NOT NULL,  -- lots
  notional      INTEGER NOT NULL,  -- minor units of quote
  maker_order   INTEGER NOT NULL REFERENCES orders,
  maker_account INTEGER NOT NULL REFERENCES accounts,
  maker_fee     INTEGER NOT NULL,  -- minor units of quote
  taker_order   INTEGER NOT NULL REFERENCES orders,
  taker_account INTEGER NOT NULL REFERENCES accounts,
  taker_fee     INTEGER NOT NULL   -- minor units of quote
) STRICT;

CREATE TABLE transfers (
  event     INTEGER PRIMARY KEY,
  time_ns   INTEGER NOT NULL,
  account   INTEGER NOT NULL REFERENCES accounts,
  asset     INTEGER NOT NULL REFERENCES assets,
  amount    INTEGER NOT NULL,  -- minor units: above 0 for a deposit, below 0 for a withdrawal
  reference INTEGER NOT NULL
) STRICT;

-- Orders that were refused, and with no login administrative commands that were.
CREATE TABLE rejections (
  event     INTEGER PRIMARY KEY,
  time_ns   INTEGER NOT NULL,
  login     INTEGER REFERENCES logins,
  user_ref  INTEGER,
  reason    TEXT    NOT NULL,
  cl_ord_id TEXT
) STRICT;

-- Messages to which the protocol gives no answer. The login may be one that does not exist.
CREATE TABLE ignored_messages (
  event    INTEGER PRIMARY KEY,
  time_ns  INTEGER NOT NULL,
  login    INTEGER NOT NULL,
  user_ref INTEGER NOT NULL,
  reason   TEXT    NOT NULL
) STRICT;

CREATE VIEW balances_readable AS
SELECT
  b.account,
  a.code AS asset,
  printf('%s%d%s', iif(b.total < 0, '-', ''), abs(b.total / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.total % a.unit)))) AS total,
  printf('%s%d%s', iif(b.reserved < 0, '-', ''), abs(b.reserved / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.reserved % a.unit)))) AS reserved,
  printf('%s%d%s', iif(b.available < 0, '-', ''), abs(b.available / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.available % a.unit)))) AS available
FROM balances b JOIN assets a USING (asset);

CREATE VIEW instruments_readable AS
SELECT
  i.instrument,
  i.symbol,
  base.code AS base,
  quote.code AS quote,
  printf('%d%s', i.tick_units / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, i.tick_units % i.price_unit))) AS tick,
  printf('%d%s', i.lot / base.unit,
    iif(base.scale = 0, '', printf('.%0*d', base.scale, i.lot % base.unit))) AS lot,
  printf('%d.%04d', i.maker_fee_ppm / 10000, i.maker_fee_ppm % 10000) AS maker_fee_percent,
  printf('%d.%04d', i.taker_fee_ppm / 10000, i.taker_fee_ppm % 10000) AS taker_fee_percent,
  iif(i.trading, 'on', 'off') AS trading
FROM instruments i JOIN assets base ON base.asset = i.base JOIN assets quote ON quote.asset = i.quote;

CREATE VIEW orders_readable AS
SELECT
  o.order_id,
  o.login,
  o.account,
  o.user_ref,
  i.symbol,
  sides.name AS side,
  times_in_force.name AS time_in_force,
  iif(o.price IS NULL, 'market', printf('%d%s', o.price * i.tick_units / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, o.price * i.tick_units % i.price_unit)))) AS price,
  printf('%d%s', o.quantity * i.lot / base.unit,
    iif(base.scale = 0, '', printf('.%0*d', base.scale, o.quantity * i.lot % base.unit))) AS quantity,
  printf('%d%s', o.executed * i.lot / base.unit,
    iif(base.scale = 0, '', printf('.%0*d', base.scale, o.executed * i.lot % base.unit))) AS executed,
  printf('%d%s', o.open * i.lot / base.unit,
    iif(base.scale = 0, '', printf('.%0*d', base.scale, o.open * i.lot % base.unit))) AS open,
  order_statuses.name AS status,
  o.refusal,
  o.replaces,
  o.replaced_by,
  o.cl_ord_id,
  strftime('%Y-%m-%dT%H:%M:%S', o.entered_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', o.entered_ns % 1000000000) AS entered,
  strftime('%Y-%m-%dT%H:%M:%S', o.updated_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', o.updated_ns % 1000000000) AS updated
FROM orders o
JOIN instruments i USING (instrument)
JOIN assets base ON base.asset = i.base
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
  printf('%d%s', t.price * i.tick_units / i.price_unit,
    iif(i.price_decimals = 0, '', printf('.%0*d', i.price_decimals, t.price * i.tick_units % i.price_unit))) AS price,
  printf('%d%s', t.quantity * i.lot / base.unit,
    iif(base.scale = 0, '', printf('.%0*d', base.scale, t.quantity * i.lot % base.unit))) AS quantity,
  printf('%d%s', t.notional / quote.unit,
    iif(quote.scale = 0, '', printf('.%0*d', quote.scale, t.notional % quote.unit))) AS notional,
  t.maker_order,
  t.maker_account,
  printf('%d%s', t.maker_fee / quote.unit,
    iif(quote.scale = 0, '', printf('.%0*d', quote.scale, t.maker_fee % quote.unit))) AS maker_fee,
  t.taker_order,
  t.taker_account,
  printf('%d%s', t.taker_fee / quote.unit,
    iif(quote.scale = 0, '', printf('.%0*d', quote.scale, t.taker_fee % quote.unit))) AS taker_fee
FROM trades t
JOIN instruments i USING (instrument)
JOIN assets base ON base.asset = i.base
JOIN assets quote ON quote.asset = i.quote
JOIN sides ON sides.side = t.taker_side;

CREATE VIEW transfers_readable AS
SELECT
  t.event,
  strftime('%Y-%m-%dT%H:%M:%S', t.time_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', t.time_ns % 1000000000) AS time,
  iif(t.amount < 0, 'withdrawal', 'deposit') AS kind,
  t.account,
  a.code AS asset,
  printf('%d%s', abs(t.amount / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(t.amount % a.unit)))) AS amount,
  t.reference
FROM transfers t JOIN assets a USING (asset);

-- Deposits less withdrawals against what all accounts hold: the two columns are always equal.
CREATE VIEW conservation AS
SELECT
  a.code AS asset,
  coalesce((SELECT sum(t.amount) FROM transfers t WHERE t.asset = a.asset), 0) AS supply,
  coalesce((SELECT sum(b.total) FROM balances b WHERE b.asset = a.asset), 0) AS held
FROM assets a;
