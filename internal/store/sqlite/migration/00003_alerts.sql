-- Acknowledgements, the frozen name of the resource, and conditions that do
-- not hold long enough yet.

-- +goose Up
ALTER TABLE alert ADD COLUMN name        TEXT    NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN since       INTEGER NOT NULL DEFAULT 0; -- when the condition began to hold
ALTER TABLE alert ADD COLUMN ack_user    TEXT    NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN ack_comment TEXT    NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN ack_time    INTEGER NOT NULL DEFAULT 0; -- 0 without acknowledgement
ALTER TABLE alert ADD COLUMN search      TEXT    NOT NULL DEFAULT ''; -- Alert.SearchText
UPDATE alert SET
    since = began,
    -- The text is "message (class label, name)".
    name = substr(text, length(message) + instr(substr(text, length(message) + 1), ', ') + 2,
        length(text) - length(message) - instr(substr(text, length(message) + 1), ', ') - 2),
    search = lower(text || char(10) || condition || char(10) || attribute || char(10) ||
        coalesce((SELECT plugin || '.' || name FROM class WHERE id = alert.class), ''));

CREATE TABLE pending_alert (
    resource  INTEGER NOT NULL,
    condition TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    severity  INTEGER NOT NULL,
    class     INTEGER NOT NULL, -- class.id
    since     INTEGER NOT NULL,
    message   TEXT    NOT NULL,
    PRIMARY KEY (resource, condition, attribute, severity)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE pending_alert;
ALTER TABLE alert DROP COLUMN search;
ALTER TABLE alert DROP COLUMN ack_time;
ALTER TABLE alert DROP COLUMN ack_comment;
ALTER TABLE alert DROP COLUMN ack_user;
ALTER TABLE alert DROP COLUMN since;
ALTER TABLE alert DROP COLUMN name;
