-- +goose Up

-- A session's clock: until when it may be extended, how long it may be left
-- alone (seconds, 0 is for ever), and which warning was given last (minutes
-- before its end, 0 is none).
ALTER TABLE lab_sessions
    ADD COLUMN most_until timestamptz,
    ADD COLUMN idle_after integer NOT NULL DEFAULT 0,
    ADD COLUMN warned     integer NOT NULL DEFAULT 0;
UPDATE lab_sessions SET most_until = expires_at;
ALTER TABLE lab_sessions ALTER COLUMN most_until SET NOT NULL;

-- Streams of a session's events read on from the last one they sent.
CREATE INDEX events_session ON events ((data->>'session'), id) WHERE data ? 'session';
