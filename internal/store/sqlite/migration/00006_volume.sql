-- What is kept of volumes beside the graph, by the identity of their drives,
-- and the HA clusters that users declared.

-- +goose Up
CREATE TABLE volume (
    key      TEXT    PRIMARY KEY,
    resource INTEGER NOT NULL, -- resource.id of the drive, when it was last written
    label    TEXT    NOT NULL,
    wish     TEXT    NOT NULL, -- JSON of what a user decided
    choice   TEXT    NOT NULL, -- JSON of the hosts that were chosen, and why
    users    TEXT    NOT NULL, -- JSON array of the resources that lie on it
    places   TEXT    NOT NULL, -- JSON array of "host:path", of a drive that is gone
    gone     INTEGER NOT NULL  -- since when its drive is not seen; 0 if it is
) STRICT, WITHOUT ROWID;

CREATE TABLE ha_cluster (
    name  TEXT PRIMARY KEY,
    hosts TEXT NOT NULL -- JSON array of names
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE ha_cluster;
DROP TABLE volume;
