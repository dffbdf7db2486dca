package postgres

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// UserByIdentity returns whose identity elsewhere it is, unless that account is
// disabled. One that is to go is not.
func (tx Tx) UserByIdentity(ctx context.Context, issuer, subject string) (hub.User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM identities i JOIN users u ON u.id = i.user_id
		WHERE i.issuer = $1 AND i.subject = $2 AND `+mayReturn, issuer, subject))
}

// IdentityTaken reports whether an identity belongs to an account, disabled or
// not.
func (tx Tx) IdentityTaken(ctx context.Context, issuer, subject string) (taken bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identities WHERE issuer = $1 AND subject = $2)`, issuer, subject).Scan(&taken)
	return taken, classify("identity", err)
}

// LinkIdentity makes an identity elsewhere an account's own.
func (tx Tx) LinkIdentity(ctx context.Context, issuer, subject, userID string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)`, issuer, subject, userID, now)
	return classify("identity", err)
}

// EmailOwner returns who has an address, and whether it was confirmed here.
func (tx Tx) EmailOwner(ctx context.Context, email string) (userID string, verified, disabled bool, err error) {
	err = tx.QueryRow(ctx, `SELECT id::text, email_verified_at IS NOT NULL, disabled_at IS NOT NULL FROM users WHERE lower(email) = lower($1)`, email).
		Scan(&userID, &verified, &disabled)
	return userID, verified, disabled, classify("account", err)
}

// UsernameTaken reports whether somebody is called that.
func (tx Tx) UsernameTaken(ctx context.Context, name string) (taken bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users WHERE lower(username) = lower($1))`, name).Scan(&taken)
	return taken, classify("account", err)
}
