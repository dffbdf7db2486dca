-- +goose Up

-- Labs that an author tries before anybody else sees them. A draft is what was
-- uploaded at once; its labs are in no course, and only their owner's.
ALTER TABLE labs
    ADD COLUMN draft       text,
    ADD COLUMN draft_owner uuid REFERENCES users ON DELETE CASCADE,
    ADD CONSTRAINT labs_draft CHECK ((draft IS NULL) = (draft_owner IS NULL) AND (draft IS NULL OR course_id IS NULL));
CREATE INDEX labs_drafts ON labs (draft_owner, draft) WHERE draft IS NOT NULL;

-- What learners say of checks that they take for wrong. One a step of a
-- session: saying more replaces what was said.
CREATE TABLE lab_reports (
    id          text PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id  text NOT NULL REFERENCES lab_sessions ON DELETE CASCADE,
    lab_id      text NOT NULL REFERENCES labs ON DELETE CASCADE,
    lab_version text NOT NULL,
    step        integer NOT NULL,
    text        text NOT NULL,
    verdict     jsonb NOT NULL,  -- the step as it stood: state, attempts, what the check said
    created_at  timestamptz NOT NULL,
    settled_at  timestamptz,
    UNIQUE (session_id, step)
);
CREATE INDEX lab_reports_lab ON lab_reports (lab_id, created_at DESC) WHERE settled_at IS NULL;

-- Checks that whoever teaches has found to be broken. It holds for one version
-- of the lab: the next one has another check, or is marked again.
CREATE TABLE lab_broken_checks (
    lab_id      text NOT NULL,
    lab_version text NOT NULL,
    step        integer NOT NULL,
    note        text NOT NULL DEFAULT '',
    marked_by   uuid REFERENCES users ON DELETE SET NULL,
    marked_at   timestamptz NOT NULL,
    PRIMARY KEY (lab_id, lab_version, step),
    FOREIGN KEY (lab_id, lab_version) REFERENCES lab_versions ON DELETE CASCADE
);
