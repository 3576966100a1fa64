-- +goose Up
ALTER TABLE change_log ADD COLUMN samples bytea; -- of the turn; see resource.AppendSamples
CREATE INDEX change_log_samples ON change_log (seq) WHERE samples IS NOT NULL;

-- Positions in the change log: how far its readers are, and what of it is gone.
CREATE TABLE position (
    name text   PRIMARY KEY,
    seq  bigint NOT NULL
);

CREATE INDEX alert_seq ON alert (seq);

-- +goose Down
DROP INDEX alert_seq;
DROP TABLE position;
DROP INDEX change_log_samples;
ALTER TABLE change_log DROP COLUMN samples;
