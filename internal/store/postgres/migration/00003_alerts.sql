-- Acknowledgements, the frozen name of the resource, and conditions that do
-- not hold long enough yet.

-- +goose Up
ALTER TABLE alert
    ADD COLUMN name        text   NOT NULL DEFAULT '',
    ADD COLUMN since       bigint NOT NULL DEFAULT 0, -- when the condition began to hold
    ADD COLUMN ack_user    text   NOT NULL DEFAULT '',
    ADD COLUMN ack_comment text   NOT NULL DEFAULT '',
    ADD COLUMN ack_time    bigint NOT NULL DEFAULT 0, -- 0 without acknowledgement
    ADD COLUMN search      text   NOT NULL DEFAULT ''; -- Alert.SearchText
UPDATE alert SET
    since = began,
    -- The text is "message (class label, name)".
    name = regexp_replace(substr(text, length(message) + 1), '^.*?, (.*)\)$', '\1'),
    search = lower(text || chr(10) || condition || chr(10) || attribute || chr(10) ||
        coalesce((SELECT plugin || '.' || class.name FROM class WHERE id = alert.class), ''));

CREATE TABLE pending_alert (
    resource  bigint NOT NULL,
    condition text   NOT NULL,
    attribute text   NOT NULL,
    severity  bigint NOT NULL,
    class     bigint NOT NULL, -- class.id
    since     bigint NOT NULL,
    message   text   NOT NULL,
    PRIMARY KEY (resource, condition, attribute, severity)
);

-- +goose Down
DROP TABLE pending_alert;
ALTER TABLE alert
    DROP COLUMN search,
    DROP COLUMN ack_time,
    DROP COLUMN ack_comment,
    DROP COLUMN ack_user,
    DROP COLUMN since,
    DROP COLUMN name;
