-- +goose Up

ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN pending_email     text NOT NULL DEFAULT '', -- takes the place of email once its owner says so
    ADD COLUMN preferences       jsonb NOT NULL DEFAULT '{}';

-- What began a sign-in, in its owner's words: to tell it from the others.
ALTER TABLE refresh_families
    ADD COLUMN client       text NOT NULL DEFAULT '',
    ADD COLUMN method       text NOT NULL DEFAULT 'password',
    ADD COLUMN last_used_at timestamptz;

-- What was sent by mail and works once. Only hashes are kept.
CREATE TABLE account_tokens (
    hash       bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('verify', 'reset')),
    email      text NOT NULL, -- where it was sent
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX account_tokens_user ON account_tokens (user_id, purpose);

-- Sign-ins that wait for somebody to confirm a code elsewhere (RFC 8628).
CREATE TABLE device_grants (
    hash         bytea PRIMARY KEY,   -- of the device code
    user_code    bytea NOT NULL UNIQUE, -- a hash as well
    client       text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    pause        integer NOT NULL,    -- seconds between two questions
    asked_at     timestamptz,
    user_id      uuid REFERENCES users ON DELETE CASCADE, -- who confirmed it
    method       text NOT NULL DEFAULT '',
    denied_at    timestamptz
);
CREATE INDEX device_grants_expiry ON device_grants (expires_at);
CREATE INDEX device_grants_user ON device_grants (user_id);

-- Who did what to which account, and when. Ids only, no names and addresses, and
-- no reference to users: a row outlives its account and then names nobody.
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor_id   uuid,          -- NULL: the operator, or nobody who is known
    subject_id uuid,          -- whose account; NULL: nobody's
    action     text NOT NULL, -- such as account.signed_in
    data       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_subject ON audit_log (subject_id, id);

-- Nothing changes a row, and nothing removes one before it is a year old: not
-- even a bug of ours.
-- +goose StatementBegin
CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_stays();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays();
