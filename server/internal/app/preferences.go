package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
	"github.com/cloudmastershub/cmh/words/more"
)

const (
	maxPreferences = 16 << 10 // as JSON

	// Preferences decide nothing, so while changes are told they are kept for as
	// long as a day.
	preferencesLife = 24 * time.Hour
	keptPreferences = 16 << 20 // bytes, everybody's together
)

// preferredLanguage is the one preference that means something here: the language
// that the hub writes to its owner in.
const preferredLanguage = "language"

// speaking speaks the language of whose preferences these are.
func speaking(p hub.Preferences) words.Speaker {
	language, _ := p[preferredLanguage].(string)
	s, _ := more.Languages.In(language)
	return s
}

type knownPreferences struct {
	p    hub.Preferences // nobody changes it
	size int
	read time.Time
}

// Preferences returns what the actor's programs keep. It is not to be changed.
func (a Actor) Preferences(ctx context.Context) (p hub.Preferences, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	k, now := &a.app.known, a.app.now()
	if p, ok := k.preferences(a.user.ID, now); ok {
		return p, nil
	}
	seen := k.generation()
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		p, err = tx.Preferences(ctx, a.user.ID)
		return err
	})
	if err == nil {
		k.keepPreferences(a.user.ID, p, now, seen)
	}
	return p, err
}

// SetPreferences replaces what the actor's programs keep.
func (a Actor) SetPreferences(ctx context.Context, p hub.Preferences) (hub.Preferences, error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	if p == nil {
		p = hub.Preferences{}
	}
	if b, err := json.Marshal(p); err != nil || len(b) > maxPreferences {
		return nil, hub.Errorf(hub.Invalid, "Preferences have at most %d bytes.", maxPreferences)
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		return tx.SetPreferences(ctx, a.user.ID, p, a.app.now())
	})
	a.app.known.forgetUser(a.user.ID) // word of it may come later than the next request
	return p, err
}

// preferences are what is known of somebody's: nothing while changes aren't told.
func (k *known) preferences(userID string, now time.Time) (hub.Preferences, bool) {
	k.init()
	e, ok := k.prefs.GetIfPresent(userID)
	age := now.Sub(e.read)
	return e.p, ok && k.told.Load() && age >= 0 && age < preferencesLife
}

func (k *known) keepPreferences(userID string, p hub.Preferences, now time.Time, seen int64) {
	b, err := json.Marshal(p)
	if err != nil || !k.told.Load() {
		return
	}
	k.prefs.Set(userID, knownPreferences{p, len(b), now})
	if k.generation() != seen {
		k.prefs.Invalidate(userID)
	}
}
