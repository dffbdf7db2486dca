package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Audit writes down who did what to whose account. An empty actor is the
// operator or a stranger, an empty subject nobody. data holds no names, no
// addresses and no secrets: the row outlives the account.
func (tx Tx) Audit(ctx context.Context, actor, subject, action string, data any) error {
	if data == nil {
		data = struct{}{}
	}
	body, err := json.Marshal(data)
	if err != nil {
		return classify("audit", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO audit_log (actor_id, subject_id, action, data) VALUES (nullif($1, '')::uuid, nullif($2, '')::uuid, $3, $4)`,
		actor, subject, action, body)
	return classify("audit", err)
}

// Families lists the sign-ins of an account that last, the newest first.
func (tx Tx) Families(ctx context.Context, userID string, now time.Time) ([]hub.Session, error) {
	rows, err := tx.Query(ctx, `SELECT id::text, client, method, created_at, last_used_at, expires_at FROM refresh_families
		WHERE user_id = $1::text::uuid AND revoked_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id`, userID, now)
	if err != nil {
		return nil, classify("sign-in", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s hub.Session, err error) {
		err = row.Scan(&s.ID, &s.Client, &s.Method, &s.CreatedAt, &s.LastUsedAt, &s.ExpiresAt)
		return s, err
	})
	return all, classify("sign-in", err)
}

// RevokeFamilies ends the sign-ins of an account but the one kept, or only the
// one named, and returns which ended. With the others go the programs that wait
// to be signed in: first, so that one which just is is seen.
func (tx Tx) RevokeFamilies(ctx context.Context, userID, only, keep string, now time.Time) ([]string, error) {
	if only == "" {
		if err := tx.removeDeviceGrants(ctx, userID); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(ctx, `UPDATE refresh_families SET revoked_at = $4
		WHERE user_id = $1::text::uuid AND revoked_at IS NULL AND ($2 = '' OR id::text = $2) AND id::text <> $3 RETURNING id::text`, userID, only, keep, now)
	if err != nil {
		return nil, classify("sign-in", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ended, classify("sign-in", err)
}

// TouchFamily notes that a sign-in was used.
func (tx Tx) TouchFamily(ctx context.Context, id string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE refresh_families SET last_used_at = $2 WHERE id = $1::text::uuid`, id, now)
	return classify("sign-in", err)
}

// FamilyBegan says when a sign-in began.
func (tx Tx) FamilyBegan(ctx context.Context, id string) (at time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT created_at FROM refresh_families WHERE id = $1::text::uuid`, id).Scan(&at)
	return at, classify("sign-in", err)
}

// PasswordHash returns what is stored of an account's password.
func (tx Tx) PasswordHash(ctx context.Context, userID string) (hash string, err error) {
	err = tx.QueryRow(ctx, `SELECT password_hash FROM users WHERE id = $1::text::uuid`, userID).Scan(&hash)
	return hash, classify("account", err)
}

// SetPassword replaces an account's password. What was sent by mail before, the
// address that waits to be confirmed and programs that wait to be signed in are
// good for nothing any more: whoever asked for them may be why it is replaced.
func (tx Tx) SetPassword(ctx context.Context, userID, hash string, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE users SET password_hash = $2, pending_email = '', updated_at = $3 WHERE id = $1::text::uuid`, userID, hash, now); err != nil {
		return classify("account", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM account_tokens WHERE user_id = $1::text::uuid`, userID); err != nil {
		return classify("token", err)
	}
	return tx.removeDeviceGrants(ctx, userID)
}

func (tx Tx) removeDeviceGrants(ctx context.Context, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM device_grants WHERE user_id = $1::text::uuid`, userID)
	return classify("code", err)
}

// RemoveAPIKeys ends all API keys of an account.
func (tx Tx) RemoveAPIKeys(ctx context.Context, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM api_keys WHERE user_id = $1::text::uuid`, userID)
	return classify("API key", err)
}

// Email returns where an account's mail goes.
func (tx Tx) Email(ctx context.Context, userID string) (e hub.EmailState, err error) {
	err = tx.QueryRow(ctx, `SELECT email, email_verified_at IS NOT NULL, pending_email FROM users WHERE id = $1::text::uuid`, userID).
		Scan(&e.Email, &e.Verified, &e.Pending)
	return e, classify("account", err)
}

// SetEmail replaces an account's address at once.
func (tx Tx) SetEmail(ctx context.Context, userID, email string, verified bool, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET email = $2, email_verified_at = CASE WHEN $3 THEN $4::timestamptz END, pending_email = '', updated_at = $4
		WHERE id = $1::text::uuid`, userID, email, verified, now)
	return classify("e-mail address", err)
}

// SetPendingEmail keeps the address that is to take the place of an account's.
func (tx Tx) SetPendingEmail(ctx context.Context, userID, email string) error {
	_, err := tx.Exec(ctx, `UPDATE users SET pending_email = $2 WHERE id = $1::text::uuid`, userID, email)
	return classify("e-mail address", err)
}

// MailToken is what was sent by mail.
type MailToken struct {
	UserID, Email string
	ExpiresAt     time.Time
}

// AddMailToken takes the place of those that the account had for the purpose.
func (tx Tx) AddMailToken(ctx context.Context, purpose string, hash []byte, t MailToken, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM account_tokens WHERE user_id = $1::text::uuid AND purpose = $2`, t.UserID, purpose); err != nil {
		return classify("token", err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO account_tokens (hash, user_id, purpose, email, created_at, expires_at) VALUES ($1, $2::uuid, $3, $4, $5, $6)`,
		hash, t.UserID, purpose, t.Email, now, t.ExpiresAt)
	return classify("token", err)
}

// TakeMailToken finds a token and removes it: whatever comes of it, it works
// once. Of those who take it at once, one does.
func (tx Tx) TakeMailToken(ctx context.Context, purpose string, hash []byte, now time.Time) (t MailToken, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM account_tokens t USING users u WHERE t.hash = $1 AND t.purpose = $2 AND t.expires_at > $3
		AND u.id = t.user_id AND `+mayReturn+` RETURNING t.user_id::text, t.email, t.expires_at`, hash, purpose, now).
		Scan(&t.UserID, &t.Email, &t.ExpiresAt)
	return t, classify("token", err)
}

// Preferences returns what the account's programs keep.
func (tx Tx) Preferences(ctx context.Context, userID string) (p hub.Preferences, err error) {
	err = tx.QueryRow(ctx, `SELECT preferences FROM users WHERE id = $1::text::uuid`, userID).Scan(&p)
	return p, classify("account", err)
}

// SetPreferences replaces it.
func (tx Tx) SetPreferences(ctx context.Context, userID string, p hub.Preferences, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET preferences = $2, updated_at = $3 WHERE id = $1::text::uuid`, userID, p, now)
	return classify("account", err)
}

// UserOfMailToken returns whose token it is, and leaves it there.
func (tx Tx) UserOfMailToken(ctx context.Context, purpose string, hash []byte, now time.Time) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM account_tokens t JOIN users u ON u.id = t.user_id
		WHERE t.hash = $1 AND t.purpose = $2 AND t.expires_at > $3 AND `+mayReturn, hash, purpose, now))
}

// AuditedSince reports whether something was done to an account after t.
func (tx Tx) AuditedSince(ctx context.Context, subject, action string, t time.Time) (done bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM audit_log WHERE subject_id = $1::uuid AND action = $2 AND at > $3)`, subject, action, t).Scan(&done)
	return done, classify("audit", err)
}
