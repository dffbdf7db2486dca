-- There is no 00008.
-- +goose Up

-- API keys. Only a hash is kept; hint is how the key begins, so that its owner
-- knows it again. A revoked one is removed.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text NOT NULL,
    hint         text NOT NULL,
    hash         bytea NOT NULL UNIQUE,
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX api_keys_user ON api_keys (user_id, created_at);

-- What a principal has used of a quota, as a list of slots: how much was taken
-- between two moments. A slot is free again when the later one is a whole window
-- ago, so that no window, wherever it begins, holds more than the quota.
CREATE TABLE quotas (
    principal  text PRIMARY KEY,
    began      timestamptz[] NOT NULL DEFAULT '{}',
    ended      timestamptz[] NOT NULL DEFAULT '{}',
    used       integer[] NOT NULL DEFAULT '{}',
    touched_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quotas_age ON quotas (touched_at);

-- Takes up to want of what is left, and tells how much there was, how much is
-- left behind it, and when the oldest slot is free again.
-- +goose StatementBegin
CREATE FUNCTION take_quota(who text, want integer, most integer, span interval, moment timestamptz,
    OUT granted integer, OUT remaining integer, OUT free_at timestamptz) AS $$
DECLARE
    q quotas;
    n integer;
    gone integer := 0;
    total integer;
BEGIN
    INSERT INTO quotas (principal, touched_at) VALUES (who, moment) ON CONFLICT DO NOTHING;
    SELECT * INTO q FROM quotas WHERE principal = who FOR UPDATE;
    n := cardinality(q.used);
    WHILE gone < n AND q.ended[gone + 1] <= moment - span LOOP
        gone := gone + 1;
    END LOOP;
    q.began := q.began[gone + 1:];
    q.ended := q.ended[gone + 1:];
    q.used := q.used[gone + 1:];
    n := n - gone;
    SELECT coalesce(sum(u), 0) INTO total FROM unnest(q.used) u;
    granted := greatest(0, least(want, most - total));
    IF granted > 0 THEN
        IF n > 0 AND q.began[n] > moment - span / 60 THEN
            q.used[n] := q.used[n] + granted;
            q.ended[n] := greatest(q.ended[n], moment);
        ELSE
            q.began := q.began || moment;
            q.ended := q.ended || moment;
            q.used := q.used || granted;
        END IF;
        UPDATE quotas SET began = q.began, ended = q.ended, used = q.used, touched_at = moment WHERE principal = who;
    END IF;
    remaining := greatest(0, most - total - granted);
    free_at := coalesce(q.ended[1], moment) + span;
END $$ LANGUAGE plpgsql;
-- +goose StatementEnd

-- Gives back what was taken and not used, the latest first.
-- +goose StatementBegin
CREATE FUNCTION give_quota(who text, back integer) RETURNS void AS $$
DECLARE
    q quotas;
    n integer;
    part integer;
BEGIN
    SELECT * INTO q FROM quotas WHERE principal = who FOR UPDATE;
    n := cardinality(q.used);
    WHILE n > 0 AND back > 0 LOOP
        part := least(back, q.used[n]);
        q.used[n] := q.used[n] - part;
        back := back - part;
        n := n - 1;
    END LOOP;
    UPDATE quotas SET used = q.used WHERE principal = who;
END $$ LANGUAGE plpgsql;
-- +goose StatementEnd

-- Every server hears at once of what it may remember otherwise: a sign-in that
-- has ended, an account or a key that has changed, a course that was published.
-- It tells which, not what. The schema is in the channel's name.
-- +goose StatementBegin
CREATE FUNCTION tell_changed() RETURNS trigger AS $$
DECLARE
    id text := '';
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        IF TG_TABLE_NAME = 'api_keys' THEN
            id := encode(OLD.hash, 'hex');
        ELSE
            id := OLD.id::text;
        END IF;
    END IF;
    PERFORM pg_notify('cmh_' || TG_TABLE_SCHEMA, TG_ARGV[0] || ' ' || id);
    RETURN NULL;
END $$ LANGUAGE plpgsql;
-- +goose StatementEnd

CREATE TRIGGER tell AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION tell_changed('user');
CREATE TRIGGER tell AFTER UPDATE OF revoked_at OR DELETE ON refresh_families FOR EACH ROW EXECUTE FUNCTION tell_changed('session');
CREATE TRIGGER tell AFTER UPDATE OF scopes, expires_at OR DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION tell_changed('key');
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON courses FOR EACH STATEMENT EXECUTE FUNCTION tell_changed('courses');
