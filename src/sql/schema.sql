-- The tables as they are since schema version 9; contracts.sql has what version 10 added, and the views that it changed.
-- Described for their readers in docs/SQL.md; tables hold integers, views show exact decimals.

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
INSERT INTO times_in_force VALUES
  (0, 'good till cancel'), (1, 'immediate or cancel'), (2, 'day'), (3, 'good till time');

CREATE TABLE order_statuses (status INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO order_statuses VALUES
  (0, 'open'), (1, 'filled'), (2, 'canceled'), (3, 'replaced'), (4, 'remainder canceled'), (5, 'out of funds'),
  (6, 'canceled by a refused replace'), (7, 'waiting for its trigger'), (8, 'minimum not met'), (9, 'amount spent'),
  (10, 'market collar'), (11, 'price band'), (12, 'self-trade prevented'), (13, 'linked order'), (14, 'expired'),
  (15, 'terms changed'), (16, 'delisted'), (17, 'killed'), (18, 'mass canceled'), (19, 'canceled by an operator'),
  (20, 'refused at its trigger'), (21, 'connection lost'), (22, 'dead-man''s switch'),
  (23, 'work limit');

CREATE TABLE trade_kinds (kind INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO trade_kinds VALUES (0, 'continuous'), (1, 'opening'), (2, 'volatility'), (3, 'closing');

-- What holds for the venue as a whole. One row.
CREATE TABLE venue (
  id                   INTEGER PRIMARY KEY CHECK (id = 1),
  orders_max           INTEGER,                   -- open orders that it holds at most
  orders_touched_max   INTEGER,                   -- orders that one order touches at most when it is matched
  account_orders_max   INTEGER,                   -- open orders of an account without a limit of its own
  account_triggers_max INTEGER,                   -- orders that wait for a trigger, of such an account
  killed               INTEGER NOT NULL,          -- 1 while the kill switch is on
  volume_asset         INTEGER REFERENCES assets  -- trades that are paid in this asset count for fee tiers
) STRICT;
INSERT INTO venue (id, killed) VALUES (1, 0);

-- The parts of the venue that have instruments and wallets of their own.
CREATE TABLE shards (
  shard INTEGER PRIMARY KEY,
  name  TEXT,    -- NULL: the first, which every venue has
  event INTEGER  -- it is there from this event on
) STRICT;
INSERT INTO shards VALUES (0, NULL, NULL);

CREATE TABLE assets (
  asset          INTEGER PRIMARY KEY,
  code           TEXT    NOT NULL,
  scale          INTEGER NOT NULL,
  unit           INTEGER NOT NULL,            -- minor units in one whole: 10^scale
  deposits       INTEGER NOT NULL DEFAULT 1,  -- 1 while deposits are taken
  withdrawals    INTEGER NOT NULL DEFAULT 1,  -- 1 while withdrawals are made
  min_deposit    INTEGER NOT NULL DEFAULT 0,  -- minor units
  min_withdrawal INTEGER NOT NULL DEFAULT 0   -- minor units
) STRICT;

-- Every scale that an asset has had. An amount in a row about one event is in the minor units of that event's time.
CREATE TABLE asset_scales (
  asset  INTEGER NOT NULL REFERENCES assets,
  event  INTEGER NOT NULL,  -- it holds from this event on
  scale  INTEGER NOT NULL,
  unit   INTEGER NOT NULL,
  supply INTEGER NOT NULL,  -- deposits less withdrawals until then, in these minor units
  PRIMARY KEY (asset, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  account          INTEGER PRIMARY KEY,
  name             TEXT,                                -- of the configuration at the last start; NULL: it has none
  opened_ns        INTEGER NOT NULL,
  tier             INTEGER NOT NULL DEFAULT 0,          -- its row of the fee tables
  self_trade       TEXT    NOT NULL DEFAULT 'allow',    -- what is done about trades with itself
  self_trade_owner TEXT    NOT NULL DEFAULT 'account',  -- account or group: who counts as itself
  group_id         INTEGER,
  killed           INTEGER NOT NULL DEFAULT 0           -- 1 while its kill switch is on
) STRICT;

CREATE TABLE logins (
  login     INTEGER PRIMARY KEY,
  username  TEXT,              -- what it logs in with
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
  lot            INTEGER NOT NULL,  -- one lot in minor units of base, of an inverse contract of quote
  tick_value     INTEGER NOT NULL,  -- one tick on one lot in minor units of quote; inverse: one lot at one tick, of base
  min_quantity   INTEGER NOT NULL,  -- lots
  max_quantity   INTEGER NOT NULL,  -- lots
  min_notional   INTEGER NOT NULL,  -- minor units of quote, of an inverse contract of base
  fee_asset      TEXT    NOT NULL,  -- quote, or received: what a side pays its fee in
  phase          TEXT    NOT NULL,
  shard          INTEGER NOT NULL REFERENCES shards,  -- that it trades in
  product        TEXT    NOT NULL   -- spot, linear-perpetual, linear-dated, inverse-perpetual, inverse-dated
) STRICT;

-- Every set of terms that an instrument has had. Lots in a row about one event are lots of that event's time.
CREATE TABLE instrument_terms (
  instrument   INTEGER NOT NULL REFERENCES instruments,
  event        INTEGER NOT NULL,  -- they hold from this event on
  tick_units   INTEGER NOT NULL,
  lot          INTEGER NOT NULL,
  tick_value   INTEGER NOT NULL,
  min_quantity INTEGER NOT NULL,
  max_quantity INTEGER NOT NULL,
  min_notional INTEGER NOT NULL,
  PRIMARY KEY (instrument, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE fees (
  instrument INTEGER NOT NULL REFERENCES instruments,
  tier       INTEGER NOT NULL,
  maker_ppm  INTEGER NOT NULL,  -- of the resting side; below 0: a rebate
  taker_ppm  INTEGER NOT NULL,  -- of the incoming side, and of both sides of an auction
  PRIMARY KEY (instrument, tier)
) STRICT, WITHOUT ROWID;

-- From what 30-day volume on an account has a tier. No rows: tiers are assigned only.
CREATE TABLE volume_tiers (
  tier       INTEGER PRIMARY KEY,
  volume_min INTEGER  -- minor units of venue.volume_asset; NULL: not to be reached
) STRICT;

CREATE TABLE protections (
  instrument        INTEGER PRIMARY KEY REFERENCES instruments,
  price_min         INTEGER,  -- price units
  price_max         INTEGER,  -- price units
  reference         INTEGER,  -- price units
  static_band_ppm   INTEGER,
  dynamic_band_ppm  INTEGER,
  interruption_s    INTEGER,
  market_collar_ppm INTEGER
) STRICT;

-- Limits on orders; NULL: none, or of an account's open orders and triggers those of the venue.
CREATE TABLE order_limits (
  scope                 TEXT    NOT NULL,  -- instrument, account or login
  id                    INTEGER NOT NULL,  -- of which
  quantity_max          INTEGER,           -- lots
  notional_max          INTEGER,           -- minor units of quote, of an inverse contract of base
  open_orders_max       INTEGER,
  triggers_max          INTEGER,           -- of an account: its orders that wait for a trigger
  orders_per_second_max INTEGER,
  position_max          INTEGER,           -- lots
  PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- The mark prices, as they were last set.
CREATE TABLE marks (
  instrument INTEGER PRIMARY KEY REFERENCES instruments,
  price      INTEGER NOT NULL,  -- price units
  time_ns    INTEGER NOT NULL
) STRICT;

CREATE TABLE balances (
  account   INTEGER NOT NULL REFERENCES accounts,
  asset     INTEGER NOT NULL REFERENCES assets,
  shard     INTEGER NOT NULL REFERENCES shards,  -- in whose wallet
  total     INTEGER NOT NULL,  -- minor units
  reserved  INTEGER NOT NULL,  -- the part of it that open orders hold
  available INTEGER NOT NULL GENERATED ALWAYS AS (total - reserved) VIRTUAL,
  PRIMARY KEY (account, asset, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  order_id         INTEGER PRIMARY KEY,
  login            INTEGER NOT NULL REFERENCES logins,
  account          INTEGER NOT NULL REFERENCES accounts,
  user_ref         INTEGER NOT NULL,
  instrument       INTEGER NOT NULL REFERENCES instruments,
  side             INTEGER NOT NULL REFERENCES sides,
  time_in_force    INTEGER NOT NULL REFERENCES times_in_force,
  price            INTEGER,           -- price units; NULL for a market order
  quantity         INTEGER NOT NULL,  -- lots open when it was accepted or took the place of another
  executed         INTEGER NOT NULL,  -- lots of this order number; a replaced order keeps its own
  open             INTEGER NOT NULL,  -- lots
  reserved         INTEGER NOT NULL,  -- minor units: quote for a buy, base for a sell
  status           INTEGER NOT NULL REFERENCES order_statuses,
  refusal          TEXT,              -- why it (status 20), or the replace that canceled it (status 6), was refused
  replaces         INTEGER,           -- the order whose place it took
  replaced_by      INTEGER,           -- the order that took its place
  cl_ord_id        TEXT,
  event            INTEGER NOT NULL,  -- the one that accepted it
  hidden           INTEGER NOT NULL,  -- 1: nobody sees it
  display_quantity INTEGER NOT NULL,  -- lots shown at a time; 0: all
  post_only        INTEGER NOT NULL,  -- 1: refused if it would trade, 2: its price was moved so that it would not
  expire_s         INTEGER,           -- when it ends, seconds since 1970
  entered_ns       INTEGER NOT NULL,
  updated_ns       INTEGER NOT NULL
) STRICT;
-- Small whatever the history: the open orders alone. The writer starts from it, and a back office asks for it most.
CREATE INDEX orders_open ON orders (account) WHERE open > 0;

-- What orders wait for or waited for, and what they are or were linked to.
CREATE TABLE armed_orders (
  order_id          INTEGER PRIMARY KEY REFERENCES orders,
  event             INTEGER NOT NULL,
  trigger_kind      TEXT,     -- stop, take-profit, trailing-stop; NULL: it does not wait
  trigger_reference TEXT,     -- last-trade, mark-price
  trigger_price     INTEGER,  -- price units; the distance of a trailing stop
  linked_order      INTEGER REFERENCES orders,
  triggered_ns      INTEGER,  -- when the trigger came
  triggered_at      INTEGER   -- the price that was watched, as it was then, price units
) STRICT;

CREATE TABLE trades (
  trade_id      INTEGER PRIMARY KEY,
  event         INTEGER NOT NULL,
  time_ns       INTEGER NOT NULL,
  instrument    INTEGER NOT NULL REFERENCES instruments,
  taker_side    INTEGER NOT NULL REFERENCES sides,
  kind          INTEGER NOT NULL REFERENCES trade_kinds,
  price         INTEGER NOT NULL,  -- price units
  quantity      INTEGER NOT NULL,  -- lots
  notional      INTEGER NOT NULL,  -- minor units of quote
  maker_order   INTEGER NOT NULL REFERENCES orders,
  maker_account INTEGER NOT NULL REFERENCES accounts,
  maker_fee     INTEGER NOT NULL,  -- minor units of what it pays in; below 0: a rebate
  taker_order   INTEGER NOT NULL REFERENCES orders,
  taker_account INTEGER NOT NULL REFERENCES accounts,
  taker_fee     INTEGER NOT NULL   -- likewise
) STRICT;

CREATE TABLE transfers (
  event     INTEGER PRIMARY KEY,
  time_ns   INTEGER NOT NULL,
  account   INTEGER NOT NULL REFERENCES accounts,
  asset     INTEGER NOT NULL REFERENCES assets,
  amount    INTEGER NOT NULL,  -- minor units: above 0 for a deposit, below 0 for a withdrawal
  reference INTEGER NOT NULL,
  shard     INTEGER NOT NULL REFERENCES shards  -- in whose wallet
) STRICT;

-- Orders and changes of orders that were refused, and with no login administrative commands that were.
CREATE TABLE rejections (
  event     INTEGER PRIMARY KEY,
  time_ns   INTEGER NOT NULL,
  login     INTEGER REFERENCES logins,
  user_ref  INTEGER,
  reason    TEXT    NOT NULL,
  cl_ord_id TEXT,
  order_id  INTEGER REFERENCES orders  -- the order that was not changed
) STRICT;

-- Messages to which the protocol gives no answer. The login may be one that does not exist.
CREATE TABLE ignored_messages (
  event    INTEGER PRIMARY KEY,
  time_ns  INTEGER NOT NULL,
  login    INTEGER NOT NULL,
  session  INTEGER NOT NULL, -- that it was sent in
  user_ref INTEGER NOT NULL,
  reason   TEXT    NOT NULL
) STRICT;

CREATE TABLE mass_cancels (
  event      INTEGER PRIMARY KEY,
  time_ns    INTEGER NOT NULL,
  login      INTEGER REFERENCES logins,      -- NULL: an operator
  user_ref   INTEGER NOT NULL,
  canceled   INTEGER NOT NULL,               -- orders
  instrument INTEGER REFERENCES instruments,  -- that was asked for; NULL: all
  side       INTEGER REFERENCES sides         -- that was asked for; NULL: both
) STRICT;

-- The editions of the rules, each from the event on that set it; before the first it is 1.
CREATE TABLE rules (
  event   INTEGER PRIMARY KEY,
  time_ns INTEGER NOT NULL,
  edition INTEGER NOT NULL
) STRICT;

-- Who led, and in which epoch: the number of each reign. No row where nobody ever led.
CREATE TABLE leads (
  event   INTEGER PRIMARY KEY,
  time_ns INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  node    INTEGER NOT NULL
) STRICT;

-- The venue's sessions. The first one, 0, has no row: it began with the venue.
CREATE TABLE sessions (
  session    INTEGER PRIMARY KEY,
  event      INTEGER NOT NULL,  -- the one that began it
  started_ns INTEGER NOT NULL
) STRICT;

-- The sessions of logins: the venue's, and those that begin for one login alone when its numbers are reset. The first
-- one of a login has no row: it began with the login.
CREATE TABLE login_sessions (
  login      INTEGER NOT NULL REFERENCES logins,
  session    INTEGER NOT NULL,
  event      INTEGER NOT NULL,  -- the one that began it
  started_ns INTEGER NOT NULL,
  PRIMARY KEY (login, session)
) STRICT, WITHOUT ROWID;

-- Who is sent what the logins of an account are sent (drop copy).
CREATE TABLE copies (
  login   INTEGER NOT NULL REFERENCES logins,
  account INTEGER NOT NULL REFERENCES accounts,
  event   INTEGER NOT NULL,  -- it holds from this event on
  PRIMARY KEY (login, account)
) STRICT, WITHOUT ROWID;

-- Names that clients gave orders before they sent them, where their protocol has names that orders.cl_ord_id has no room for.
CREATE TABLE order_names (
  event    INTEGER PRIMARY KEY,
  time_ns  INTEGER NOT NULL,
  login    INTEGER NOT NULL REFERENCES logins,
  session  INTEGER NOT NULL,
  user_ref INTEGER NOT NULL,  -- the client's number of the order in that session
  name     TEXT    NOT NULL
) STRICT;
CREATE INDEX order_names_order ON order_names (login, session, user_ref);

-- The order entry of logins that have turned it off or on themselves, as it is now.
CREATE TABLE order_entry (
  login   INTEGER PRIMARY KEY REFERENCES logins,
  enabled INTEGER NOT NULL,  -- 0: its new orders and replaces are refused
  event   INTEGER NOT NULL   -- the one that said so
) STRICT;

-- What the state was, as a replica of the engine found it.
CREATE TABLE checkpoints (
  event    INTEGER PRIMARY KEY,
  time_ns  INTEGER NOT NULL,
  sequence INTEGER NOT NULL,  -- the command that the digest is of the state after
  digest   TEXT    NOT NULL   -- SHA-256 of that state, 64 hexadecimal digits
) STRICT;
CREATE INDEX checkpoints_sequence ON checkpoints (sequence);

-- How auctions ended.
CREATE TABLE auctions (
  event          INTEGER PRIMARY KEY,
  time_ns        INTEGER NOT NULL,
  instrument     INTEGER NOT NULL REFERENCES instruments,
  kind           INTEGER NOT NULL REFERENCES trade_kinds,
  price          INTEGER,           -- price units; NULL: nothing crossed
  volume         INTEGER NOT NULL,  -- lots
  imbalance      INTEGER NOT NULL,  -- lots without a counterpart at that price
  imbalance_side INTEGER NOT NULL REFERENCES sides
) STRICT;

CREATE VIEW balances_readable AS
SELECT
  b.account,
  (SELECT name FROM accounts WHERE account = b.account) AS name,
  a.code AS asset,
  b.shard,
  printf('%s%d%s', iif(b.total < 0, '-', ''), abs(b.total / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.total % a.unit)))) AS total,
  printf('%s%d%s', iif(b.reserved < 0, '-', ''), abs(b.reserved / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.reserved % a.unit)))) AS reserved,
  printf('%s%d%s', iif(b.available < 0, '-', ''), abs(b.available / a.unit),
    iif(a.scale = 0, '', printf('.%0*d', a.scale, abs(b.available % a.unit)))) AS available
FROM balances b JOIN assets a USING (asset);

CREATE VIEW transfers_readable AS
SELECT
  t.event,
  strftime('%Y-%m-%dT%H:%M:%S', t.time_ns / 1000000000, 'unixepoch')
    || printf('.%09dZ', t.time_ns % 1000000000) AS time,
  iif(t.amount < 0, 'withdrawal', 'deposit') AS kind,
  t.account,
  (SELECT name FROM accounts WHERE account = t.account) AS name,
  a.code AS asset,
  printf('%d%s', abs(t.amount) / s.unit,
    iif(s.scale = 0, '', printf('.%0*d', s.scale, abs(t.amount) % s.unit))) AS amount,
  t.reference,
  t.shard
FROM transfers t
JOIN assets a USING (asset)
JOIN asset_scales s ON s.asset = t.asset AND s.event = (
  SELECT max(event) FROM asset_scales WHERE asset = t.asset AND event <= t.event);
