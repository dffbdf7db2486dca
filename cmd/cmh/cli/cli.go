// Package cli is what every cmh command shares: where to read and write, how
// to reach the hub, how to ask, how to print, and how an error becomes an exit
// status. It knows neither the network nor the server: commands get a Backend,
// so the same tree runs on a learner's machine and inside the SSH gateway.
package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/words"
)

// Env is the outside world of one run of cmh. Tests and the SSH gateway build
// their own; the zero value of every field is the safe one.
type Env struct {
	In       io.Reader
	Out, Err io.Writer

	// InTTY, OutTTY and ErrTTY say which of the streams are terminals. Without
	// InTTY nothing is ever asked; without OutTTY lists are tab separated.
	InTTY, OutTTY, ErrTTY bool

	// Width is how many columns Out has; 0 means 80.
	Width int

	// Getenv reads the caller's environment. nil means an empty one.
	Getenv func(string) string

	// Backend is called only by commands that need the hub, so that
	// `cmh --help` works offline and signed out.
	Backend func() (Backend, error)

	// Secret reads one line without showing it. nil where that can't be done.
	Secret func(ctx context.Context) (string, error)

	// Page opens a pager; nil where none may run. Closing it waits for the
	// reader to leave.
	Page func(ctx context.Context) (io.WriteCloser, error)

	// Format starts what --jq and --template ask for, by the flag's name and value:
	// it takes JSON values and writes to out. Closing it waits for the last and
	// tells what was wrong with the expression. nil where nobody brings programs.
	Format func(ctx context.Context, kind, expr string, out io.Writer) (io.WriteCloser, error)

	// Pages draws Markdown; nil leaves it as it is.
	Pages markdown.Drawer

	// Linear says whether the settings want lines of text instead of screens. nil
	// is no.
	Linear func() bool

	// Language is the language that the settings name; nil or an empty one leave
	// it to the environment.
	Language func() string

	// Languages are those of the program: nil is cmh's.
	Languages *words.Languages

	// Themed is the theme that the settings name; nil or an empty one leave it to the
	// terminal.
	Themed func() string

	// Suggest tells a shell what a word may be that a command's usage calls word,
	// after those before it. It takes no longer than who pressed the key waits. nil
	// suggests nothing.
	Suggest func(ctx context.Context, word string, before []string) []Suggestion

	// Prints is what a command prints as JSON, or a list of, by its words after cmh:
	// a struct. nil where nobody knows.
	Prints func(command string) reflect.Type

	// ShowCause lets errors tell what lies behind their message. Only set it
	// where the process belongs to the person who reads its output.
	ShowCause bool

	// May is asked before a command does anything, with its words after cmh; nil
	// lets all of them. Help is for everybody.
	May func(command string) error

	// Shared says that the process serves other people too: what a caller
	// could make it compute without end is left out.
	Shared bool

	// Bounded says that Format holds what it starts to bounds, so that it may be had
	// where the process is shared, too.
	Bounded bool

	speaker *words.Speaker

	Options

	form *form
}

// Options are the flags that every command has. Run fills them in.
type Options struct {
	JSON     bool     // print JSON
	Fields   []string // only these of it; nil is all
	JQ       string
	Template string
	Plain    bool
	NoInput  bool
	Yes      bool
	Quiet    bool
	Server   string
	Profile  string // which of several hubs; see package config
	Color    string // auto, always, never
	Look     string // auto, light, dark: see Theme

	Lines bool // --accessible: see Accessible
	Away  bool // --offline: see WithoutHub
}

// Var is the value of an environment variable.
func (e *Env) Var(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}

// Colour reports whether Out may carry colours: flag, then environment, then
// whether somebody is looking.
func (e *Env) Colour() bool {
	switch e.Color {
	case "always":
		return true
	case "never":
		return false
	}
	switch {
	case e.Var("NO_COLOR") != "":
		return false
	case e.Var("CLICOLOR_FORCE") != "" && e.Var("CLICOLOR_FORCE") != "0":
		return true
	case e.Var("TERM") == "dumb", e.OutTTY && e.Accessible():
		return false
	}
	return e.OutTTY
}

// Columns is how wide a line of output may be.
func (e *Env) Columns() int {
	if e.Width <= 0 {
		return 80
	}
	return e.Width
}

// Interactive reports whether the caller can be asked something.
func (e *Env) Interactive() bool {
	ci := e.Var("CI")
	return e.InTTY && e.ErrTTY && !e.NoInput && e.Var("CMH_NO_INPUT") == "" && (ci == "" || ci == "false")
}

// Accessible reports whether the caller wants lines of text for a program that
// reads them aloud or shows them in Braille: flag, then environment, then
// settings.
func (e *Env) Accessible() bool {
	if on := e.Var("CMH_ACCESSIBLE"); e.Lines || on != "" {
		return e.Lines || on != "0"
	}
	return e.Linear != nil && e.Linear()
}

// Theme is the kind of terminal that the screens are drawn for, light, dark or
// whatever it says of itself: flag, then environment, then settings.
func (e *Env) Theme() string {
	theme := cmp.Or(e.Look, e.Var("CMH_THEME"))
	if theme == "" && e.Themed != nil {
		theme = e.Themed()
	}
	return theme
}

// WithoutHub reports whether the caller wants the hub not to be asked: flag, then
// environment.
func (e *Env) WithoutHub() bool {
	on := e.Var("CMH_OFFLINE")
	return e.Away || on != "" && on != "0"
}

// ForHumans reports whether output is read by a person at a terminal, rather
// than by a program.
func (e *Env) ForHumans() bool { return e.OutTTY && !e.Plain && !e.JSON }

// Say tells the caller something that isn't data: on Err, not with -q, and in
// their language.
func (e *Env) Say(format string, args ...any) {
	if !e.Quiet {
		_, _ = fmt.Fprintln(e.Err, Clean(e.Tf(format, args...)))
	}
}

// Confirm asks for a yes before something that can't be undone. Without a
// terminal it is refused unless --yes was given.
func (e *Env) Confirm(ctx context.Context, question string) error {
	question = e.T(question)
	if e.Yes {
		return nil
	}
	if !e.Interactive() {
		if !e.JSON { // there the error is for a program, and in English
			e.Say("%s", question)
		}
		return hub.Errorf(hub.Invalid, "This is asked first, and there is nobody to ask. Say yes with --yes.")
	}
	answer, err := e.Ask(ctx, question+e.T(" [y/N]"), "--yes")
	if err != nil {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" && (a == "" || a != e.T("y") && a != e.T("yes")) {
		return hub.Errorf(hub.Conflict, "Nothing was changed.")
	}
	return nil
}
