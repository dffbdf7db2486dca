-- +goose Up

-- An account whose owner wants it gone is closed until then: disabled_at is the
-- moment they asked, so that nobody who was disabled otherwise comes back.
ALTER TABLE users
    ADD COLUMN delete_requested_at timestamptz,
    ADD COLUMN delete_at           timestamptz;
CREATE INDEX users_delete_at ON users (delete_at) WHERE delete_at IS NOT NULL;
