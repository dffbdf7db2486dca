package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Export returns what a holding has of a user, as a JSON array of objects.
func (tx Tx) Export(ctx context.Context, h Holding, userID string) (json.RawMessage, error) {
	var rows []byte
	err := tx.QueryRow(ctx, `SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM (SELECT `+h.Shows+` FROM `+h.Table+` WHERE `+h.Of+` ORDER BY 1, 2) x`, userID).Scan(&rows)
	return rows, classify("export", err)
}

// RequestDeletion closes an account until it goes.
func (tx Tx) RequestDeletion(ctx context.Context, userID string, now, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET disabled_at = $2, delete_requested_at = $2, delete_at = $3, updated_at = $2
		WHERE id = $1::text::uuid AND disabled_at IS NULL`, userID, now, at)
	return classify("account", err)
}

// KeepAccount opens an account again that was to go, and reports whether it was.
func (tx Tx) KeepAccount(ctx context.Context, userID string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE users SET disabled_at = NULL, delete_requested_at = NULL, delete_at = NULL, updated_at = $2
		WHERE id = $1::text::uuid AND disabled_at = delete_requested_at`, userID, now)
	return tag.RowsAffected() > 0, classify("account", err)
}

// DueDeletions lists accounts whose time has come, at most limit.
func (tx Tx) DueDeletions(ctx context.Context, now time.Time, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT id::text FROM users WHERE delete_at <= $1 ORDER BY delete_at LIMIT $2`, now, limit)
	if err != nil {
		return nil, classify("account", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, classify("account", err)
}

// DeleteAccount removes an account whose time has come, with everything that
// goes with it, and looks whether it has: where something is left, it fails, and
// so must the transaction. It returns NotFound for an account that was kept.
func (tx Tx) DeleteAccount(ctx context.Context, userID string, now time.Time) error {
	tag, err := tx.Exec(ctx, `DELETE FROM users WHERE id = $1::text::uuid AND delete_at <= $2`, userID, now)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return classify("account", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM river_job WHERE args->>'user_id' = $1 AND state <> 'running'`, userID); err != nil {
		return classify("account", err)
	}
	for _, h := range Holdings {
		if h.Loose {
			if _, err := tx.Exec(ctx, `DELETE FROM `+h.Table+` WHERE `+h.Of, userID); err != nil {
				return classify("account", err)
			}
		}
		if h.ByID {
			continue
		}
		var left int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+h.Table+` WHERE `+h.Of, userID).Scan(&left); err != nil {
			return classify("account", err)
		}
		if left > 0 {
			return fmt.Errorf("postgres: %d rows of %s are left of a deleted account", left, h.Table)
		}
	}
	return nil
}
