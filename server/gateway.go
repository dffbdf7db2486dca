package server

import (
	"context"
	"log/slog"
	"net"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

func newGateway(a *app.App, cfg Config, l net.Listener, hostKey []byte, driver labs.Driver, v *visits) (*gateway.Gateway, error) {
	forms, err := former(cfg)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Config{
		Listener: l, HostKey: hostKey, UserCA: a.Labs.UserCA.PublicKey(), Driver: driver, Log: cfg.Log,
		Sandboxes: sandboxes{a, cfg.Log}, Lobby: lobby{a, driver, forms, cfg.Log, v}.serve,
	})
}

// sandboxes answers the gateway's questions by the rules.
type sandboxes struct {
	app *app.App
	log *slog.Logger
}

func userOf(ctx context.Context, a *app.App, who gateway.Identity) (hub.User, error) {
	if who.UserID != "" {
		return a.UserByID(ctx, who.UserID)
	}
	return a.UserByKey(ctx, who.Fingerprint)
}

// usersNow is userOf for many who have come in by it: whom one finds no account of
// any more is missing.
func usersNow(ctx context.Context, a *app.App, who []gateway.Identity) (map[gateway.Identity]hub.User, error) {
	var ids, keys []string
	for _, w := range who {
		if w.UserID != "" {
			ids = append(ids, w.UserID)
		} else {
			keys = append(keys, w.Fingerprint)
		}
	}
	by, err := a.UsersNow(ctx, ids, keys)
	if err != nil {
		return nil, err
	}
	now := map[gateway.Identity]hub.User{}
	for _, w := range who {
		ref := w.Fingerprint
		if w.UserID != "" {
			ref = w.UserID
		}
		if u, ok := by[ref]; ok {
			now[w] = u
		}
	}
	return now, nil
}

func (s sandboxes) User(ctx context.Context, who gateway.Identity) (string, error) {
	u, err := userOf(ctx, s.app, who)
	return u.ID, asLabs(err)
}

func (s sandboxes) Users(ctx context.Context, who []gateway.Identity) (map[gateway.Identity]string, error) {
	now, err := usersNow(ctx, s.app, who)
	if err != nil {
		return nil, err
	}
	users := make(map[gateway.Identity]string, len(now))
	for id, u := range now {
		users[id] = u.ID
	}
	return users, nil
}

func (s sandboxes) Resolve(ctx context.Context, who gateway.Identity, name string) (gateway.Place, error) {
	ref, host, more := strings.Cut(name, "+")
	id, role, err := s.resolve(ctx, who, ref)
	if err == nil && more {
		id, err = s.app.LabHost(ctx, id, host)
		err = asLabs(err)
	}
	if err != nil {
		return gateway.Place{}, err
	}
	return gateway.Place{Sandbox: id, Opens: func(door gateway.Door) error { return maySSH(role, string(door)) }}, nil
}

func (s sandboxes) resolve(ctx context.Context, who gateway.Identity, name string) (string, hub.Role, error) {
	if id, role := s.app.ReadySandbox(ctx, who.Fingerprint, who.UserID, name); id != "" {
		return id, role, nil
	}
	u, err := userOf(ctx, s.app, who)
	if err != nil {
		return "", "", asLabs(err)
	}
	id, err := s.app.As(u).LabSandbox(ctx, name)
	if code := hub.CodeOf(err); code == hub.NotFound || code == hub.Conflict {
		if lab, labErr := s.app.As(u).Lab(ctx, name); labErr == nil && lab.ID == name {
			return "", "", gateway.ErrNotRunning
		}
		return "", "", labs.ErrNotFound
	}
	return id, u.Role, err
}

func (s sandboxes) Watch(ctx context.Context, who gateway.Identity, session string) (id, name string, err error) {
	u, err := userOf(ctx, s.app, who)
	if err != nil {
		return "", "", asLabs(err)
	}
	if maySSH(u.Role, string(gateway.LookOn)) != nil {
		return "", "", labs.ErrNotFound
	}
	id, err = s.app.As(u).WatchedLab(ctx, session)
	return id, u.Username, asLabs(err)
}

func (s sandboxes) Record(ctx context.Context, id, term string, columns, rows int) (gateway.Recorder, string, error) {
	rec, notice, err := s.app.Recorder(ctx, labs.LabOf(id), term, columns, rows)
	if rec == nil { // and not an interface that holds nothing
		return nil, notice, err
	}
	return rec, notice, err
}

func (s sandboxes) Attached(ctx context.Context, id string) {
	s.note(ctx, id, s.app.LabAttached(ctx, labs.LabOf(id)))
}

func (s sandboxes) Detached(ctx context.Context, id string) {
	s.note(ctx, id, s.app.LabDetached(ctx, labs.LabOf(id)))
}

func (s sandboxes) note(ctx context.Context, id string, err error) {
	if err != nil {
		s.log.ErrorContext(ctx, "note who is attached", "session", id, "err", err)
	}
}

func asLabs(err error) error {
	if hub.CodeOf(err) == hub.NotFound {
		return labs.ErrNotFound
	}
	return err
}
