-- +goose Up

-- What a client did while it was offline, and has told since. Ids are the
-- client's own, and are kept as long as the account: an event happens once,
-- however often and however late it is told. What became of it is kept for a
-- while, for who lost the answer.
CREATE TABLE replayed_events (
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    id          uuid NOT NULL,
    request     bytea NOT NULL, -- a hash of what was told under this id
    outcome     jsonb,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX replayed_events_outcome ON replayed_events (received_at) WHERE outcome IS NOT NULL;
