package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Checkpoint is a checkpoint as stored.
type Checkpoint struct {
	hub.Checkpoint
	UserID  string
	Version string // of the lab
	Node    string
	Steps   []hub.StepState
	Marks   []StepMarks
	InUse   bool // a sandbox is being made of it
}

// keptStep is one step as a checkpoint remembers it.
type keptStep struct {
	hub.StepState
	StepMarks
}

const checkpoint = `
	SELECT id, session_id, lab_id, kind, name, step, bytes, created_at, expires_at, user_id::text, lab_version, node, marks,
	       EXISTS (SELECT 1 FROM lab_returns l WHERE l.checkpoint = checkpoints.id)
	FROM checkpoints WHERE kept_at IS NOT NULL AND `

func scanCheckpoint(row pgx.CollectableRow) (c Checkpoint, err error) {
	var marks []byte
	err = row.Scan(&c.ID, &c.SessionID, &c.LabID, &c.Kind, &c.Name, &c.Step, &c.Bytes, &c.CreatedAt, &c.ExpiresAt,
		&c.UserID, &c.Version, &c.Node, &marks, &c.InUse)
	if err != nil {
		return c, err
	}
	var steps []keptStep
	if err := json.Unmarshal(marks, &steps); err != nil {
		return c, err
	}
	for _, s := range steps {
		c.Steps, c.Marks = append(c.Steps, s.StepState), append(c.Marks, s.StepMarks)
	}
	return c, nil
}

func (tx Tx) checkpoints(ctx context.Context, where string, args ...any) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, checkpoint+where, args...)
	if err != nil {
		return nil, classify("checkpoint", err)
	}
	all, err := pgx.CollectRows(rows, scanCheckpoint)
	return all, classify("checkpoint", err)
}

func (tx Tx) oneCheckpoint(ctx context.Context, where string, args ...any) (Checkpoint, error) {
	rows, err := tx.Query(ctx, checkpoint+where, args...)
	if err != nil {
		return Checkpoint{}, classify("checkpoint", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCheckpoint)
	return c, classify("checkpoint", err)
}

// AddCheckpoint reserves a checkpoint of r. It is nothing to anybody before
// KeepCheckpoint.
func (tx Tx) AddCheckpoint(ctx context.Context, c hub.Checkpoint, r LabRun) error {
	steps := make([]keptStep, len(r.Steps))
	for i := range r.Steps {
		steps[i] = keptStep{r.Steps[i], r.Marks[i]}
	}
	marks, err := json.Marshal(steps)
	if err != nil {
		return classify("checkpoint", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO checkpoints (id, user_id, session_id, lab_id, lab_version, kind, name, step, marks, node, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		c.ID, r.UserID, r.ID, r.LabID, r.Version, c.Kind, c.Name, c.Step, marks, r.Node, c.CreatedAt, c.ExpiresAt)
	return classify("checkpoint", err)
}

// KeepCheckpoint says that the files of a reserved checkpoint are there. It is a
// conflict when the reservation is not.
func (tx Tx) KeepCheckpoint(ctx context.Context, id string, bytes int64, now time.Time) error {
	tag, err := tx.Exec(ctx, `UPDATE checkpoints SET bytes = $2, kept_at = $3 WHERE id = $1`, id, bytes, now)
	if err == nil && tag.RowsAffected() != 1 {
		return hub.Errorf(hub.Conflict, "The checkpoint was removed while it was made.")
	}
	return classify("checkpoint", err)
}

// DropCheckpoints removes rows. The files are for the caller.
func (tx Tx) DropCheckpoints(ctx context.Context, ids ...string) error {
	_, err := tx.Exec(ctx, `DELETE FROM checkpoints WHERE id = ANY($1)`, ids)
	return classify("checkpoint", err)
}

// UsersCheckpoints returns what user keeps, the newest first, and makes every
// other transaction that asks the same wait for this one.
func (tx Tx) UsersCheckpoints(ctx context.Context, user string) ([]Checkpoint, error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, user); err != nil {
		return nil, classify("account", err)
	}
	return tx.checkpoints(ctx, `user_id = $1 ORDER BY created_at DESC, id`, user)
}

// UsersCheckpoint returns one that user keeps, by its id, or by its name within
// a session, the newest of that name.
func (tx Tx) UsersCheckpoint(ctx context.Context, user, session, ref string) (Checkpoint, error) {
	return tx.oneCheckpoint(ctx, `user_id = $1 AND (id = $3 OR (session_id = $2 AND name = $3 AND name <> ''))
		ORDER BY id = $3 DESC, created_at DESC LIMIT 1`, user, session, ref)
}

// LastCheckpoint returns the newest that user keeps of a session or a lab.
func (tx Tx) LastCheckpoint(ctx context.Context, user, ref string) (Checkpoint, error) {
	return tx.oneCheckpoint(ctx, `user_id = $1 AND (session_id = $2 OR lab_id = $2)
		ORDER BY session_id = $2 DESC, created_at DESC, id LIMIT 1`, user, ref)
}

// StepCheckpoint returns the one to begin a step of r's lab with: of the last
// step before it that was done, in r or, failing that, in another session of
// the same version by the same user. Only with anywhere are the others looked
// at.
func (tx Tx) StepCheckpoint(ctx context.Context, r LabRun, before int, anywhere bool) (Checkpoint, error) {
	return tx.oneCheckpoint(ctx, `user_id = $1 AND kind = 'step' AND step < $2 AND node = $3 AND lab_id = $4 AND lab_version = $5
		AND (session_id = $6 OR $7)
		ORDER BY step DESC, session_id = $6 DESC, created_at DESC LIMIT 1`,
		r.UserID, before, r.Node, r.LabID, r.Version, r.ID, anywhere)
}

// CheckpointsOf returns those of a session that are of a kind, and of a step.
func (tx Tx) CheckpointsOf(ctx context.Context, session, kind string, step int) ([]Checkpoint, error) {
	return tx.checkpoints(ctx, `session_id = $1 AND kind = $2 AND step = $3 ORDER BY created_at DESC`, session, kind, step)
}

// CheckpointKept reports whether a session has one of a kind.
func (tx Tx) CheckpointKept(ctx context.Context, session, kind string) (kept bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM checkpoints WHERE session_id = $1 AND kind = $2 AND kept_at IS NOT NULL)`,
		session, kind).Scan(&kept)
	return kept, classify("checkpoint", err)
}

// NodeCheckpoints returns the ids of all rows whose files should lie on node.
// Those that are false are reservations.
func (tx Tx) NodeCheckpoints(ctx context.Context, node string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `SELECT id, kept_at IS NOT NULL FROM checkpoints WHERE node = $1`, node)
	if err != nil {
		return nil, classify("checkpoint", err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var (
			id   string
			kept bool
		)
		if err := rows.Scan(&id, &kept); err != nil {
			return nil, classify("checkpoint", err)
		}
		all[id] = kept
	}
	return all, classify("checkpoint", rows.Err())
}

// DropReservations removes the reservations of node from before some time.
func (tx Tx) DropReservations(ctx context.Context, node string, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM checkpoints WHERE node = $1 AND kept_at IS NULL AND created_at < $2`, node, before)
	return classify("checkpoint", err)
}

// ForgetCheckpoints removes the rows of those whose time is up, but for what a
// session is being made of.
func (tx Tx) ForgetCheckpoints(ctx context.Context, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM checkpoints c WHERE expires_at <= $1
		AND NOT EXISTS (SELECT 1 FROM lab_returns l WHERE l.checkpoint = c.id)`, now)
	return classify("checkpoint", err)
}

// LabReturn is what a session's sandbox is being made of.
type LabReturn struct {
	Checkpoint string // empty: the lab's start
	Goto       int    // the steps before it are to be replayed; 0: none
	BegunAt    time.Time
}

// LabReturn returns the return that a session is on. Without one it is the zero
// LabReturn.
func (tx Tx) LabReturn(ctx context.Context, session string) (l LabReturn, err error) {
	rows, err := tx.Query(ctx, `SELECT checkpoint, goto_step, begun_at FROM lab_returns WHERE session_id = $1`, session)
	if err != nil {
		return l, classify("lab session", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l LabReturn, err error) {
		return l, row.Scan(&l.Checkpoint, &l.Goto, &l.BegunAt)
	})
	if err != nil || len(all) == 0 {
		return l, classify("lab session", err)
	}
	return all[0], nil
}

// BeginLabReturn stores a return, in place of one that did not end.
func (tx Tx) BeginLabReturn(ctx context.Context, session string, l LabReturn) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO lab_returns (session_id, checkpoint, goto_step, begun_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (session_id) DO UPDATE SET checkpoint = $2, goto_step = $3, begun_at = $4`,
		session, l.Checkpoint, l.Goto, l.BegunAt)
	return classify("lab session", err)
}

// EndLabReturn forgets a session's return.
func (tx Tx) EndLabReturn(ctx context.Context, session string) error {
	_, err := tx.Exec(ctx, `DELETE FROM lab_returns WHERE session_id = $1`, session)
	return classify("lab session", err)
}

// ResetLabSteps writes all steps of r as they stand there, and whose work they
// are.
func (tx Tx) ResetLabSteps(ctx context.Context, r LabRun, now time.Time) error {
	for i, m := range r.Marks {
		if err := tx.SaveLabStep(ctx, r, i+1, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE lab_session_steps SET replayed = $3 WHERE session_id = $1 AND number = $2`, r.ID, i+1, m.Replayed); err != nil {
			return classify("lab step", err)
		}
	}
	return nil
}

// PinLabRun makes a session that has just been added one of another version of
// its lab, with as many steps.
func (tx Tx) PinLabRun(ctx context.Context, session, version string, steps int) error {
	if _, err := tx.Exec(ctx, `UPDATE lab_sessions SET lab_version = $2 WHERE id = $1`, session, version); err != nil {
		return classify("lab session", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM lab_session_steps WHERE session_id = $1 AND number > $2`, session, steps); err != nil {
		return classify("lab session", err)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO lab_session_steps (session_id, number) SELECT $1, n FROM generate_series(1, $2) AS n
		ON CONFLICT DO NOTHING`, session, steps)
	return classify("lab session", err)
}
