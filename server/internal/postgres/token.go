package postgres

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Family is one sign-in.
type Family struct {
	ID        string
	UserID    string
	ExpiresAt time.Time
	Revoked   bool
}

// RefreshToken is one token of a family.
type RefreshToken struct {
	Family
	UsedAt    *time.Time
	Successor []byte // sealed; nil until used
}

// CreateFamily begins a sign-in.
func (tx Tx) CreateFamily(ctx context.Context, userID, method, client string, now, expires time.Time) (Family, error) {
	f := Family{UserID: userID, ExpiresAt: expires}
	err := tx.QueryRow(ctx, `INSERT INTO refresh_families (user_id, method, client, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) RETURNING id::text`,
		userID, method, client, now, expires).Scan(&f.ID)
	return f, classify("sign-in", err)
}

// AddRefreshToken adds a token, known by its hash.
func (tx Tx) AddRefreshToken(ctx context.Context, familyID string, hash []byte, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO refresh_tokens (hash, family_id, created_at) VALUES ($1, $2, $3)`, hash, familyID, now)
	return classify("token", err)
}

// LockRefreshToken finds a token and lets nobody else touch its family until
// the transaction ends.
func (tx Tx) LockRefreshToken(ctx context.Context, hash []byte) (RefreshToken, error) {
	var t RefreshToken
	err := tx.QueryRow(ctx, `SELECT f.id::text, f.user_id::text, f.expires_at, f.revoked_at IS NOT NULL
		FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id WHERE t.hash = $1 FOR UPDATE OF f`, hash).
		Scan(&t.ID, &t.UserID, &t.ExpiresAt, &t.Revoked)
	if err != nil {
		return t, classify("token", err)
	}
	// Read only now: before the lock, another transaction may have used it.
	err = tx.QueryRow(ctx, `SELECT used_at, successor FROM refresh_tokens WHERE hash = $1`, hash).Scan(&t.UsedAt, &t.Successor)
	return t, classify("token", err)
}

// UseRefreshToken marks a token as used and keeps what it was traded for.
func (tx Tx) UseRefreshToken(ctx context.Context, hash, successor []byte, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1`, hash, now, successor)
	return classify("token", err)
}

// RevokeFamily ends a sign-in.
func (tx Tx) RevokeFamily(ctx context.Context, id string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE refresh_families SET revoked_at = coalesce(revoked_at, $2) WHERE id::text = $1`, id, now)
	return classify("sign-in", err)
}

// UserOfFamily returns whose sign-in it is, while it lasts and the account is
// not disabled.
func (tx Tx) UserOfFamily(ctx context.Context, id string, now time.Time) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM refresh_families f JOIN users u ON u.id = f.user_id
		WHERE f.id::text = $1 AND f.revoked_at IS NULL AND f.expires_at > $2 AND u.disabled_at IS NULL`, id, now))
}

// ForgetOld removes sign-ins that ended before the given time and kept answers
// older than it, and what the audit log has from before audit.
func (tx Tx) ForgetOld(ctx context.Context, before, audit time.Time) error {
	for _, q := range []string{
		`DELETE FROM refresh_families WHERE expires_at < $1`,
		`DELETE FROM idempotency_keys WHERE created_at < $1`,
		`DELETE FROM account_tokens WHERE expires_at < $1`,
		`DELETE FROM device_grants WHERE expires_at < $1`,
	} {
		if _, err := tx.Exec(ctx, q, before); err != nil {
			return classify("account", err)
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM audit_log WHERE at < $1`, audit)
	return classify("audit", err)
}

// Secret returns the server's secret of that name, which is fresh the first
// time any replica asks.
func (tx Tx) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO server_secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, fresh); err != nil {
		return nil, classify("secret", err)
	}
	var value []byte
	err := tx.QueryRow(ctx, `SELECT value FROM server_secrets WHERE name = $1`, name).Scan(&value)
	return value, classify("secret", err)
}

// KeptAnswer is what is known about an Idempotency-Key.
type KeptAnswer struct {
	Request []byte
	Status  *int // nil while the first request runs
	Body    []byte
}

// TakeKey takes an Idempotency-Key for a request, and returns nil. If it is
// taken, it returns by what. A request that has been running since before
// abandoned is taken over: its process is gone.
func (tx Tx) TakeKey(ctx context.Context, userID, key string, request []byte, now, abandoned time.Time) (*KeptAnswer, error) {
	tag, err := tx.Exec(ctx, `INSERT INTO idempotency_keys AS k (user_id, key, request, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, key) DO UPDATE SET created_at = excluded.created_at
		WHERE k.status IS NULL AND k.created_at < $5 AND k.request = excluded.request`, userID, key, request, now, abandoned)
	if err != nil || tag.RowsAffected() == 1 {
		return nil, classify("key", err)
	}
	var k KeptAnswer
	err = tx.QueryRow(ctx, `SELECT request, status, response FROM idempotency_keys WHERE user_id = $1 AND key = $2`, userID, key).
		Scan(&k.Request, &k.Status, &k.Body)
	return &k, classify("key", err)
}

// KeepAnswer stores the answer to a request, or frees its key when body is nil.
func (tx Tx) KeepAnswer(ctx context.Context, userID, key string, status int, body []byte) error {
	q, args := `UPDATE idempotency_keys SET status = $3, response = $4 WHERE user_id = $1 AND key = $2`, []any{userID, key, status, body}
	if body == nil {
		q, args = `DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2`, args[:2]
	}
	_, err := tx.Exec(ctx, q, args...)
	return classify("key", err)
}
