-- +goose Up
-- The files of lab sessions as they were at one moment. The files themselves are
-- a snapshot of this name on the node; one that no row owns is removed there.
CREATE TABLE checkpoints (
    id          text PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id  text NOT NULL REFERENCES lab_sessions ON DELETE CASCADE,
    lab_id      text NOT NULL REFERENCES labs ON DELETE CASCADE,
    lab_version text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('step', 'saved', 'before', 'end')),
    name        text NOT NULL DEFAULT '',
    step        integer NOT NULL,
    marks       jsonb NOT NULL,              -- how the steps stood
    node        text NOT NULL,
    bytes       bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    kept_at     timestamptz                  -- when the files were there; without it the row is only a reservation
);
CREATE INDEX checkpoints_user ON checkpoints (user_id, created_at DESC);
CREATE INDEX checkpoints_session ON checkpoints (session_id, step);
CREATE INDEX checkpoints_node ON checkpoints (node);
CREATE INDEX checkpoints_expiry ON checkpoints (expires_at);

-- Sessions whose sandbox is being made of something else than the lab's start.
-- A row goes when the session is ready again.
CREATE TABLE lab_returns (
    session_id  text PRIMARY KEY REFERENCES lab_sessions ON DELETE CASCADE,
    checkpoint  text NOT NULL DEFAULT '',    -- empty: the lab's start
    goto_step   integer NOT NULL DEFAULT 0,  -- the steps before it are to be replayed
    begun_at    timestamptz NOT NULL
);

-- A step that was done by the lab's own solution is never passed.
ALTER TABLE lab_session_steps ADD COLUMN replayed boolean NOT NULL DEFAULT false;
