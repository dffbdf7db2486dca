package postgres

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// DeviceGrant is a sign-in that waits to be confirmed elsewhere.
type DeviceGrant struct {
	Client         string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	Pause          int // seconds between two questions
	AskedAt        *time.Time
	UserID, Method string // of who confirmed it; empty until then
	Denied         bool
}

const deviceColumns = `client, created_at, expires_at, pause, asked_at, coalesce(user_id::text, ''), method, denied_at IS NOT NULL`

func (g *DeviceGrant) fields() []any {
	return []any{&g.Client, &g.CreatedAt, &g.ExpiresAt, &g.Pause, &g.AskedAt, &g.UserID, &g.Method, &g.Denied}
}

// AddDeviceGrant begins one, known by the hashes of its two codes.
func (tx Tx) AddDeviceGrant(ctx context.Context, device, user []byte, g DeviceGrant) error {
	_, err := tx.Exec(ctx, `INSERT INTO device_grants (hash, user_code, client, created_at, expires_at, pause) VALUES ($1, $2, $3, $4, $5, $6)`,
		device, user, g.Client, g.CreatedAt, g.ExpiresAt, g.Pause)
	return classify("code", err)
}

// LockDeviceGrant finds one by its device code, and lets nobody else touch it
// until the transaction ends.
func (tx Tx) LockDeviceGrant(ctx context.Context, device []byte) (g DeviceGrant, err error) {
	err = tx.QueryRow(ctx, `SELECT `+deviceColumns+` FROM device_grants WHERE hash = $1 FOR UPDATE`, device).Scan(g.fields()...)
	return g, classify("code", err)
}

// AskedDeviceGrant notes when its program asked, and how long it has to wait now.
func (tx Tx) AskedDeviceGrant(ctx context.Context, device []byte, pause int, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE device_grants SET asked_at = $2, pause = $3 WHERE hash = $1`, device, now, pause)
	return classify("code", err)
}

// RemoveDeviceGrant ends one: it has been used.
func (tx Tx) RemoveDeviceGrant(ctx context.Context, device []byte) error {
	_, err := tx.Exec(ctx, `DELETE FROM device_grants WHERE hash = $1`, device)
	return classify("code", err)
}

// WaitingDeviceGrant finds one by its user code that nobody has answered.
func (tx Tx) WaitingDeviceGrant(ctx context.Context, user []byte, now time.Time) (r hub.DeviceRequest, err error) {
	err = tx.QueryRow(ctx, `SELECT client, created_at, expires_at FROM device_grants
		WHERE user_code = $1 AND expires_at > $2 AND user_id IS NULL AND denied_at IS NULL`, user, now).Scan(&r.Client, &r.CreatedAt, &r.ExpiresAt)
	return r, classify("code", err)
}

// AnswerDeviceGrant confirms or denies one that nobody has answered.
func (tx Tx) AnswerDeviceGrant(ctx context.Context, user []byte, userID, method string, deny bool, now time.Time) error {
	var client string
	err := tx.QueryRow(ctx, `UPDATE device_grants SET user_id = CASE WHEN NOT $4 THEN $2::uuid END, method = $3, denied_at = CASE WHEN $4 THEN $5::timestamptz END
		WHERE user_code = $1 AND expires_at > $5 AND user_id IS NULL AND denied_at IS NULL RETURNING client`, user, userID, method, deny, now).Scan(&client)
	return classify("code", err)
}
