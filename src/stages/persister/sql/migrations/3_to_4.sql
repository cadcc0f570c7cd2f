-- Sessions, editions of the rules, copies, and orders that went with a connection. A program of schema 3 had no such events.
INSERT INTO order_statuses VALUES (21, 'connection lost'), (22, 'dead-man''s switch');

-- The editions of the rules, each from the event on that set it; before the first it was 1.
CREATE TABLE rules (
  event   INTEGER PRIMARY KEY,
  time_ns INTEGER NOT NULL,
  edition INTEGER NOT NULL
) STRICT;

-- The venue's sessions. The first one, 0, has no row: it began with the venue.
CREATE TABLE sessions (
  session    INTEGER PRIMARY KEY,
  event      INTEGER NOT NULL,  -- the one that began it
  started_ns INTEGER NOT NULL
) STRICT;

-- Who is sent what the logins of an account are sent (drop copy).
CREATE TABLE copies (
  login   INTEGER NOT NULL REFERENCES logins,
  account INTEGER NOT NULL REFERENCES accounts,
  event   INTEGER NOT NULL,  -- it holds from this event on
  PRIMARY KEY (login, account)
) STRICT, WITHOUT ROWID;

-- The order entry of logins that have turned it off or on themselves, as it is now.
CREATE TABLE order_entry (
  login   INTEGER PRIMARY KEY REFERENCES logins,
  enabled INTEGER NOT NULL,  -- 0: its new orders and replaces are refused
  event   INTEGER NOT NULL   -- the one that said so
) STRICT;
