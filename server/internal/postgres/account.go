package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// userColumns are what scanUser reads.
const userColumns = `u.id::text, u.email, u.username, coalesce(u.staff_role, u.subscription_tier), u.subscription_tier, u.profile, u.created_at, u.updated_at`

func scanUser(row pgx.Row, more ...any) (hub.User, error) {
	var u hub.User
	err := row.Scan(append([]any{&u.ID, &u.Email, &u.Username, &u.Role, &u.SubscriptionTier, &u.Profile, &u.CreatedAt, &u.UpdatedAt}, more...)...)
	return u, classify("account", err)
}

// CreateUser adds an account on the free tier.
func (tx Tx) CreateUser(ctx context.Context, email, username, passwordHash string) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `INSERT INTO users AS u (email, username, password_hash) VALUES ($1, $2, $3) RETURNING `+userColumns,
		email, username, passwordHash))
}

const mayReturn = `(u.disabled_at IS NULL OR u.disabled_at = u.delete_requested_at)`

// User returns the account with that id, disabled or not.
func (tx Tx) User(ctx context.Context, id string) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1::text::uuid`, id))
}

// ActiveUser returns the account with that id, unless it is disabled.
func (tx Tx) ActiveUser(ctx context.Context, id string) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1::text::uuid AND u.disabled_at IS NULL`, id))
}

// UserByLogin returns the account with that e-mail address or user name, and
// its password hash, unless it is disabled. One that is to go is not: its owner
// may come back.
func (tx Tx) UserByLogin(ctx context.Context, login string) (hub.User, string, error) {
	var hash string
	u, err := scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+`, u.password_hash FROM users u
		WHERE (lower(u.email) = lower($1) OR lower(u.username) = lower($1)) AND `+mayReturn, login), &hash)
	return u, hash, err
}

// UserByKey returns the account that owns the SSH key with that fingerprint,
// unless it is disabled, and notes that the key was used: to the minute, so
// that a busy key is not a busy row. Nobody who logs in waits for the disk with
// that: a crash may lose the note, and whatever else is in the transaction.
func (tx Tx) UserByKey(ctx context.Context, fingerprint string, now time.Time) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `
		WITH owner AS (
			SELECT u.* FROM ssh_keys k JOIN users u ON u.id = k.user_id WHERE k.fingerprint = $1 AND u.disabled_at IS NULL
		), used AS (
			UPDATE ssh_keys SET last_used_at = $2 WHERE fingerprint = $1 AND EXISTS (SELECT 1 FROM owner)
			AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')
			AND set_config('synchronous_commit', 'off', true) = 'off')
		SELECT `+userColumns+` FROM owner u`, fingerprint, now))
}

// UsersNow returns the ids and roles of the accounts with those ids and of the owners
// of the SSH keys with those fingerprints, by one or the other, unless they are
// disabled. No key counts as used by it.
func (tx Tx) UsersNow(ctx context.Context, ids, fingerprints []string) (map[string]hub.User, error) {
	rows, err := tx.Query(ctx, `
		SELECT u.id::text, u.id::text, coalesce(u.staff_role, u.subscription_tier) FROM users u
		WHERE u.id = ANY ($1::text[]::uuid[]) AND u.disabled_at IS NULL
		UNION ALL
		SELECT k.fingerprint, u.id::text, coalesce(u.staff_role, u.subscription_tier) FROM ssh_keys k JOIN users u ON u.id = k.user_id
		WHERE k.fingerprint = ANY ($2::text[]) AND u.disabled_at IS NULL`, ids, fingerprints)
	if err != nil {
		return nil, classify("account", err)
	}
	now := map[string]hub.User{}
	var by string
	var u hub.User
	_, err = pgx.ForEachRow(rows, []any{&by, &u.ID, &u.Role}, func() error {
		now[by] = u
		return nil
	})
	return now, classify("account", err)
}

// UpdateUser changes what is not nil.
func (tx Tx) UpdateUser(ctx context.Context, id string, p hub.ProfileUpdate, now time.Time) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `UPDATE users u SET username = coalesce($2, u.username), profile = coalesce($3, u.profile), updated_at = $4
		WHERE u.id = $1::text::uuid RETURNING `+userColumns, id, p.Username, p.Profile, now))
}

// SetRole makes a learner of the free or premium tier, or staff, of an account.
func (tx Tx) SetRole(ctx context.Context, id string, role hub.Role) error {
	staff, tier := string(role), "premium" // staff see what premium learners see
	if role == hub.Free || role == hub.Premium {
		staff, tier = "", string(role)
	}
	tag, err := tx.Exec(ctx, `UPDATE users SET staff_role = nullif($2, ''), subscription_tier = $3, updated_at = now() WHERE id = $1::text::uuid`, id, staff, tier)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return classify("account", err)
}

// Keys lists the SSH keys of an account, oldest first.
func (tx Tx) Keys(ctx context.Context, userID string) ([]hub.Key, error) {
	rows, err := tx.Query(ctx, `SELECT `+keyColumns+` FROM ssh_keys WHERE user_id = $1::text::uuid`, userID)
	if err != nil {
		return nil, classify("key", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (hub.Key, error) { return scanKey(row) })
	slices.SortFunc(keys, func(a, b hub.Key) int { // by PostgreSQL it is a tenth of its work
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return keys, classify("key", err)
}

const keyColumns = `id::text, name, type, fingerprint, created_at, last_used_at`

func scanKey(row pgx.Row) (k hub.Key, err error) {
	err = row.Scan(&k.ID, &k.Name, &k.Type, &k.Fingerprint, &k.CreatedAt, &k.LastUsedAt)
	return k, err
}

// AddKey adds an SSH key. A key signs one account in, so a key of somebody else
// is a conflict like one's own.
func (tx Tx) AddKey(ctx context.Context, userID string, k hub.Key, publicKey string) (hub.Key, error) {
	added, err := scanKey(tx.QueryRow(ctx, `INSERT INTO ssh_keys (user_id, name, type, fingerprint, public_key) VALUES ($1, $2, $3, $4, $5)
		RETURNING `+keyColumns, userID, k.Name, k.Type, k.Fingerprint, publicKey))
	return added, classify("key", err)
}

// KeyIsFree is an error when somebody has the SSH key with that fingerprint, also
// who can't use it now.
func (tx Tx) KeyIsFree(ctx context.Context, fingerprint string) error {
	var taken bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM ssh_keys WHERE fingerprint = $1)`, fingerprint).Scan(&taken)
	if err == nil && taken {
		return hub.Errorf(hub.Conflict, "That %s already exists.", hub.Word("key"))
	}
	return classify("key", err)
}

// RemoveKeys removes all SSH keys of an account.
func (tx Tx) RemoveKeys(ctx context.Context, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM ssh_keys WHERE user_id = $1::text::uuid`, userID)
	return classify("key", err)
}

// RemoveKey removes the keys of the account that ref names by id, fingerprint
// or name, and returns how many that were.
func (tx Tx) RemoveKey(ctx context.Context, userID, ref string) (int64, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM ssh_keys WHERE user_id = $1::text::uuid AND (id::text = $2 OR fingerprint = $2 OR name = $2)`, userID, ref)
	return tag.RowsAffected(), classify("key", err)
}
