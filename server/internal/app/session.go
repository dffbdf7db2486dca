package app

import (
	"context"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const maxClient = 100 // characters of what a program calls itself

// Speaking notes the language of whoever asks, for what the hub writes to them
// later.
func (a Actor) Speaking(language string) Actor {
	a.speaks = language
	return a
}

// Via notes which program asks, as it names itself: its sign-ins are listed
// under that name.
func (a Actor) Via(program string) Actor {
	program = strings.Map(func(r rune) rune {
		if !oneLine(string(r)) {
			return -1
		}
		return r
	}, program)
	if r := []rune(program); len(r) > maxClient {
		program = string(r[:maxClient])
	}
	a.client = program
	return a
}

// Sessions lists the actor's sign-ins that last, the newest first.
func (a Actor) Sessions(ctx context.Context) (all []hub.Session, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		all, err = tx.Families(ctx, a.user.ID, a.app.now())
		return err
	})
	for i := range all {
		all[i].Current = all[i].ID == a.family
	}
	return all, err
}

// EndSession ends one of the actor's sign-ins. It may be the actor's own.
func (a Actor) EndSession(ctx context.Context, id string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	if id == "" { // which would be all
		return errNoSession
	}
	ended, err := a.endSessions(ctx, id, "")
	if err == nil && ended == 0 {
		return errNoSession
	}
	return err
}

// EndOtherSessions ends all of the actor's sign-ins but its own, and returns how
// many.
func (a Actor) EndOtherSessions(ctx context.Context) (int, error) {
	if err := a.signedIn(); err != nil {
		return 0, err
	}
	return a.endSessions(ctx, "", a.family)
}

var errNoSession = &hub.Error{Code: hub.NotFound, Message: "There is no such sign-in."}

func (a Actor) endSessions(ctx context.Context, only, keep string) (int, error) {
	var ended []string
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		ended, err = a.app.endSessions(ctx, tx, a.user.ID, a.user.ID, only, keep)
		return err
	})
	a.app.forgetAll(ended)
	return len(ended), err
}

// endSessions ends sign-ins of a user and writes down who did. The caller makes
// this process forget them once that is committed.
func (a *App) endSessions(ctx context.Context, tx postgres.Tx, actor, userID, only, keep string) ([]string, error) {
	ended, err := tx.RevokeFamilies(ctx, userID, only, keep, a.now())
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	return ended, tx.Audit(ctx, actor, userID, "account.sessions_ended", map[string]int{"sessions": len(ended)})
}

func (a *App) forgetAll(families []string) {
	for _, f := range families {
		a.forget(f)
	}
}
