-- +goose Up

-- What a learner has achieved. It follows from what they did, and is written
-- down so that it stays once it is earned, and is told of once.
CREATE TABLE user_achievements (
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    achievement text NOT NULL,
    earned_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, achievement)
);

-- Courses that were completed. What a certificate says is what was so when it
-- was issued: names change. Its id is all that one needs to verify it.
CREATE TABLE certificates (
    id           text PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id    uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    version      integer NOT NULL,
    name         text NOT NULL, -- of the learner
    title        text NOT NULL, -- of the course
    completed_at timestamptz NOT NULL,
    issued_at    timestamptz NOT NULL,
    UNIQUE (user_id, course_id)
);
