-- +goose Up
ALTER TABLE change_log ADD COLUMN samples BLOB; -- of the turn; see resource.AppendSamples
CREATE INDEX change_log_samples ON change_log (seq) WHERE samples IS NOT NULL;

-- Positions in the change log: how far its readers are, and what of it is gone.
CREATE TABLE position (
    name TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Entries of before do not hold all that it takes to go back.
INSERT INTO position SELECT 'log floor', seq FROM meta WHERE seq > 0;
DELETE FROM change_log;

CREATE INDEX alert_seq ON alert (seq);

-- +goose Down
DROP INDEX alert_seq;
DROP TABLE position;
DROP INDEX change_log_samples;
ALTER TABLE change_log DROP COLUMN samples;
