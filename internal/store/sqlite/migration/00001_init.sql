-- Times are Unix nanoseconds; 0 is "none". Flags are 0 or 1.

-- +goose Up
CREATE TABLE meta (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    seq           INTEGER NOT NULL, -- of the last committed mutation
    next_resource INTEGER NOT NULL, -- no resource had this ID or a higher one
    next_alert    INTEGER NOT NULL, -- the same for alerts
    alert_seq     INTEGER NOT NULL  -- of the last committed alert
) STRICT;
INSERT INTO meta VALUES (1, 0, 1, 1, 0);

-- What each plugin declared last, so that its resources can be read before it
-- runs, or if it does not.
CREATE TABLE manifest (
    plugin TEXT PRIMARY KEY,
    json   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE class (
    id     INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    name   TEXT NOT NULL,
    UNIQUE (plugin, name)
) STRICT;

CREATE TABLE resource (
    id         INTEGER PRIMARY KEY,
    class      INTEGER NOT NULL, -- class.id; written and read through one dictionary, so no foreign key is checked a row
    space      INTEGER NOT NULL, -- where identity is unique: the scope of a scoped resource, else 0
    identity   TEXT    NOT NULL, -- canonical JSON array
    scope      INTEGER NOT NULL,
    label      TEXT    NOT NULL,
    own_label  INTEGER NOT NULL,
    alias      TEXT    NOT NULL,
    attributes TEXT    NOT NULL, -- JSON object, nulls left out
    reporters  TEXT    NOT NULL, -- JSON array of root IDs, ascending
    first_seen INTEGER NOT NULL,
    updated    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX resource_identity ON resource (class, space, identity);

-- The state of those resources that are roots.
CREATE TABLE root (
    id           INTEGER PRIMARY KEY, -- resource.id
    offline      INTEGER NOT NULL,
    error        TEXT    NOT NULL,
    last_contact INTEGER NOT NULL
) STRICT;

CREATE TABLE edge (
    parent INTEGER NOT NULL,
    child  INTEGER NOT NULL,
    roots  TEXT    NOT NULL, -- JSON array of the roots that reported it, ascending
    PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_child ON edge (child);

CREATE TABLE change_log (
    seq   INTEGER PRIMARY KEY,
    time  INTEGER NOT NULL,
    entry BLOB    NOT NULL
) STRICT;

CREATE TABLE alert (
    id        INTEGER PRIMARY KEY,
    resource  INTEGER NOT NULL, -- outlives the resource
    class     INTEGER NOT NULL, -- class.id
    condition TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    severity  INTEGER NOT NULL, -- 1 info, 2 warning, 3 error
    message   TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    began     INTEGER NOT NULL,
    ended     INTEGER NOT NULL, -- 0 while active
    seq       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX alert_active ON alert (resource, condition, attribute, severity) WHERE ended = 0;
CREATE INDEX alert_resource ON alert (resource);
CREATE INDEX alert_began ON alert (began);

-- +goose Down
DROP TABLE alert;
DROP TABLE change_log;
DROP TABLE edge;
DROP TABLE root;
DROP TABLE resource;
DROP TABLE class;
DROP TABLE manifest;
DROP TABLE meta;
