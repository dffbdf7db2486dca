package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// AddLabReport stores a report, in place of the one there is on the step of its
// session. It returns it as stored: what is replaced keeps its id.
func (tx Tx) AddLabReport(ctx context.Context, r hub.LabReport, user string) (hub.LabReport, error) {
	verdict, err := json.Marshal(r.Verdict)
	if err != nil {
		return r, err
	}
	err = tx.QueryRow(ctx, `
		INSERT INTO lab_reports (id, user_id, session_id, lab_id, lab_version, step, text, verdict, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (session_id, step) DO UPDATE SET
		    text = excluded.text, verdict = excluded.verdict, created_at = excluded.created_at, settled_at = NULL
		RETURNING id`, r.ID, user, r.SessionID, r.LabID, r.Version, r.Step, r.Text, verdict, r.CreatedAt).Scan(&r.ID)
	return r, classify("report", err)
}

// teaches bounds a query over labs l and courses c to those of the teacher $1;
// an empty one is whoever may see all.
const teaches = `($1 = '' OR c.owner_id::text = $1 OR l.draft_owner::text = $1)`

// LabReports returns the open reports on a teacher's labs, the newest first; on
// one lab when it is named.
func (tx Tx) LabReports(ctx context.Context, teacher, lab string, limit int) ([]hub.LabReport, error) {
	rows, err := tx.Query(ctx, `
		SELECT r.id, r.session_id, r.lab_id, r.lab_version, r.step, r.text, r.verdict, r.created_at
		FROM lab_reports r JOIN labs l ON l.id = r.lab_id LEFT JOIN courses c ON c.id = l.course_id
		WHERE r.settled_at IS NULL AND `+teaches+` AND ($2 = '' OR r.lab_id = $2)
		ORDER BY r.created_at DESC, r.id LIMIT $3`, teacher, lab, limit)
	if err != nil {
		return nil, classify("report", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r hub.LabReport, err error) {
		var verdict []byte
		if err := row.Scan(&r.ID, &r.SessionID, &r.LabID, &r.Version, &r.Step, &r.Text, &verdict, &r.CreatedAt); err != nil {
			return r, err
		}
		return r, json.Unmarshal(verdict, &r.Verdict)
	})
	return all, classify("report", err)
}

// SettleReport takes an open report on a teacher's lab off the list. It reports
// whether there was one.
func (tx Tx) SettleReport(ctx context.Context, teacher, report string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE lab_reports r SET settled_at = $3
		FROM labs l LEFT JOIN courses c ON c.id = l.course_id
		WHERE r.id = $2 AND l.id = r.lab_id AND r.settled_at IS NULL AND `+teaches, teacher, report, now)
	return tag.RowsAffected() == 1, classify("report", err)
}

// TaughtLab returns the newest version of a teacher's lab, and how many steps
// it has. Somebody else's is not there.
func (tx Tx) TaughtLab(ctx context.Context, teacher, lab string) (version string, steps int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT l.version, jsonb_array_length(coalesce(v.document->'steps', '[]'))
		FROM labs l JOIN lab_versions v ON v.lab_id = l.id AND v.hash = l.version LEFT JOIN courses c ON c.id = l.course_id
		WHERE l.id = $2 AND l.retired_at IS NULL AND `+teaches, teacher, lab).Scan(&version, &steps)
	return version, steps, classify("lab", err)
}

// MarkCheck writes whether a step's check is broken. It reports whether that
// changed anything.
func (tx Tx) MarkCheck(ctx context.Context, m hub.CheckMark, user string, now time.Time) (bool, error) {
	if !m.Broken {
		tag, err := tx.Exec(ctx, `DELETE FROM lab_broken_checks WHERE lab_id = $1 AND lab_version = $2 AND step = $3`, m.LabID, m.Version, m.Step)
		return tag.RowsAffected() == 1, classify("mark", err)
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO lab_broken_checks AS b (lab_id, lab_version, step, note, marked_by, marked_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (lab_id, lab_version, step) DO UPDATE SET note = excluded.note, marked_by = excluded.marked_by, marked_at = excluded.marked_at
		WHERE b.note <> excluded.note`, m.LabID, m.Version, m.Step, m.Note, user, now)
	return tag.RowsAffected() == 1, classify("mark", err)
}

// brokenChecks are the steps of a lab's version whose checks are marked.
func (tx Tx) brokenChecks(ctx context.Context, lab, version string) ([]int, error) {
	rows, err := tx.Query(ctx, `SELECT step FROM lab_broken_checks WHERE lab_id = $1 AND lab_version = $2`, lab, version)
	if err != nil {
		return nil, classify("mark", err)
	}
	return collect[int](rows, "mark")
}
