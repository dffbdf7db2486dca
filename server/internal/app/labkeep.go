package app

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// LabShare is how much one learner may keep, and for how long.
type LabShare struct {
	Most  int
	Bytes int64
	For   time.Duration
}

// The shares of the tiers, where nothing else is configured.
var (
	defaultShare = LabShare{Most: 20, Bytes: 2 << 30, For: 30 * 24 * time.Hour}
	premiumShare = LabShare{Most: 100, Bytes: 10 << 30, For: 30 * 24 * time.Hour}
)

const (
	keepLimit      = 20 * time.Second // to keep one
	endLimit       = 5 * time.Second  // to keep one before a sandbox goes, which is to be soon
	abandonedAfter = 10 * time.Minute // a reservation, far above keepLimit
	keepsNothing   = "This installation keeps no checkpoints."
)

func (a *App) share(role hub.Role) LabShare {
	s := defaultShare
	if access.Rank(role) >= access.Rank(hub.Premium) {
		s = premiumShare
	}
	if c := a.Labs.Share; c.Most > 0 {
		s.Most = c.Most
	}
	if c := a.Labs.Share; c.Bytes > 0 {
		s.Bytes = c.Bytes
	}
	if c := a.Labs.Share; c.For > 0 {
		s.For = c.For
	}
	return s
}

var checkpointName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,39}$`)

// SaveLab keeps the files of a running session on demand. A name is the
// learner's own and may be empty.
func (a Actor) SaveLab(ctx context.Context, ref, name string) (c hub.Checkpoint, err error) {
	if name = strings.TrimSpace(name); name != "" && !checkpointName.MatchString(name) {
		return c, hub.Unfit([]hub.FieldError{hub.Field("/name", "A checkpoint's name has 1 to 40 letters, digits, blanks, dots, dashes and underscores.")})
	}
	r, release, err := a.atWork(ctx, ref)
	if err != nil {
		return c, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLimit)
	defer cancel()
	return a.app.keepLab(ctx, r, hub.KeptSaved, name)
}

// Checkpoints lists what the caller keeps: of one session or lab, or all with an
// empty ref.
func (a Actor) Checkpoints(ctx context.Context, ref string) (list hub.Checkpoints, err error) {
	list.Items = []hub.Checkpoint{}
	if err := a.signedIn(); err != nil {
		return list, err
	}
	var all []postgres.Checkpoint
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		all, err = tx.UsersCheckpoints(ctx, a.user.ID)
		return err
	})
	for _, c := range all {
		list.Count, list.Bytes = list.Count+1, list.Bytes+c.Bytes
		if ref == "" || ref == c.SessionID || ref == c.LabID {
			list.Items = append(list.Items, c.Checkpoint)
		}
	}
	if a.app.Labs.Engine != nil && a.app.Labs.Engine.Keeps() == nil {
		s := a.app.share(a.user.Role)
		list.Most, list.MostBytes = s.Most, s.Bytes
	}
	return list, err
}

// ForgetCheckpoint removes one of the caller's.
func (a Actor) ForgetCheckpoint(ctx context.Context, id string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	var c postgres.Checkpoint
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if c, err = tx.UsersCheckpoint(ctx, a.user.ID, "", id); err != nil {
			return err
		}
		if c.InUse {
			return hub.Errorf(hub.Conflict, "A lab is being made of this checkpoint. Please try again in a moment.")
		}
		return tx.DropCheckpoints(ctx, c.ID)
	})
	if err == nil {
		a.app.dropFiles(ctx, []postgres.Checkpoint{c})
	}
	return err
}

// keepLab keeps the files of r's sandbox. The row comes first, so that the
// sweeper knows whose the files are from their first moment; it is nothing to
// anybody before they are whole. The caller has claimed r, unless it has ended.
func (a *App) keepLab(ctx context.Context, r postgres.LabRun, kind, name string) (c hub.Checkpoint, err error) {
	if err := a.Labs.Engine.Keeps(); err != nil {
		return c, keepFailure(err)
	}
	owner, err := a.UserByID(ctx, r.UserID)
	if err != nil {
		return c, err
	}
	share, now := a.share(owner.Role), a.now()
	c = hub.Checkpoint{
		ID: "k-" + strings.ToLower(rand.Text())[:10], SessionID: r.ID, LabID: r.LabID, Kind: kind, Name: name, Step: r.Step,
		CreatedAt: now, ExpiresAt: now.Add(share.For),
	}
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.AddCheckpoint(ctx, c, r) })
	if err != nil {
		return c, err
	}
	snapshot, err := a.Labs.Engine.Keep(ctx, r.ID, c.ID)
	if err != nil {
		return c, errors.Join(keepFailure(err), a.dropCheckpoint(ctx, c.ID))
	}
	c.Bytes = snapshot.Bytes
	var gone []postgres.Checkpoint
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if gone, err = a.makeRoom(ctx, tx, c, r.UserID, share); err != nil {
			return err
		}
		if err := tx.KeepCheckpoint(ctx, c.ID, c.Bytes, now); err != nil {
			return err
		}
		if kind != hub.KeptSaved { // the events of what it belongs to tell of it
			return nil
		}
		return tx.Event(ctx, r.UserID, "lab.kept", map[string]any{
			"session": r.ID, "lab": r.LabID, "version": r.Version, "checkpoint": c.ID, "name": name, "step": c.Step, "bytes": c.Bytes,
		})
	})
	if err != nil {
		return c, errors.Join(err, a.dropCheckpoint(ctx, c.ID))
	}
	a.dropFiles(ctx, gone)
	return c, nil
}

// makeRoom removes the rows of checkpoints that c takes the place of, and of the
// oldest automatic ones as far as the learner's share asks for it. It refuses
// where only saved ones are left to remove: these are the learner's to give up.
func (a *App) makeRoom(ctx context.Context, tx postgres.Tx, c hub.Checkpoint, user string, share LabShare) (gone []postgres.Checkpoint, err error) {
	all, err := tx.UsersCheckpoints(ctx, user)
	if err != nil {
		return nil, err
	}
	count, bytes := 1, c.Bytes
	var automatic []postgres.Checkpoint
	for _, old := range all {
		replaced := c.Kind != hub.KeptSaved && old.Kind == c.Kind && old.SessionID == c.SessionID && (c.Kind != hub.KeptStep || old.Step == c.Step)
		if replaced && !old.InUse {
			gone = append(gone, old)
			continue
		}
		count, bytes = count+1, bytes+old.Bytes
		if old.Kind != hub.KeptSaved && !old.InUse {
			automatic = append(automatic, old) // the newest first
		}
	}
	for i := len(automatic) - 1; i >= 0 && (count > share.Most || bytes > share.Bytes); i-- {
		count, bytes = count-1, bytes-automatic[i].Bytes
		gone = append(gone, automatic[i])
	}
	if count > share.Most || bytes > share.Bytes {
		return nil, hub.Errorf(hub.Limit,
			"There is no room for another checkpoint: you may keep %d with %d MiB, and what you saved takes that up. See them with: cmh lab checkpoints; remove one with: cmh lab forget CHECKPOINT",
			share.Most, share.Bytes>>20)
	}
	ids := make([]string, len(gone))
	for i, old := range gone {
		ids[i] = old.ID
	}
	return gone, tx.DropCheckpoints(ctx, ids...)
}

// keepFailure is what the learner is told about err.
func keepFailure(err error) error {
	switch {
	case errors.Is(err, labs.ErrKeepsNothing):
		return hub.Wrap(err, hub.Unavailable, keepsNothing)
	case errors.Is(err, labs.ErrNotFound):
		return hub.Wrap(err, hub.Conflict, "There is nothing to keep: the lab's sandbox is gone.")
	}
	return hub.Wrap(err, hub.Unavailable, "The checkpoint could not be made. Please try again.")
}

func (a *App) dropCheckpoint(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime)
	defer cancel()
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.DropCheckpoints(ctx, id) })
	return errors.Join(err, a.Labs.Engine.Forget(ctx, id))
}

// dropFiles removes the files of checkpoints whose rows are gone. Those that can't
// be removed now are for the sweeper.
func (a *App) dropFiles(ctx context.Context, gone []postgres.Checkpoint) {
	if a.Labs.Engine == nil {
		return
	}
	for _, c := range gone {
		if c.Node != a.Labs.Node {
			continue
		}
		if err := a.Labs.Engine.Forget(context.WithoutCancel(ctx), c.ID); err != nil {
			a.Log.WarnContext(ctx, "checkpoint's files not removed yet", "checkpoint", c.ID, "err", err)
		}
	}
}

// keepStep keeps what r is like when its current step is done. A learner who
// passed has passed without it.
func (a *App) keepStep(ctx context.Context, r postgres.LabRun) {
	a.keepQuietly(ctx, r, hub.KeptStep, keepLimit)
}

// keepDone is keepStep for a step that is left without a check having passed,
// and so perhaps without a checkpoint.
func (a *App) keepDone(ctx context.Context, r postgres.LabRun) {
	if r.Step == 0 || a.Labs.Engine.Keeps() != nil {
		return
	}
	var kept []postgres.Checkpoint
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		kept, err = tx.CheckpointsOf(ctx, r.ID, hub.KeptStep, r.Step)
		return err
	})
	if err == nil && len(kept) == 0 {
		a.keepStep(ctx, r)
	}
}

// keepEnd keeps what a session was like at its end, before its sandbox goes: so
// that it can be taken up again. One that was handed in is finished. It is asked
// for by whoever removes the sandbox, perhaps not for the first time.
func (a *App) keepEnd(ctx context.Context, id string) {
	if a.Labs.Engine.Keeps() != nil {
		return
	}
	var (
		r    postgres.LabRun
		kept bool
	)
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if r, err = tx.LabRun(ctx, id); err != nil {
			return err
		}
		kept, err = tx.CheckpointKept(ctx, id, hub.KeptEnd)
		return err
	})
	worth := r.EndedAt != nil && r.DestroyedAt == nil && r.State != hub.Submitted && begun(r)
	if err == nil && !kept && worth {
		a.keepQuietly(ctx, r, hub.KeptEnd, endLimit)
	}
}

// begun reports whether r has a sandbox that a learner was let into.
func begun(r postgres.LabRun) bool {
	return r.SetupAt != nil && (r.Step == 0 || r.Marks[r.Step-1].OpenedAt != nil)
}

// keepQuietly keeps what nobody has asked for, if that takes no longer than
// limit. So nobody is told when it fails.
func (a *App) keepQuietly(ctx context.Context, r postgres.LabRun, kind string, limit time.Duration) bool {
	if a.Labs.Engine.Keeps() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	_, err := a.keepLab(ctx, r, kind, "")
	if err != nil && !errors.Is(err, labs.ErrNotFound) {
		a.Log.WarnContext(ctx, "checkpoint not made", "session", r.ID, "kind", kind, "err", err)
	}
	return err == nil
}

// ForgetCheckpoints removes those whose time is up. Their files are for the
// sweepers of their machines.
func (a *App) ForgetCheckpoints(ctx context.Context) error {
	return a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.ForgetCheckpoints(ctx, a.now()) })
}

// sweepCheckpoints makes this node agree with the rows: reservations from
// before some time came to nothing, files that no row owns go, and so do rows
// whose files are gone.
func (a *App) sweepCheckpoints(ctx context.Context, reservedBefore time.Time) error {
	rows := func(drop ...string) (all map[string]bool, err error) {
		err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
			if err := tx.DropReservations(ctx, a.Labs.Node, reservedBefore); err != nil {
				return err
			}
			if err := tx.DropCheckpoints(ctx, drop...); err != nil {
				return err
			}
			all, err = tx.NodeCheckpoints(ctx, a.Labs.Node)
			return err
		})
		return all, err
	}
	// As with sandboxes: a row is there before its files, and a whole one that
	// was read before the list had its files by then.
	before, err := rows()
	if err != nil {
		return err
	}
	there, err := a.Labs.Engine.Kept(ctx)
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, s := range there {
		found[s.Name] = true
	}
	var lost []string
	for id, whole := range before {
		if whole && !found[id] && a.Labs.Engine.Keeps() == nil {
			lost = append(lost, id)
		}
	}
	after, err := rows(lost...)
	errs := []error{err}
	if err == nil {
		for id := range found {
			if _, owned := after[id]; !owned {
				errs = append(errs, a.Labs.Engine.Forget(ctx, id))
			}
		}
	}
	return errors.Join(errs...)
}
