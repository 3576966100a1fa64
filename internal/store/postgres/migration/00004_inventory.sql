-- +goose Up
-- Who wrote each attribute, a JSON object of root IDs by attribute name; NULL
-- for a resource that one root reports, as nearly all are.
ALTER TABLE resource ADD COLUMN written_by text;
-- The removals that the last scan of a root asked for and nobody confirmed yet,
-- JSON; NULL if there are none.
ALTER TABLE root ADD COLUMN held text;

-- +goose Down
ALTER TABLE root DROP COLUMN held;
ALTER TABLE resource DROP COLUMN written_by;
