-- +goose Up

-- An account whose owner wants it gone is closed until then: disabled_at is the
-- moment they asked, so that nobody who was disabled otherwise comes back.
ALTER TABLE users
    ADD COLUMN delete_requested_at timestamptz,
    ADD COLUMN delete_at           timestamptz;
CREATE INDEX users_delete_at ON users (delete_at) WHERE delete_at IS NOT NULL;

-- Who somebody is elsewhere. The pair is theirs for ever; an address isn't.
CREATE TABLE identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);
