-- +goose Up
-- Small things that the server keeps beside the graph, by name.
CREATE TABLE setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- +goose Down
DROP TABLE setting;
