// Package screen holds what the screens share: what they are told about their
// surroundings, and the messages by which they ask to go elsewhere. Deciding
// how to get there is the root model's.
package screen

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Shell makes what gives the whole terminal, which looks so, to a lab's shell, and
// returns when the learner detaches. It may be nil: then the screens say
// how to get in with ssh.
type Shell func(ctx context.Context, s hub.LabSession, l theme.Look) func() error

// Env is what a screen is told about its surroundings.
type Env struct {
	Theme  theme.Theme
	User   hub.User         // zero, or of role Guest, for somebody not signed in
	Now    func() time.Time // for the time left
	Shell  Shell
	Detach string          // the key that leaves the shell, as help names it
	SignIn string          // how to sign in, one sentence
	Joins  bool            // a guest can make an account here
	Pages  markdown.Drawer // draws texts; nil leaves them as they are
	Mono   bool            // colours do not show: marks must say everything

	// Standing tells how it stands with the hub; nil where nobody goes on without
	// it. It may change between two drawings.
	Standing func() hub.Standing
}

// Away reports whether the hub can't be reached, and the screens go on without.
func (e Env) Away() bool { return e.Standing != nil && e.Standing().Away }

// Page says how a text is drawn that has the screen to itself.
func (e Env) Page(width int) markdown.Options {
	accent, faint := e.Theme.Inks()
	return markdown.Options{Width: width, Styled: true, Color: !e.Mono, Accent: accent, Faint: faint, Links: true, Words: e.Theme.Speaker}
}

// Failed fills a screen that could not have what it needs.
func (e Env) Failed(err error, width, height int) string {
	if e.Away() && hub.CodeOf(err) == hub.Unavailable {
		return widget.Message(e.Theme, e.Theme.T("Not while you are offline"), []string{widget.Explain(e.Theme.Speaker, err, e.SignIn)}, width, height)
	}
	return widget.Failed(e.Theme, err, e.SignIn, width, height)
}

// Guest reports whether nobody is signed in.
func (e Env) Guest() bool { return e.User.ID == "" || e.User.Role == hub.Guest }

// Where to go.
type (
	// OpenCatalog shows the catalogue.
	OpenCatalog struct{}
	// OpenCourse shows a course, by slug or id.
	OpenCourse struct{ Course string }
	// OpenLesson shows a lesson to read. Replace leaves the lesson before it.
	OpenLesson struct {
		Course, Lesson string
		Replace        bool
	}
	// OpenQuiz asks a lesson's questions.
	OpenQuiz struct{ Course, Lesson string }
	// OpenLab shows a lab; Session may name a session of it, and Lab is then
	// not needed.
	OpenLab struct{ Lab, Session string }
	// OpenJoin is for a guest who wants an account.
	OpenJoin struct{}
	// Joined ends the program: who was a guest comes back as somebody.
	Joined struct{}
	// OpenAccount shows the account: limits, keys, sign-ins.
	OpenAccount struct{}
	// Back leaves the screen.
	Back struct{}
)

// Themed tells every screen that its surroundings look otherwise from now on: the
// terminal has said what it can show.
type Themed struct {
	Theme theme.Theme
	Mono  bool
}

// What to tell.
type (
	// Failed shows an error until the next key.
	Failed struct{ Err error }
	// Said shows a short text until the next key.
	Said struct{ Text string }
	// Wished draws for such a terminal from now on.
	Wished struct{ On theme.Background }
)

// Go returns the command that sends msg.
func Go(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// After returns the command that sends msg when d has passed, unless ctx ends
// before: a screen that was left leaves no timer behind.
func After(ctx context.Context, d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return msg
		case <-ctx.Done():
			return nil
		}
	}
}

// SignInFirst is the error of an action that needs an account.
func (e Env) SignInFirst() tea.Cmd {
	return Go(Failed{hub.Errorf(hub.Unauthenticated, "You are browsing as a guest.")})
}
