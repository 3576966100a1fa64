-- Who may speak for a host: the hosts whose agents were registered, and the
-- tokens with which more of them may register.

-- +goose Up
CREATE TABLE agent_host (
    name    text   PRIMARY KEY,
    serial  text   NOT NULL, -- of the latest certificate, hexadecimal
    issued  bigint NOT NULL,
    expires bigint NOT NULL,
    key     text   NOT NULL, -- SHA-256 of its public key, hexadecimal
    revoked bigint NOT NULL  -- certificates made until then are not good; 0 if none was revoked
);

CREATE TABLE agent_token (
    name    text   PRIMARY KEY,
    hash    text   NOT NULL, -- SHA-256, hexadecimal
    created bigint NOT NULL,
    expires bigint NOT NULL,
    uses    bigint NOT NULL,
    used    bigint NOT NULL,
    host    text   NOT NULL  -- the only one that it is for; empty for any
);

-- +goose Down
DROP TABLE agent_token;
DROP TABLE agent_host;
