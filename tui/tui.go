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

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
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

// Shell makes the command that gives the terminal to a lab's shell and ends
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

	// The terminal, for Run. In and Out nil mean the process's own; Env is its
	// environment (TERM, NO_COLOR, ...).
	In  io.Reader
	Out io.Writer
	Env []string
}

// ErrInterrupted is in what Run returns after Ctrl-C.
var ErrInterrupted = tea.ErrInterrupted

// How often the screen may be drawn in a second. One program on a learner's
// own machine can afford to be smooth; on a server, a hundred idle ones must
// cost nothing that is felt.
const (
	localFPS  = 30
	sharedFPS = 10
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

// ProgramOptions are the options for a program that shares its process with
// others, such as one SSH session of many. A signal to the process is not the
// program's: it ends with ctx.
func ProgramOptions(ctx context.Context) []tea.ProgramOption {
	return []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(sharedFPS), tea.WithoutSignalHandler()}
}

// Run shows the program until the learner quits, and leaves the terminal as it
// was in every case. Its error is ErrInterrupted after Ctrl-C, and ctx's cause
// when ctx ended: signals are the caller's, who knows the exit status of each.
func Run(ctx context.Context, b Backend, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(localFPS), tea.WithoutSignalHandler()}
	if o.In != nil {
		opts = append(opts, tea.WithInput(o.In))
	}
	if o.Out != nil {
		opts = append(opts, tea.WithOutput(o.Out))
	}
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	opts = append(opts, tea.WithEnvironment(env))
	if slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "NO_COLOR=") && kv != "NO_COLOR=" }) { // whatever it says
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	_, err := tea.NewProgram(New(ctx, b, o), opts...).Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
