-- Who may speak for a host: the hosts whose agents were registered, and the
-- tokens with which more of them may register.

-- +goose Up
CREATE TABLE agent_host (
    name    TEXT    PRIMARY KEY,
    serial  TEXT    NOT NULL, -- of the latest certificate, hexadecimal
    issued  INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    key     TEXT    NOT NULL, -- SHA-256 of its public key, hexadecimal
    revoked INTEGER NOT NULL  -- certificates made until then are not good; 0 if none was revoked
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_token (
    name    TEXT    PRIMARY KEY,
    hash    TEXT    NOT NULL, -- SHA-256, hexadecimal
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    uses    INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    host    TEXT    NOT NULL  -- the only one that it is for; empty for any
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE agent_token;
DROP TABLE agent_host;
