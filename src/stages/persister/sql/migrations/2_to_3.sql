-- Checkpoints are kept. Those of events that the tables already have are not in them: meta says from where on they are.
CREATE TABLE checkpoints (
  event    INTEGER PRIMARY KEY,
  time_ns  INTEGER NOT NULL,
  sequence INTEGER NOT NULL,  -- the command that the digest is of the state after
  digest   TEXT    NOT NULL   -- SHA-256 of that state, 64 hexadecimal digits
) STRICT;
CREATE INDEX checkpoints_sequence ON checkpoints (sequence);

INSERT INTO meta SELECT 'checkpoints_after', CAST(event AS TEXT) FROM watermark;
