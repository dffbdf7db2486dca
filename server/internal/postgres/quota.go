package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// TakeQuota takes up to want of what is left of most in any span for a
// principal. It tells how much it got, how much is left, and when the oldest of
// what was used is free again.
func (tx Tx) TakeQuota(ctx context.Context, principal string, want, most int, span time.Duration, now time.Time) (got, left int, free time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT granted, remaining, free_at FROM take_quota($1, $2, $3, $4, $5)`, principal, want, most, span, now).
		Scan(&got, &left, &free)
	return got, left, free, classify("quota", err)
}

// A QuotaWant is what one of many would take.
type QuotaWant struct {
	Principal  string
	Want, Most int
	At         time.Time
}

// A QuotaGot is what they got, how much is left, and when the oldest of what was
// used is free again.
type QuotaGot struct {
	Got, Left int
	Free      time.Time
}

// TakeQuotas is TakeQuota for many, each named once. They are locked in one order.
func (tx Tx) TakeQuotas(ctx context.Context, wants []QuotaWant, span time.Duration) ([]QuotaGot, error) {
	n := len(wants)
	who, want, most, at := make([]string, n), make([]int32, n), make([]int32, n), make([]time.Time, n)
	for i, w := range wants {
		who[i], want[i], most[i], at[i] = w.Principal, int32(w.Want), int32(w.Most), w.At //nolint:gosec // limits are integers in SQL
	}
	rows, err := tx.Query(ctx, `
		SELECT t.n, q.granted, q.remaining, q.free_at
		FROM (SELECT * FROM unnest((SELECT $1::text[]), (SELECT $2::integer[]), (SELECT $3::integer[]), (SELECT $4::timestamptz[]))
		          WITH ORDINALITY AS t (who, want, most, at, n) ORDER BY who) t
		CROSS JOIN LATERAL take_quota(t.who, t.want, t.most, $5, t.at) q`, who, want, most, at, span)
	if err != nil {
		return nil, classify("quota", err)
	}
	all := make([]QuotaGot, n)
	var (
		i   int
		got QuotaGot
	)
	_, err = pgx.ForEachRow(rows, []any{&i, &got.Got, &got.Left, &got.Free}, func() error {
		all[i-1] = got
		return nil
	})
	return all, classify("quota", err)
}

// GiveQuotas gives back what was taken and not used, by principal.
func (tx Tx) GiveQuotas(ctx context.Context, back map[string]int) error {
	who, how := make([]string, 0, len(back)), make([]int32, 0, len(back))
	for p, n := range back {
		who, how = append(who, p), append(how, int32(n)) //nolint:gosec // no more than was taken
	}
	_, err := tx.Exec(ctx, `
		SELECT give_quota(who, back) FROM (SELECT * FROM unnest($1::text[], $2::integer[]) AS t (who, back) ORDER BY who) t`, who, how)
	return classify("quota", err)
}

// ForgetQuotas removes what nobody has used since and nobody uses right now, a
// few thousand at most.
func (tx Tx) ForgetQuotas(ctx context.Context, before time.Time) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM quotas WHERE principal IN (
			SELECT principal FROM quotas WHERE touched_at < $1 LIMIT 5000 FOR UPDATE SKIP LOCKED)`, before)
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
