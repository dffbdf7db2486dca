package postgres

import (
	"context"
	"time"
)

// TakeQuota takes up to want of what is left of most in any span for a
// principal. It tells how much it got, how much is left, and when the oldest of
// what was used is free again.
func (tx Tx) TakeQuota(ctx context.Context, principal string, want, most int, span time.Duration, now time.Time) (got, left int, free time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT granted, remaining, free_at FROM take_quota($1, $2, $3, $4, $5)`, principal, want, most, span, now).
		Scan(&got, &left, &free)
	return got, left, free, classify("quota", err)
}

// GiveQuota gives back what was taken and not used.
func (tx Tx) GiveQuota(ctx context.Context, principal string, back int) error {
	_, err := tx.Exec(ctx, `SELECT give_quota($1, $2)`, principal, back)
	return classify("quota", err)
}

// ForgetQuotas removes what nobody has used since.
func (tx Tx) ForgetQuotas(ctx context.Context, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM quotas WHERE touched_at < $1`, before)
	return classify("quota", err)
}

// LabTimeSince is how long the labs of an account have run from one moment to
// another, those that run side by side both counted.
func (tx Tx) LabTimeSince(ctx context.Context, userID string, since, now time.Time) (d time.Duration, err error) {
	var seconds float64
	err = tx.QueryRow(ctx, `
		SELECT coalesce(sum(extract(epoch FROM least(coalesce(ended_at, expires_at), expires_at, $3) - greatest(created_at, $2))), 0)::float8
		FROM lab_sessions
		WHERE user_id = $1 AND created_at < $3 AND least(coalesce(ended_at, expires_at), expires_at) > $2`, userID, since, now).Scan(&seconds)
	return time.Duration(seconds * float64(time.Second)), classify("lab session", err)
}
