package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// LabSharing returns since when a session is shared; nil when it isn't.
func (tx Tx) LabSharing(ctx context.Context, session string) (since *time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT shared_at FROM lab_sessions WHERE id = $1`, session).Scan(&since)
	return since, classify("lab session", err)
}

// ShareLab writes since when a session is shared. One that is shared already
// keeps its time. It reports whether that changed anything.
func (tx Tx) ShareLab(ctx context.Context, session string, since *time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE lab_sessions SET shared_at = $2 WHERE id = $1 AND (shared_at IS NULL) <> ($2::timestamptz IS NULL)`, session, since)
	return tag.RowsAffected() == 1, classify("lab session", err)
}

// WatchableLab returns a running session that its learner shares and that
// belongs to a course of user's, or to any when all is set. One that is there
// and not shared is as one that isn't there.
func (tx Tx) WatchableLab(ctx context.Context, user string, all bool, session string) (LabRun, error) {
	return tx.oneLabRun(ctx, `WHERE s.id = $3 AND s.shared_at IS NOT NULL AND s.ended_at IS NULL AND ($2 OR c.owner_id = $1)`, user, all, session)
}

// SharedLabs returns the sessions that WatchableLab would, the oldest consent
// first.
func (tx Tx) SharedLabs(ctx context.Context, user string, all bool, now time.Time) ([]hub.SharedLab, error) {
	rows, err := tx.Query(ctx, `
		SELECT s.id, s.lab_id, v.document->>'title', u.username, s.shared_at
		FROM lab_sessions s
		JOIN users u ON u.id = s.user_id
		JOIN lab_versions v ON v.lab_id = s.lab_id AND v.hash = s.lab_version
		JOIN labs l ON l.id = s.lab_id
		LEFT JOIN courses c ON c.id = l.course_id
		WHERE s.shared_at IS NOT NULL AND s.ended_at IS NULL AND s.expires_at > $3 AND ($2 OR c.owner_id = $1)
		ORDER BY s.shared_at LIMIT 200`, user, all, now)
	if err != nil {
		return nil, classify("lab session", err)
	}
	labs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l hub.SharedLab, err error) {
		err = row.Scan(&l.SessionID, &l.LabID, &l.Title, &l.Learner, &l.SharedAt)
		return l, err
	})
	return labs, classify("lab session", err)
}

// LabRecorded says whether the shells of a session are recorded.
func (tx Tx) LabRecorded(ctx context.Context, session string) (on bool, err error) {
	err = tx.QueryRow(ctx, `SELECT recorded FROM lab_sessions WHERE id = $1`, session).Scan(&on)
	return on, classify("lab session", err)
}

// RecordLab writes whether they are.
func (tx Tx) RecordLab(ctx context.Context, session string, on bool) error {
	_, err := tx.Exec(ctx, `UPDATE lab_sessions SET recorded = $2 WHERE id = $1`, session, on)
	return classify("lab session", err)
}

// Recorded is how many recordings user has and how much they take. No other
// transaction that asked for it adds to them meanwhile.
func (tx Tx) Recorded(ctx context.Context, user string) (n int, bytes int64, err error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, user); err != nil {
		return 0, 0, classify("user", err)
	}
	err = tx.QueryRow(ctx, `SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM lab_recordings WHERE user_id = $1`, user).Scan(&n, &bytes)
	return n, bytes, classify("recording", err)
}

// RemoveEmptyRecordings deletes those of user in which nothing was recorded
// since they began, before some time.
func (tx Tx) RemoveEmptyRecordings(ctx context.Context, user string, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM lab_recordings WHERE user_id = $1 AND bytes = 0 AND started_at < $2`, user, before)
	return classify("recording", err)
}

// AddRecording stores a recording of which nothing is there yet.
func (tx Tx) AddRecording(ctx context.Context, user string, r hub.Recording) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO lab_recordings (id, user_id, session_id, lab_id, title, columns, rows, term, started_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, user, r.SessionID, r.LabID, r.Title, r.Columns, r.Rows, r.Term, r.StartedAt)
	return classify("recording", err)
}

// AppendRecording adds a chunk to a recording. One that was deleted meanwhile
// is not found.
func (tx Tx) AppendRecording(ctx context.Context, id string, number int, data []byte, duration time.Duration) error {
	tag, err := tx.Exec(ctx, `UPDATE lab_recordings SET bytes = bytes + $2, duration_ms = $3 WHERE id = $1`, id, len(data), duration.Milliseconds())
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return classify("recording", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO lab_recording_chunks (recording_id, number, data) VALUES ($1, $2, $3)`, id, number, data)
	return classify("recording", err)
}

const recording = `SELECT id, session_id, lab_id, title, columns, rows, term, started_at, duration_ms / 1000.0, bytes FROM lab_recordings `

func scanRecording(row pgx.CollectableRow) (r hub.Recording, err error) {
	err = row.Scan(&r.ID, &r.SessionID, &r.LabID, &r.Title, &r.Columns, &r.Rows, &r.Term, &r.StartedAt, &r.Duration, &r.Bytes)
	return r, err
}

// Recordings returns the recordings of user, the newest first.
func (tx Tx) Recordings(ctx context.Context, user string) ([]hub.Recording, error) {
	rows, err := tx.Query(ctx, recording+`WHERE user_id = $1 ORDER BY started_at DESC, id LIMIT 1000`, user)
	if err != nil {
		return nil, classify("recording", err)
	}
	rs, err := pgx.CollectRows(rows, scanRecording)
	return rs, classify("recording", err)
}

// Recording returns one of user's recordings, and its events.
func (tx Tx) Recording(ctx context.Context, user, id string) (r hub.Recording, events []byte, err error) {
	rows, err := tx.Query(ctx, recording+`WHERE user_id = $1 AND id = $2`, user, id)
	if err != nil {
		return r, nil, classify("recording", err)
	}
	if r, err = pgx.CollectExactlyOneRow(rows, scanRecording); err != nil {
		return r, nil, classify("recording", err)
	}
	err = tx.QueryRow(ctx, `SELECT coalesce(string_agg(data, ''::bytea ORDER BY number), '') FROM lab_recording_chunks WHERE recording_id = $1`, id).Scan(&events)
	return r, events, classify("recording", err)
}

// RemoveRecording deletes one of user's recordings.
func (tx Tx) RemoveRecording(ctx context.Context, user, id string) error {
	tag, err := tx.Exec(ctx, `DELETE FROM lab_recordings WHERE user_id = $1 AND id = $2`, user, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return classify("recording", err)
}
