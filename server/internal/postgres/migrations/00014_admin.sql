-- +goose Up

-- What administrators look for: accounts by how their address or name begins,
-- the newest first; who did what.
CREATE INDEX users_newest ON users (created_at DESC, id);
CREATE INDEX users_email_prefix ON users (lower(email) text_pattern_ops);
CREATE INDEX users_username_prefix ON users (lower(username) text_pattern_ops);
CREATE INDEX users_staff ON users (staff_role) WHERE staff_role IS NOT NULL;
CREATE INDEX audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_action ON audit_log (action text_pattern_ops, id);
CREATE INDEX lab_sessions_in_flight ON lab_sessions (created_at DESC, id) WHERE ended_at IS NULL;

-- A course that its author hasn't published yet, or has taken back: who is
-- enrolled goes on with it, nobody else sees it. Lists ask the index alone.
ALTER TABLE courses ADD COLUMN unpublished_at timestamptz;
ALTER TABLE course_index ADD COLUMN unpublished boolean NOT NULL DEFAULT false;
CREATE INDEX courses_owner ON courses (owner_id, slug);
CREATE INDEX enrollments_course ON enrollments (course_id, version);

-- What it takes to bring a version back: which labs it had, and in which version,
-- in order. And which one it brought back.
ALTER TABLE course_versions
    ADD COLUMN labs          jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN restored_from integer;
