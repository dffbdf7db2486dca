-- +goose Up

CREATE TABLE users (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email             text NOT NULL,
    username          text NOT NULL,
    password_hash     text NOT NULL,
    staff_role        text CHECK (staff_role IN ('instructor', 'admin')),
    profile           jsonb NOT NULL DEFAULT '{}',
    subscription_tier text NOT NULL DEFAULT 'free' CHECK (subscription_tier IN ('free', 'premium')),
    disabled_at       timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE UNIQUE INDEX users_username_key ON users (lower(username));

CREATE TABLE subscriptions (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    plan_type              text NOT NULL,
    status                 text NOT NULL,
    stripe_subscription_id text UNIQUE,
    current_period_start   timestamptz,
    current_period_end     timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subscriptions_user ON subscriptions (user_id);

-- A family is one sign-in; its tokens replace each other. Only hashes are kept.
CREATE TABLE refresh_families (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX refresh_families_user ON refresh_families (user_id);

CREATE TABLE refresh_tokens (
    hash       bytea PRIMARY KEY,
    family_id  uuid NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz,
    -- The successor handed out on first use, sealed with the old token, so
    -- that a repeat within the grace gets the same answer.
    successor  bytea
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

CREATE TABLE ssh_keys (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text NOT NULL,
    type         text NOT NULL,
    fingerprint  text NOT NULL UNIQUE,
    public_key   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);
CREATE INDEX ssh_keys_user ON ssh_keys (user_id);

-- Courses. The document is hub.Course without what depends on the caller.
CREATE TABLE courses (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug       text NOT NULL UNIQUE,
    owner_id   uuid REFERENCES users ON DELETE SET NULL,
    version    integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE course_versions (
    course_id  uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    version    integer NOT NULL,
    hash       text NOT NULL,   -- of the folder's content
    document   jsonb NOT NULL,  -- hub.Course with lesson bodies, without lab texts
    answers    jsonb NOT NULL,  -- quiz answers and explanations, by lesson
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (course_id, version)
);

-- What lists and search read: the newest version, flattened.
CREATE TABLE course_index (
    course_id   uuid PRIMARY KEY REFERENCES courses ON DELETE CASCADE,
    slug        text NOT NULL,
    title       text NOT NULL,
    provider    text NOT NULL,
    level       text NOT NULL,
    category    text NOT NULL,
    free        boolean NOT NULL,
    summary     jsonb NOT NULL, -- hub.Course as lists show it
    search      tsvector NOT NULL
);
CREATE INDEX course_index_title ON course_index (title, course_id);
CREATE INDEX course_index_search ON course_index USING gin (search);

CREATE TABLE enrollments (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id  uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    version    integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, course_id)
);

CREATE TABLE user_progress (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id             uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id           uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    lesson_id           text NOT NULL,
    progress_percentage integer NOT NULL CHECK (progress_percentage BETWEEN 0 AND 100),
    completed_at        timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, course_id, lesson_id)
);

CREATE TABLE quiz_attempts (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id  uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    lesson_id  text NOT NULL,
    version    integer NOT NULL,
    answers    jsonb NOT NULL,
    score      integer NOT NULL,
    passed     boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quiz_attempts_user ON quiz_attempts (user_id, course_id, lesson_id);

-- Labs. A version is immutable and named by its content.
CREATE TABLE labs (
    id         text PRIMARY KEY, -- slug
    course_id  uuid REFERENCES courses ON DELETE CASCADE,
    position   integer NOT NULL DEFAULT 0,
    version    text NOT NULL,    -- the newest lab_versions.hash
    retired_at timestamptz,      -- no longer in its course
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX labs_course ON labs (course_id, position);

CREATE TABLE lab_versions (
    lab_id     text NOT NULL REFERENCES labs ON DELETE CASCADE,
    hash       text NOT NULL,
    document   jsonb NOT NULL, -- hub.Lab with its texts
    scenario   jsonb NOT NULL, -- what the engine needs: scripts, checks, hints, solutions
    assets     bytea NOT NULL, -- tar, unpacked at / of the sandbox
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lab_id, hash)
);

CREATE TABLE lab_sessions (
    id          text PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    lab_id      text NOT NULL REFERENCES labs ON DELETE CASCADE,
    lab_version text NOT NULL,
    state       text NOT NULL,
    message     text NOT NULL DEFAULT '',
    step        integer NOT NULL,
    driver      text NOT NULL,
    node        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    setup_at    timestamptz,     -- when its sandbox was there and set-up began
    ended_at    timestamptz,
    destroyed_at timestamptz     -- when nothing of it was left on its node
);
-- One running session of a lab per learner.
CREATE UNIQUE INDEX lab_sessions_running ON lab_sessions (user_id, lab_id) WHERE ended_at IS NULL;
CREATE INDEX lab_sessions_user ON lab_sessions (user_id, created_at DESC);
CREATE INDEX lab_sessions_expiry ON lab_sessions (expires_at) WHERE ended_at IS NULL;

CREATE TABLE lab_session_steps (
    session_id text NOT NULL REFERENCES lab_sessions ON DELETE CASCADE,
    number     integer NOT NULL,
    state      text NOT NULL DEFAULT 'pending',
    message    text NOT NULL DEFAULT '',
    attempts   integer NOT NULL DEFAULT 0,    -- checks that said passed or failed
    errors     integer NOT NULL DEFAULT 0,    -- checks that could not be run
    hints      integer NOT NULL DEFAULT 0,    -- how many were shown
    solution_shown boolean NOT NULL DEFAULT false,
    opened_at  timestamptz,                   -- when its set-up ran
    passed_at  timestamptz,
    PRIMARY KEY (session_id, number)
);

-- The best a learner has done in a lab, over all sessions.
CREATE TABLE lab_progress (
    user_id             uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    lab_id              text NOT NULL REFERENCES labs ON DELETE CASCADE,
    progress_percentage integer NOT NULL CHECK (progress_percentage BETWEEN 0 AND 100),
    completed_at        timestamptz,
    PRIMARY KEY (user_id, lab_id)
);

-- The outbox: every learning event, written with what it tells of.
CREATE TABLE events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    uuid REFERENCES users ON DELETE CASCADE,
    type       text NOT NULL, -- such as lesson.completed, lab.started
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_user ON events (user_id, id);

CREATE TABLE idempotency_keys (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    key        text NOT NULL,
    request    bytea NOT NULL, -- hash of method, path and body
    status     integer,        -- NULL while the first request runs
    response   bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Secrets the server makes for itself and every replica shares: signing keys.
CREATE TABLE server_secrets (
    name       text PRIMARY KEY,
    value      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
