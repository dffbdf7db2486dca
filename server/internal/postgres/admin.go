package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// AccountKey is the place of an account in the list.
type AccountKey struct {
	At time.Time `json:"a"`
	ID string    `json:"i"`
}

// suspended says whether somebody else than its owner has closed an account.
const suspended = `(u.disabled_at IS NOT NULL AND u.disabled_at IS DISTINCT FROM u.delete_requested_at)`

const accountColumns = userColumns + `, u.email_verified_at IS NOT NULL, CASE WHEN ` + suspended + ` THEN u.disabled_at END, u.delete_at`

func scanAccount(row pgx.Row, more ...any) (a hub.Account, err error) {
	a.User, err = scanUser(row, append([]any{&a.EmailVerified, &a.SuspendedAt, &a.DeleteAt}, more...)...)
	return a, err
}

// Accounts lists accounts, the newest first, and says where the next page
// begins.
func (tx Tx) Accounts(ctx context.Context, f hub.AccountFilter, after *AccountKey) ([]hub.Account, *AccountKey, error) {
	from := AccountKey{ID: "00000000-0000-0000-0000-000000000000"}
	if after != nil {
		from = *after
	}
	begins := strings.TrimSuffix(strings.TrimPrefix(contains(strings.ToLower(f.Query)), "%"), "%") + "%"
	rows, err := tx.Query(ctx, `SELECT `+accountColumns+` FROM users u
		WHERE ($1 = '' OR lower(u.email) LIKE $2 OR lower(u.username) LIKE $2 OR u.id::text = lower($1))
		  AND ($3 = '' OR coalesce(u.staff_role, u.subscription_tier) = $3) AND (NOT $4 OR `+suspended+`)
		  AND (NOT $5 OR (u.created_at, u.id) < ($6, $7::text::uuid))
		ORDER BY u.created_at DESC, u.id DESC LIMIT $8`,
		f.Query, begins, string(f.Role), f.Suspended, after != nil, from.At, from.ID, f.Limit+1)
	if err != nil {
		return nil, nil, classify("account", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (hub.Account, error) { return scanAccount(row) })
	if err != nil || len(all) <= f.Limit {
		return all, nil, classify("account", err)
	}
	all = all[:f.Limit]
	last := all[f.Limit-1]
	return all, &AccountKey{last.CreatedAt, last.ID}, nil
}

// Account returns an account by its id, its e-mail address or its user name,
// whatever state it is in.
func (tx Tx) Account(ctx context.Context, ref string, now time.Time) (d hub.AccountDetail, err error) {
	d.Account, err = scanAccount(tx.QueryRow(ctx, `SELECT `+accountColumns+`,
		(SELECT count(*) FROM refresh_families WHERE user_id = u.id AND revoked_at IS NULL AND expires_at > $2),
		(SELECT count(*) FROM api_keys WHERE user_id = u.id AND expires_at > $2),
		(SELECT count(*) FROM ssh_keys WHERE user_id = u.id),
		(SELECT count(*) FROM enrollments WHERE user_id = u.id),
		(SELECT count(*) FROM certificates WHERE user_id = u.id),
		(SELECT count(*) FROM lab_sessions WHERE user_id = u.id AND ended_at IS NULL),
		(SELECT max(greatest(created_at, last_used_at)) FROM refresh_families WHERE user_id = u.id)
		FROM users u WHERE u.id::text = lower($1) OR lower(u.email) = lower($1) OR lower(u.username) = lower($1)
		ORDER BY u.id::text = lower($1) DESC, lower(u.email) = lower($1) DESC LIMIT 1`, ref, now),
		&d.SignIns, &d.APIKeys, &d.SSHKeys, &d.Enrollments, &d.Certificates, &d.LabsRunning, &d.LastSeenAt)
	return d, err
}

// OtherAdmins makes every other transaction that asks the same wait for this
// one, and returns how many admins there are besides userID whose accounts are
// open.
func (tx Tx) OtherAdmins(ctx context.Context, userID string) (n int, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('admins of ' || current_schema(), 0))`); err != nil {
		return 0, classify("account", err)
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM users WHERE staff_role = 'admin' AND disabled_at IS NULL AND id <> $1::text::uuid`, userID).Scan(&n)
	return n, classify("account", err)
}

// Suspend closes an account until Unsuspend, also one that its owner has closed,
// and reports whether it was not suspended before.
func (tx Tx) Suspend(ctx context.Context, userID string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE users u SET disabled_at = $2, updated_at = $2 WHERE u.id = $1::text::uuid AND NOT `+suspended, userID, now)
	return tag.RowsAffected() > 0, classify("account", err)
}

// Unsuspend undoes Suspend. An account that its owner wants gone stays closed,
// as they left it.
func (tx Tx) Unsuspend(ctx context.Context, userID string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE users u SET disabled_at = u.delete_requested_at, updated_at = $2 WHERE u.id = $1::text::uuid AND `+suspended, userID, now)
	return tag.RowsAffected() > 0, classify("account", err)
}

// LabsInFlight lists running sessions, the newest first, and says where the next
// page begins.
func (tx Tx) LabsInFlight(ctx context.Context, p hub.Paging, after *AccountKey) ([]hub.LabInFlight, *AccountKey, error) {
	var from AccountKey
	if after != nil {
		from = *after
	}
	rows, err := tx.Query(ctx, `SELECT s.id, s.lab_id, s.user_id::text, u.username, s.state, s.step, s.node, s.created_at, s.expires_at
		FROM lab_sessions s JOIN users u ON u.id = s.user_id
		WHERE s.ended_at IS NULL AND (NOT $1 OR (s.created_at, s.id) < ($2, $3))
		ORDER BY s.created_at DESC, s.id DESC LIMIT $4`, after != nil, from.At, from.ID, p.Limit+1)
	if err != nil {
		return nil, nil, classify("lab session", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l hub.LabInFlight, err error) {
		err = row.Scan(&l.ID, &l.LabID, &l.UserID, &l.Username, &l.State, &l.Step, &l.Node, &l.CreatedAt, &l.ExpiresAt)
		return l, err
	})
	if err != nil || len(all) <= p.Limit {
		return all, nil, classify("lab session", err)
	}
	all = all[:p.Limit]
	last := all[p.Limit-1]
	return all, &AccountKey{last.CreatedAt, last.ID}, nil
}

// AuditLog lists what was done, the newest first, before the entry with that id
// if one is given, and says behind which one the next page begins.
func (tx Tx) AuditLog(ctx context.Context, f hub.AuditFilter, before *int64) ([]hub.AuditEntry, *int64, error) {
	rows, err := tx.Query(ctx, `SELECT id, at, coalesce(actor_id::text, ''), coalesce(subject_id::text, ''), action, data FROM audit_log
		WHERE ($1 = '' OR actor_id = nullif($1, '')::uuid) AND ($2 = '' OR subject_id = nullif($2, '')::uuid)
		  AND ($3 = '' OR action = $3 OR action LIKE $4) AND ($5::bigint IS NULL OR id < $5)
		ORDER BY id DESC LIMIT $6`, f.ActorID, f.SubjectID, f.Action, strings.TrimPrefix(contains(f.Action+"."), "%"), before, f.Limit+1)
	if err != nil {
		return nil, nil, classify("audit log", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e hub.AuditEntry, err error) {
		var data []byte
		if err := row.Scan(&e.ID, &e.At, &e.ActorID, &e.SubjectID, &e.Action, &data); err != nil {
			return e, err
		}
		e.At = e.At.UTC()
		return e, json.Unmarshal(data, &e.Data)
	})
	if err != nil || len(all) <= f.Limit {
		return all, nil, classify("audit log", err)
	}
	return all[:f.Limit], &all[f.Limit-1].ID, nil
}

// countExactly is up to how many rows are counted. Of more the database's own
// estimate is told.
const countExactly = 10_000

// CountRows returns how many rows a table of ours has.
func (tx Tx) CountRows(ctx context.Context, table string) (c hub.Count, err error) {
	name := pgx.Identifier{table}.Sanitize()
	err = tx.QueryRow(ctx, fmt.Sprintf(`
		WITH few AS (SELECT count(*) AS n FROM (SELECT 1 FROM %s LIMIT %d) x)
		SELECT CASE WHEN n < %[2]d THEN n ELSE greatest(n, (SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1))) END, n < %[2]d FROM few`,
		name, countExactly), name).Scan(&c.Count, &c.Exact)
	return c, classify("count", err)
}

// CountUsersSince returns how many accounts were made since then, as far as it
// counts.
func (tx Tx) CountUsersSince(ctx context.Context, since time.Time) (c hub.Count, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM users WHERE created_at > $1 LIMIT $2) x`, since, countExactly).Scan(&c.Count)
	c.Exact = c.Count < countExactly
	return c, classify("count", err)
}

// CountLabStates returns how many sessions run, by state.
func (tx Tx) CountLabStates(ctx context.Context) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT state, count(*) FROM lab_sessions WHERE ended_at IS NULL GROUP BY state`)
	if err != nil {
		return nil, classify("lab session", err)
	}
	of := map[string]int{}
	var state string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error { of[state] = n; return nil })
	return of, classify("lab session", err)
}
