-- How resources changed, by resource: what changed and how it was before and
-- after, for people. It is kept as long as the entry of change_log.

-- +goose Up
CREATE TABLE resource_change (
    resource INTEGER NOT NULL, -- outlives the resource
    seq      INTEGER NOT NULL, -- change_log.seq
    time     INTEGER NOT NULL,
    what     TEXT    NOT NULL, -- JSON; see resource.Change
    gone     TEXT,             -- of a resource that was deleted: hash of its class, space and identity; else NULL
    PRIMARY KEY (seq, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_change_resource ON resource_change (resource, seq);
CREATE INDEX resource_change_gone ON resource_change (gone, resource) WHERE gone IS NOT NULL;

INSERT INTO position SELECT 'history floor', seq FROM meta WHERE seq > 0;

-- +goose Down
DELETE FROM position WHERE name = 'history floor';
DROP TABLE resource_change;
