-- What is kept of volumes beside the graph, by the identity of their drives,
-- and the HA clusters that users declared.

-- +goose Up
CREATE TABLE volume (
    key      text   PRIMARY KEY,
    resource bigint NOT NULL, -- resource.id of the drive, when it was last written
    label    text   NOT NULL,
    wish     text   NOT NULL, -- JSON of what a user decided
    choice   text   NOT NULL, -- JSON of the hosts that were chosen, and why
    users    text   NOT NULL, -- JSON array of the resources that lie on it
    places   text   NOT NULL, -- JSON array of "host:path", of a drive that is gone
    gone     bigint NOT NULL  -- since when its drive is not seen; 0 if it is
);

CREATE TABLE ha_cluster (
    name  text PRIMARY KEY,
    hosts text NOT NULL -- JSON array of names
);

-- +goose Down
DROP TABLE ha_cluster;
DROP TABLE volume;
