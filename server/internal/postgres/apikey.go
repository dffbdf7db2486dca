package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

const apiKeyColumns = `k.id::text, k.name, k.hint, k.scopes, k.created_at, k.expires_at, k.last_used_at`

func apiKeyFields(k *hub.APIKey) []any {
	return []any{&k.ID, &k.Name, &k.Hint, &k.Scopes, &k.CreatedAt, &k.ExpiresAt, &k.LastUsedAt}
}

// APIKeys lists the API keys of an account, oldest first, expired ones included.
func (tx Tx) APIKeys(ctx context.Context, userID string) ([]hub.APIKey, error) {
	rows, err := tx.Query(ctx, `SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.user_id = $1 ORDER BY k.created_at, k.id`, userID)
	if err != nil {
		return nil, classify("API key", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k hub.APIKey, err error) {
		return k, row.Scan(apiKeyFields(&k)...)
	})
	return keys, classify("API key", err)
}

// AddAPIKey stores a key, known by its hash.
func (tx Tx) AddAPIKey(ctx context.Context, userID string, k hub.APIKey, hash []byte) (hub.APIKey, error) {
	err := tx.QueryRow(ctx, `INSERT INTO api_keys AS k (user_id, name, hint, hash, scopes, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING `+apiKeyColumns,
		userID, k.Name, k.Hint, hash, k.Scopes, k.CreatedAt, k.ExpiresAt).Scan(apiKeyFields(&k)...)
	return k, classify("API key", err)
}

// RemoveAPIKey removes an account's keys with that id, name or hint, and says
// how many there were.
func (tx Tx) RemoveAPIKey(ctx context.Context, userID, ref string) (int, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM api_keys WHERE user_id = $1 AND (id::text = $2 OR name = $2 OR hint = $2)`, userID, ref)
	return int(tag.RowsAffected()), classify("API key", err)
}

// UseAPIKey returns whose key has that hash, while it lasts and the account is
// not disabled, and notes that it was used.
func (tx Tx) UseAPIKey(ctx context.Context, hash []byte, now time.Time) (u hub.User, k hub.APIKey, err error) {
	u, err = scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+`, `+apiKeyColumns+` FROM api_keys k JOIN users u ON u.id = k.user_id
		WHERE k.hash = $1 AND k.expires_at > $2 AND u.disabled_at IS NULL`, hash, now), apiKeyFields(&k)...)
	if err != nil {
		return u, k, err
	}
	_, err = tx.Exec(ctx, `UPDATE api_keys SET last_used_at = greatest(last_used_at, $2) WHERE hash = $1`, hash, now)
	return u, k, classify("API key", err)
}
