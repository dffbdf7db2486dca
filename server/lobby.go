package server

import (
	"io"
	"slices"

	tea "charm.land/bubbletea/v2"
	"charm.land/ssh"
	"charm.land/wish/v2"
	"charm.land/wish/v2/bubbletea"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/tui"
)

// The SDK and the rules are interchangeable behind the screens and behind the
// commands: these lines are what lets both serve `cmh` and `ssh HOST`.
var (
	_ tui.Backend = app.Actor{}
	_ cli.Backend = app.Actor{}
)

const signIn = "You are a guest. Make an account with cmh auth register, add this SSH key with cmh key add, and come back."

// lobby is what a learner meets who connects without naming a lab: the screens
// on a terminal, and with a command what cmh would do with it.
func lobby(a *app.App) gateway.Lobby {
	return func(s ssh.Session, who gateway.Identity) {
		user, err := app.Guest, error(nil)
		if !who.Guest() {
			if user, err = userOf(s.Context(), a, who); hub.CodeOf(err) == hub.NotFound {
				user, err = app.Guest, nil
			}
		}
		if err != nil {
			wish.Fatalln(s, hub.MessageOf(err))
			return
		}
		as := a.As(user).From(s.RemoteAddr().String())
		if len(s.Command()) > 0 {
			_ = s.Exit(command(s, as)) // the learner may be gone
			return
		}
		bubbletea.Middleware(func(s ssh.Session) (tea.Model, []tea.ProgramOption) {
			return tui.New(s.Context(), as, tui.Options{SignIn: signIn}), tui.ProgramOptions(s.Context())
		})(func(ssh.Session) {})(s)
	}
}

// command runs one command of cmh, with the session as its streams.
func command(s ssh.Session, as app.Actor) int {
	pty, _, tty := s.Pty()
	env := &cli.Env{
		In: s, Out: s, Err: s.Stderr(), InTTY: tty, OutTTY: tty, ErrTTY: tty, Width: pty.Window.Width, Shared: true,
		Getenv: environment(s, pty),
		Backend: func() (cli.Backend, error) {
			return as, nil
		},
	}
	if tty {
		env.Out = lines{s} // there is no terminal driver here to do it
		env.Err = env.Out
	}
	args := s.Command()
	if args[0] == "cmh" {
		args = args[1:]
	}
	return cli.Run(s.Context(), root.New(env, nil), env, args)
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
