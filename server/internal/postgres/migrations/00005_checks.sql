-- +goose Up

-- Hints have conditions, so they are no longer taken from the first to the
-- last: which ones were shown is kept bit by bit.
ALTER TABLE lab_session_steps
    ADD COLUMN hint_mask bigint NOT NULL DEFAULT 0,
    ADD COLUMN checks jsonb NOT NULL DEFAULT '[]', -- how each check of the step went last
    ADD COLUMN score integer CHECK (score BETWEEN 0 AND 100); -- what passing was worth
UPDATE lab_session_steps SET hint_mask = (1::bigint << hints) - 1 WHERE hints > 0;

-- Answers to the questions in a lab's texts. What is right is in the scenario.
CREATE TABLE lab_session_answers (
    session_id text NOT NULL REFERENCES lab_sessions ON DELETE CASCADE,
    step       integer NOT NULL,
    question   integer NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    answer     jsonb NOT NULL, -- the last one
    right_at   timestamptz,
    PRIMARY KEY (session_id, step, question)
);
