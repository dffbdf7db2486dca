package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"charm.land/ssh"
	"charm.land/wish/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/forming"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
	"github.com/cloudmastershub/cmh/words/more"
)

// The SDK and the rules are interchangeable behind the screens and behind the
// commands: these lines are what lets both serve `cmh` and `ssh HOST`.
var (
	_ tui.Backend = app.Actor{}
	_ cli.Backend = app.Actor{}
)

const (
	saySignIn = "Your ssh has shown no key. Make one with ssh-keygen -t ed25519, and come back: it signs you in here."
	sayJoin   = "Press 5 to make an account, or to sign in with yours."
)

// sayChanged is what somebody reads whose rights have changed meanwhile.
const sayChanged = "Your account or your key has changed. Please connect again."

// A lobby is what a learner meets who connects without naming a lab: the
// screens on a terminal, and with a command what cmh would do with it.
type lobby struct {
	app    *app.App
	driver labs.Driver
	forms  *forming.Forms
	log    *slog.Logger
	visits *visits
}

func (l lobby) serve(s ssh.Session, who gateway.Identity) {
	user, err := app.Guest, error(nil)
	if !who.Guest() {
		if user, err = userOf(s.Context(), l.app, who); hub.CodeOf(err) == hub.NotFound {
			user, err = app.Guest, nil
		}
	}
	if err != nil {
		wish.Fatalln(s, widget.Said(speaker(s), err))
		return
	}
	as := l.actor(s, user)
	if _, err := as.Spend(s.Context()); err != nil { // a visit, or a command, is one request
		_, _ = io.WriteString(s.Stderr(), widget.Said(speaker(s), err)+"\r\n")
		_ = s.Exit(cli.ExitLater)
		return
	}
	ctx, cancel := context.WithCancelCause(s.Context())
	if user.ID != "" {
		l.visits.watch(ctx, cancel, who, user)
	}
	if len(s.Command()) > 0 || wantsLines(s) {
		status := l.command(ctx, s, as, who)
		defer func() { _ = s.Exit(status) }() // the learner may be gone
	} else if err := maySSH(user.Role, theScreens); err == nil {
		if l.screens(ctx, s, as, who, func(u hub.User) { l.visits.watch(ctx, cancel, who, u) }) {
			defer func() { _ = s.Exit(cli.ExitIntr) }()
		}
	} else {
		_, _ = io.WriteString(s.Stderr(), widget.Said(speaker(s), err)+"\r\n")
	}
	cancel(nil)
	if errors.Is(context.Cause(ctx), errChanged) {
		_, _ = io.WriteString(s.Stderr(), speaker(s).T(sayChanged)+"\r\n")
		_ = s.Exit(cli.ExitLogin)
	}
}

// actor acts for a visitor: from where they are, and in their language.
func (l lobby) actor(s ssh.Session, user hub.User) app.Actor {
	return l.app.As(user).From(s.RemoteAddr().String()).Speaking(speaker(s).Language())
}

// screens serves the full-screen program until the learner quits. A guest who has
// made an account meanwhile gets it anew, as somebody, which joined is told. It
// reports whether that was by Ctrl-C.
func (l lobby) screens(ctx context.Context, s ssh.Session, as app.Actor, who gateway.Identity, joined func(hub.User)) (interrupted bool) {
	t := newTerminal(ctx, s)
	for {
		d, how := newGuestDoor(l.app, as, s, who), speaker(s).T(saySignIn)
		if d != nil {
			how = speaker(s).T(sayJoin)
		}
		err := tui.Serve(ctx, as, tui.Options{
			Words: speaker(s), SignIn: how, Detach: "ctrl+] d", Pages: draw.Outline, On: theme.Named(environment(s, t.pty)("CMH_THEME")),
			Shell: shellOn(t, l.app, as, l.driver), Join: d.page(), Joined: d.goesOn, Env: t.environ(),
		}, t.forScreens)
		if errors.Is(err, tui.ErrPanicked) { // to our standard error
			l.log.ErrorContext(ctx, "the screens have crashed", "user", as.User().ID)
		}
		u := d.come()
		if u == nil || ctx.Err() != nil {
			return errors.Is(err, tui.ErrInterrupted)
		}
		now, err := userOf(ctx, l.app, who) // they may have stayed at the message's code for long
		if err != nil || now.ID != u.ID {
			return false
		}
		joined(now)
		as = l.actor(s, now)
	}
}

// command runs one command of cmh, with the session as its streams.
func (l lobby) command(ctx context.Context, s ssh.Session, as app.Actor, who gateway.Identity) int {
	pty, _, tty := s.Pty()
	env := &cli.Env{
		In: s, Out: s, Err: s.Stderr(), InTTY: tty, OutTTY: tty, ErrTTY: tty, Width: pty.Window.Width, Shared: true,
		Getenv: environment(s, pty), Pages: draw.Outline, Languages: more.Languages,
		Backend: func() (cli.Backend, error) {
			return as, nil
		},
	}
	if l.forms != nil {
		env.Bounded = true
		env.Format = func(ctx context.Context, kind, expr string, out io.Writer) (io.WriteCloser, error) {
			name, guest := as.Source()
			return l.forms.Start(ctx, forming.Who{Name: name, Guest: guest}, kind, expr, out)
		}
	}
	var local *root.Local
	if tty {
		env.Out = lines{s} // there is no terminal driver here to do it
		env.Err = env.Out
		t := newTerminal(ctx, s)
		keys := &cooked{from: t, echo: env.Out}
		env.In, local = keys, &root.Local{Desk: l.desk(t, as)}
		env.Secret = func(ctx context.Context) (string, error) {
			keys.hidden.Store(true)
			defer keys.hidden.Store(false)
			return env.ReadLine(ctx)
		}
	}
	args := s.Command()
	if len(args) > 0 && args[0] == "cmh" {
		args = args[1:]
	}
	return cli.Run(ctx, commands(env, local, as.User().Role, joins(newGuestDoor(l.app, as, s, who), as)), env, args)
}

// wantsLines says whether a visitor on a terminal wants lines of text instead
// of the screens.
func wantsLines(s ssh.Session) bool {
	pty, _, tty := s.Pty()
	return tty && (&cli.Env{Getenv: environment(s, pty)}).Accessible()
}

// desk opens a lab on the terminal of a command. What the gateway knows of the
// visitor takes the place of a certificate.
func (l lobby) desk(t *terminal, as app.Actor) lab.Desk {
	if l.driver == nil {
		return nil
	}
	return func(ctx context.Context, _ split.Backend, o split.Options, _ lab.CertifyAt) (int, bool, error) {
		return (&shell{ctx: ctx, terminal: t, keys: t.lend(), app: l.app, as: as, driver: l.driver, session: o.Session}).work(o)
	}
}

// speaker speaks the language that the visitor's own environment asks for: each
// session has one.
func speaker(s ssh.Session) words.Speaker {
	pty, _, _ := s.Pty()
	return more.Languages.For(environment(s, pty)("CMH_LANGUAGE"), environment(s, pty))
}

// environment lets a command see what a client may set, and nothing of ours.
func environment(s ssh.Session, pty ssh.Pty) func(string) string {
	return func(name string) string {
		if name == "TERM" {
			return pty.Term
		}
		if i := slices.IndexFunc(s.Environ(), func(kv string) bool { return len(kv) > len(name) && kv[:len(name)+1] == name+"=" }); i >= 0 {
			return s.Environ()[i][len(name)+1:]
		}
		return ""
	}
}

// lines begins each line at the left.
type lines struct{ w io.Writer }

func (l lines) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+16)
	for i, b := range p {
		if b == '\n' && (i == 0 || p[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, b)
	}
	if _, err := l.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
