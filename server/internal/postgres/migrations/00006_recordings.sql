-- +goose Up

-- What learners have agreed to for a session: that those who teach may look
-- on, since when, and that its shells are recorded.
ALTER TABLE lab_sessions
    ADD COLUMN shared_at timestamptz,
    ADD COLUMN recorded  boolean NOT NULL DEFAULT false;

-- What a shell printed, as asciicast events. A recording outlives its session
-- and its lab; it goes with its learner.
CREATE TABLE lab_recordings (
    id          text PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id  text NOT NULL,
    lab_id      text NOT NULL,
    title       text NOT NULL,
    columns     integer NOT NULL,
    rows        integer NOT NULL,
    term        text NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms bigint NOT NULL DEFAULT 0,
    bytes       bigint NOT NULL DEFAULT 0
);
CREATE INDEX lab_recordings_user ON lab_recordings (user_id, started_at DESC);

CREATE TABLE lab_recording_chunks (
    recording_id text NOT NULL REFERENCES lab_recordings ON DELETE CASCADE,
    number       integer NOT NULL,
    data         bytea NOT NULL,
    PRIMARY KEY (recording_id, number)
);
