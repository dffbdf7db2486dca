package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// LabRun is a lab session as stored: what its learner sees, and what only the
// rules need.
type LabRun struct {
	hub.LabSession // without SSH
	UserID         string
	Version        string // of the lab; a session keeps the one it began with
	Node           string
	SetupAt        *time.Time // when its sandbox was there and set-up began
	DestroyedAt    *time.Time
	Marks          []StepMarks   // of Steps, in the same order
	IdleAfter      time.Duration // it may be left alone; 0 is for ever
	Warned         int           // minutes before its end, of the last warning; 0 is none
}

// StepMarks is what the rules know of a step besides its state.
type StepMarks struct {
	Checked      bool       `json:"checked"`   // it has a check, and that isn't marked as broken
	Broken       bool       `json:"broken"`    // it is
	Errors       int        `json:"errors"`    // checks that could not be run
	Hints        int        `json:"hints"`     // how many were shown
	HintMask     int64      `json:"hint_mask"` // which ones, bit by bit; their order is the step's
	SolutionSeen bool       `json:"solution_shown"`
	Questions    int        `json:"questions"` // how many its texts ask
	RightAnswers int        `json:"right_answers"`
	WrongAnswers int        `json:"wrong_answers"` // to questions still open
	OpenedAt     *time.Time `json:"opened_at"`
	Replayed     bool       `json:"replayed"` // by its own solution, on the way to a later step
}

const labRun = `
	SELECT s.id, s.user_id::text, s.lab_id, s.lab_version, coalesce(c.slug, ''), v.document->>'title',
	       s.state, s.message, s.step, s.driver, s.node,
	       s.created_at, s.expires_at, s.setup_at, s.ended_at, s.destroyed_at,
	       s.most_until, s.idle_after, s.warned,
	       coalesce((
	           SELECT jsonb_agg(to_jsonb(t) || jsonb_build_object('title', d->'title', 'checked', coalesce((d->>'checked')::boolean, false) AND b.step IS NULL,
	               'broken', b.step IS NOT NULL,
	               'questions', jsonb_array_length(coalesce(d->'questions', '[]')),
	               'right_answers', (SELECT count(*) FROM lab_session_answers w
	                   WHERE w.session_id = t.session_id AND w.step = t.number AND w.right_at IS NOT NULL),
	               'wrong_answers', (SELECT coalesce(sum(w.attempts), 0) FROM lab_session_answers w
	                   WHERE w.session_id = t.session_id AND w.step = t.number AND w.right_at IS NULL)) ORDER BY t.number)
	           FROM lab_session_steps t
	           LEFT JOIN jsonb_array_elements(v.document->'steps') AS d ON (d->>'number')::integer = t.number
	           LEFT JOIN lab_broken_checks b ON b.lab_id = s.lab_id AND b.lab_version = s.lab_version AND b.step = t.number
	           WHERE t.session_id = s.id), '[]')
	FROM lab_sessions s
	JOIN lab_versions v ON v.lab_id = s.lab_id AND v.hash = s.lab_version
	JOIN labs l ON l.id = s.lab_id
	LEFT JOIN courses c ON c.id = l.course_id `

func scanLabRun(row pgx.CollectableRow) (LabRun, error) {
	var (
		r     LabRun
		steps []byte
		idle  int
	)
	err := row.Scan(&r.ID, &r.UserID, &r.LabID, &r.Version, &r.Course, &r.Title,
		&r.State, &r.Message, &r.Step, &r.Driver, &r.Node,
		&r.CreatedAt, &r.ExpiresAt, &r.SetupAt, &r.EndedAt, &r.DestroyedAt,
		&r.ExtendableUntil, &idle, &r.Warned, &steps)
	if err != nil {
		return r, err
	}
	r.IdleAfter = time.Duration(idle) * time.Second
	var both []struct {
		hub.StepState
		StepMarks
	}
	if err := json.Unmarshal(steps, &both); err != nil {
		return r, err
	}
	r.Steps = make([]hub.StepState, len(both))
	r.Marks = make([]StepMarks, len(both))
	for i, b := range both {
		r.Steps[i], r.Marks[i] = b.StepState, b.StepMarks
		r.Steps[i].HintsTaken, r.Steps[i].SolutionSeen, r.Steps[i].Answered = b.Hints, b.StepMarks.SolutionSeen, b.RightAnswers
	}
	return r, nil
}

func (tx Tx) oneLabRun(ctx context.Context, where string, args ...any) (LabRun, error) {
	rows, err := tx.Query(ctx, labRun+where, args...)
	if err != nil {
		return LabRun{}, classify("lab session", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanLabRun)
	return r, classify("lab session", err)
}

func (tx Tx) labRuns(ctx context.Context, where string, args ...any) ([]LabRun, error) {
	rows, err := tx.Query(ctx, labRun+where, args...)
	if err != nil {
		return nil, classify("lab session", err)
	}
	rs, err := pgx.CollectRows(rows, scanLabRun)
	return rs, classify("lab session", err)
}

// LabRun returns a session by its id, whoever's it is.
func (tx Tx) LabRun(ctx context.Context, id string) (LabRun, error) {
	return tx.oneLabRun(ctx, `WHERE s.id = $1`, id)
}

// LockLabRun is LabRun that keeps everybody else from changing the session
// until the transaction ends.
func (tx Tx) LockLabRun(ctx context.Context, id string) (LabRun, error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM lab_sessions WHERE id = $1 FOR UPDATE`, id); err != nil {
		return LabRun{}, classify("lab session", err)
	}
	return tx.LabRun(ctx, id)
}

// UsersLabRun returns user's session by its id, or by its lab: the running one,
// else the latest. Missing and somebody else's are the same.
func (tx Tx) UsersLabRun(ctx context.Context, user, ref string) (LabRun, error) {
	return tx.oneLabRun(ctx, `WHERE s.user_id = $1 AND (s.id = $2 OR s.lab_id = $2)
		ORDER BY s.id = $2 DESC, s.ended_at IS NULL DESC, s.created_at DESC LIMIT 1`, user, ref)
}

// LabDoor returns the running session that the owner of a key calls ref, by its
// id or its lab's, and their role; with a user, that user's. A door needs to
// know little: the session has no steps and no titles.
func (tx Tx) LabDoor(ctx context.Context, fingerprint, user, ref string) (r LabRun, role hub.Role, err error) {
	err = tx.QueryRow(ctx, `SELECT s.id, s.user_id::text, s.lab_id, s.state, s.message, s.node, s.expires_at, coalesce(u.staff_role, u.subscription_tier)
		FROM lab_sessions s JOIN users u ON u.id = s.user_id
		WHERE s.user_id = coalesce(nullif($2, '')::uuid, (SELECT user_id FROM ssh_keys WHERE fingerprint = $1))
		  AND (s.id = $3 OR s.lab_id = $3) AND s.ended_at IS NULL AND u.disabled_at IS NULL
		ORDER BY s.id = $3 DESC, s.created_at DESC LIMIT 1`, fingerprint, user, ref).
		Scan(&r.ID, &r.UserID, &r.LabID, &r.State, &r.Message, &r.Node, &r.ExpiresAt, &role)
	return r, role, classify("lab session", err)
}

// UsersLabRuns returns the sessions of user: running ones first, then the
// newest, at most limit.
func (tx Tx) UsersLabRuns(ctx context.Context, user string, limit int) ([]LabRun, error) {
	return tx.labRuns(ctx, `WHERE s.user_id = $1
		ORDER BY s.ended_at IS NULL DESC, s.created_at DESC, s.id LIMIT $2`, user, limit)
}

// RunningLabs returns the sessions of user that have not ended, and makes every
// other transaction that asks the same wait for this one.
func (tx Tx) RunningLabs(ctx context.Context, user string) ([]LabRun, error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, user); err != nil {
		return nil, classify("account", err)
	}
	return tx.labRuns(ctx, `WHERE s.user_id = $1 AND s.ended_at IS NULL ORDER BY s.created_at`, user)
}

// NodeLabRuns returns the sessions of node of which something may be left: all
// that run, and the ended ones that nobody has seen gone.
func (tx Tx) NodeLabRuns(ctx context.Context, node string) ([]LabRun, error) {
	return tx.labRuns(ctx, `WHERE s.node = $1 AND s.destroyed_at IS NULL ORDER BY s.created_at`, node)
}

// NodeLabRunsAlone is NodeLabRuns that makes every other transaction that asks
// the same of the node wait for this one.
func (tx Tx) NodeLabRunsAlone(ctx context.Context, node string) ([]LabRun, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('labs on ' || $1, 0))`, node); err != nil {
		return nil, classify("lab session", err)
	}
	return tx.NodeLabRuns(ctx, node)
}

// CountLabRuns is how many sessions run on node, by user.
func (tx Tx) CountLabRuns(ctx context.Context, node string) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT user_id::text, count(*) FROM lab_sessions WHERE ended_at IS NULL AND node = $1 GROUP BY 1`, node)
	if err != nil {
		return nil, classify("lab session", err)
	}
	of := map[string]int{}
	var user string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&user, &n}, func() error { of[user] = n; return nil })
	return of, classify("lab session", err)
}

// ExpiredLabRuns returns the running sessions whose time is up at now, locked.
// Those that somebody else is changing are left for the next call.
func (tx Tx) ExpiredLabRuns(ctx context.Context, now time.Time) ([]LabRun, error) {
	return tx.labRuns(ctx, `WHERE s.id IN (
		SELECT id FROM lab_sessions WHERE ended_at IS NULL AND expires_at <= $1
		ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED) ORDER BY s.expires_at`, now)
}

// AddLabRun stores a new session with one pending row for each of its steps.
func (tx Tx) AddLabRun(ctx context.Context, r LabRun, steps int) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO lab_sessions (id, user_id, lab_id, lab_version, state, message, step, driver, node, created_at, expires_at,
		                          most_until, idle_after, warned)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, greatest($11, $12::timestamptz), $13, $14)`,
		r.ID, r.UserID, r.LabID, r.Version, r.State, r.Message, r.Step, r.Driver, r.Node, r.CreatedAt, r.ExpiresAt,
		r.ExtendableUntil, int(r.IdleAfter.Seconds()), r.Warned)
	if err != nil {
		return classify("lab session", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO lab_session_steps (session_id, number) SELECT $1, n FROM generate_series(1, $2) AS n`, r.ID, steps)
	return classify("lab session", err)
}

// SaveLabRun writes what changes in a session's life: its state, message, step
// and times.
func (tx Tx) SaveLabRun(ctx context.Context, r LabRun) error {
	_, err := tx.Exec(ctx, `
		UPDATE lab_sessions SET state = $2, message = $3, step = $4, setup_at = $5, ended_at = $6, destroyed_at = $7,
		       outcome = CASE WHEN $2 IN ('submitted', 'expired', 'stopped') THEN $2 ELSE outcome END
		WHERE id = $1`, r.ID, r.State, r.Message, r.Step, r.SetupAt, r.EndedAt, r.DestroyedAt)
	return classify("lab session", err)
}

// SaveLabClock writes when a session ends, until when that may be put off, and
// which warning was given.
func (tx Tx) SaveLabClock(ctx context.Context, r LabRun) error {
	_, err := tx.Exec(ctx, `UPDATE lab_sessions SET expires_at = $2, most_until = $3, warned = $4 WHERE id = $1`,
		r.ID, r.ExpiresAt, r.ExtendableUntil, r.Warned)
	return classify("lab session", err)
}

// SaveLabStep writes the nth step of r, counted from 1.
func (tx Tx) SaveLabStep(ctx context.Context, r LabRun, n int, now time.Time) error {
	s, m := r.Steps[n-1], r.Marks[n-1]
	checks, err := json.Marshal(s.Checks)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE lab_session_steps SET state = $3, message = $4, attempts = $5, errors = $6, hints = $7,
		       solution_shown = $8, opened_at = $9, hint_mask = $11, checks = $12, score = $13,
		       passed_at = CASE WHEN $3 = 'passed' THEN coalesce(passed_at, $10) ELSE passed_at END
		WHERE session_id = $1 AND number = $2`,
		r.ID, n, s.State, s.Message, s.Attempts, m.Errors, m.Hints, m.SolutionSeen, m.OpenedAt, now,
		m.HintMask, checks, s.Score)
	return classify("lab step", err)
}

// MergeLabProgress raises how far user is with a lab: the highest percentage
// and the first completion win. It reports whether this completed the lab.
func (tx Tx) MergeLabProgress(ctx context.Context, user, lab string, percentage int, now time.Time) (completed bool, err error) {
	var before bool
	err = tx.QueryRow(ctx, `
		WITH before AS (SELECT completed_at FROM lab_progress WHERE user_id = $1 AND lab_id = $2)
		INSERT INTO lab_progress AS p (user_id, lab_id, progress_percentage, completed_at)
		VALUES ($1, $2, $3, CASE WHEN $3 = 100 THEN $4::timestamptz END)
		ON CONFLICT (user_id, lab_id) DO UPDATE SET
		    progress_percentage = greatest(p.progress_percentage, excluded.progress_percentage),
		    completed_at = coalesce(p.completed_at, excluded.completed_at)
		RETURNING EXISTS (SELECT 1 FROM before WHERE completed_at IS NOT NULL)`,
		user, lab, percentage, now).Scan(&before)
	return percentage == 100 && !before, classify("lab progress", err)
}

// EnrollOnce enrolls user in the newest version of a course, unless they are.
// It reports whether they were not.
func (tx Tx) EnrollOnce(ctx context.Context, user, course string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO enrollments (user_id, course_id, version, created_at)
		SELECT $1, id, version, $3 FROM courses WHERE id = $2::uuid
		ON CONFLICT DO NOTHING`, user, course, now)
	return tag.RowsAffected() == 1, classify("enrollment", err)
}
