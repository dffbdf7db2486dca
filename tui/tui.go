// Package tui is the full-screen program: one screen at a time under a title
// bar, with a line for errors and one for keys. It talks to the hub only
// through Backend, and to the terminal only through the program that runs it,
// so the same screens serve cmh and ssh.
package tui

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/paint"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/account"
	"github.com/cloudmastershub/cmh/tui/screen/catalog"
	"github.com/cloudmastershub/cmh/tui/screen/course"
	"github.com/cloudmastershub/cmh/tui/screen/home"
	"github.com/cloudmastershub/cmh/tui/screen/lab"
	"github.com/cloudmastershub/cmh/tui/screen/lesson"
	"github.com/cloudmastershub/cmh/tui/screen/me"
	"github.com/cloudmastershub/cmh/tui/screen/progress"
	"github.com/cloudmastershub/cmh/tui/screen/quiz"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// Backend is everything the screens need. The SDK's client is one; over SSH,
// the server's own actor is another.
type Backend interface {
	Profile(context.Context) (hub.User, error)
	home.Backend
	catalog.Backend
	course.Backend
	lesson.Backend
	quiz.Backend
	lab.Backend
	progress.Backend
	me.Backend
	account.Backend
}

// Shell makes what gives the terminal to a lab's shell and ends
// when the learner detaches.
type Shell = screen.Shell

// Options are what surrounds the program. The zero Options are usable.
type Options struct {
	Shell   Shell            // nil: the lab screen says how to get in with ssh
	Detach  string           // the key that leaves the shell, as help names it; "" means ctrl+]
	SignIn  string           // how to sign in, one sentence; "" names cmh auth login
	Suspend bool             // Ctrl-Z stops the program: only where a shell can continue it
	Open    tea.Msg          // a screen to begin with, such as screen.OpenLab; nil is home
	Now     func() time.Time // nil means time.Now
	Words   words.Speaker    // the learner's language
	Pages   markdown.Drawer  // draws texts; nil leaves them as they are
	On      theme.Background // what the terminal draws on; Unknown asks it

	// Join is the page on which a guest makes an account, and Joined is told when
	// one has, which ends the program; nil where that is done otherwise. It is the
	// caller's because only who serves guests has it in their program.
	Join   func(context.Context, screen.Env) Page
	Joined func()

	// Settings are those of the machine that the learner sits at; nil where it is
	// another one.
	Settings settings.Store

	// The terminal, for Run. In and Out nil mean the process's own, one without the
	// other nothing; Env is its environment (TERM, NO_COLOR, ...).
	In  io.Reader
	Out io.Writer
	Env []string
}

// What Run and Serve return has ErrInterrupted in it after Ctrl-C, and ErrPanicked
// when the program has: where, is on standard error.
var (
	ErrInterrupted = tea.ErrInterrupted
	ErrPanicked    = tea.ErrProgramPanic
)

// How soon a frame may follow others. One program on a learner's own machine can
// afford to be smooth.
const (
	localPace  = time.Second / 60
	sharedPace = time.Second / 30
)

// New returns the program's model. What is under way ends with ctx.
func New(ctx context.Context, b Backend, o Options) tea.Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Detach == "" {
		o.Detach = "ctrl+]"
	}
	if o.SignIn == "" {
		o.SignIn = o.Words.T("Sign in with: cmh auth login")
	}
	env := screen.Env{Theme: themed(theme.Look{On: o.On}, o.Words), Now: o.Now, Shell: o.Shell, Detach: o.Detach, SignIn: o.SignIn, Joins: o.Join != nil, Pages: o.Pages}
	if t, ok := b.(Traveller); ok {
		env.Standing = func() hub.Standing {
			s, _ := t.Standing()
			return s
		}
	}
	return model{ctx: ctx, api: b, o: o, env: env, terminal: terminal{Look: env.Theme.Look}}
}

// Serve shows the program on a terminal, of which Options.Env tells, in a process
// that it shares with others, such as an SSH session's. A signal is not the program's
// then: it ends when the learner quits, or with ctx, and leaves the terminal as it was.
func Serve(ctx context.Context, b Backend, o Options, open paint.Open) error {
	return paint.New(ctx, New(ctx, b, o), open, paint.Options{Env: o.Env, Pace: sharedPace}).Run()
}

// Run shows the program until the learner quits, and leaves the terminal as it
// was in every case. Its error is ErrInterrupted after Ctrl-C, and ctx's cause
// when ctx ended: signals are the caller's, who knows the exit status of each.
func Run(ctx context.Context, b Backend, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Env == nil {
		o.Env = os.Environ()
	}
	out, open := o.Out, func() (labssh.Terminal, func(), error) { return labssh.Terminal{In: o.In, Out: o.Out}, nil, nil }
	if o.In == nil {
		out, open = os.Stdout, func() (labssh.Terminal, func(), error) { return labssh.Own(os.Stdin, os.Stdout) }
	}
	p := paint.Options{Env: o.Env, Colours: colorprofile.Detect(out, o.Env), Pace: localPace, Suspend: uv.Suspend}
	if slices.ContainsFunc(o.Env, func(kv string) bool { return strings.HasPrefix(kv, "NO_COLOR=") && kv != "NO_COLOR=" }) { // whatever it says
		p.Colours = colorprofile.ASCII
	}
	err := paint.New(ctx, New(ctx, b, o), open, p).Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
