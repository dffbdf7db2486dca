package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli/pipe"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// Exit statuses. They are part of the interface: see docs/cli.md.
const (
	ExitOK        = 0
	ExitFailed    = 1
	ExitUsage     = 2
	ExitRed       = 3 // a check failed
	ExitLogin     = 4
	ExitNotFound  = 5
	ExitForbidden = 6
	ExitLater     = 75
	ExitIntr      = 130
	ExitLost      = 255 // the connection to the lab
)

var exits = map[hub.Code]int{
	hub.Invalid:         ExitUsage,
	hub.Unauthenticated: ExitLogin,
	hub.Forbidden:       ExitForbidden,
	hub.NotFound:        ExitNotFound,
	hub.Conflict:        ExitFailed,
	hub.Limit:           ExitLater,
	hub.Unavailable:     ExitLater,
	hub.Internal:        ExitFailed,
}

// StatusError ends cmh with a status and no further word: a program in a lab
// ended with it, or the command has already said all there is to say.
type StatusError int

func (s StatusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Run executes root and reports what the process should exit with. It is the
// only place that prints an error.
func Run(ctx context.Context, root *cobra.Command, env *Env, args []string) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	completing := slices.Contains(args, cobra.ShellCompRequestCmd) || slices.Contains(args, cobra.ShellCompNoDescRequestCmd)
	if env.May != nil {
		guard(root, env.May)
		// Completion, which cobra adds by itself, past the guard, and which writes to
		// this process's own stderr.
		if completing {
			args, completing = []string{"help"}, false
		}
	}
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for this process's own
	Speak(root, env)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		// Of a command that isn't there, nobody wonders about the flags.
		if _, rest, e := root.Find(args); e == nil && cmd.Annotations[helps] == "only" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			return unknown(cmd, rest[0])
		}
		return flagError(err)
	})
	root.SuggestionsMinimumDistance = 2
	addGlobals(root, env)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { // before anybody is asked
		if all := env.FieldsOf(cmd); all != nil {
			return known(all, env.Fields)
		}
		return nil
	}
	if completing {
		env.Quiet = true // between two keys
		complete(ctx, root, env)
	}

	env.form = &form{}
	out := &printed{Writer: env.Out}
	if env.Format != nil { // which takes it as it is, a file to a process
		to := env.Out
		env.form.start = func(kind, expr string) (io.WriteCloser, error) { return env.Format(ctx, kind, expr, to) }
	}
	env.Out = out
	root.SetOut(out)
	defer func() { env.Out = out.Writer }()
	cmd, err := root.ExecuteContextC(ctx)
	if err = cmp.Or(err, env.form.end(), out.err); err == nil {
		return ExitOK
	}
	if s, ok := errors.AsType[StatusError](err); ok {
		return int(s)
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || hub.CodeOf(err) == hub.Unavailable) {
		return ExitIntr
	}
	if pipe.Left(err) {
		return ExitFailed // nobody reads on; nobody wants to hear why
	}
	err = usage(err)
	code := hub.CodeOf(err)
	exit := exits[code]
	if errors.Is(err, context.DeadlineExceeded) {
		exit = ExitLater
	}
	if askedForJSON(args) {
		writeProblem(env.Err, err, env.ShowCause, exit)
		return exit
	}
	env.Fprintln(env.Err, "cmh: "+Clean(message(env.Words(), err, env.ShowCause)))
	for _, f := range fieldsOf(err) {
		_, _ = fmt.Fprintln(env.Err, "  "+Clean(strings.TrimPrefix(f.Pointer, "/")+": "+env.T(f.Detail)))
	}
	if next := nextStep(env, cmd, err, exit); next != "" {
		_, _ = fmt.Fprintln(env.Err, next)
	}
	return exit
}

// printed remembers that something was not written: those who print look at no
// error, and a key that is on a full disk now is nowhere.
type printed struct {
	io.Writer
	err error
}

func (p *printed) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	p.err = cmp.Or(p.err, err)
	return n, err
}

// nextStep is what helps after err, where its own words don't say it.
func nextStep(env *Env, cmd *cobra.Command, err error, exit int) string {
	code := hub.CodeOf(err)
	switch {
	case code == hub.Unauthenticated && env.Var("CMH_TOKEN") != "":
		return env.T("The token in CMH_TOKEN was refused. Unset it, or set a new one.")
	case cmd == nil:
		return ""
	case code == hub.Unauthenticated && cmd.Name() == "login":
		return env.T("Try again, or make an account with: cmh auth register")
	case code == hub.Unauthenticated:
		return env.T(LogInWith)
	case code == hub.NotFound && !strings.Contains(err.Error(), "cmh "):
		return whatThereIs(env, cmd)
	case exit == ExitLater && isUnreachable(err):
		return env.T("Is it running? make serve starts one on this machine; --server or CMH_SERVER names another.")
	case exit == ExitUsage && fieldsOf(err) == nil:
		return env.Tf("See: %s --help", cmd.CommandPath())
	}
	return ""
}

// LogInWith tells those who aren't signed in how to be.
const LogInWith = "Log in with: cmh auth login (or make an account with: cmh auth register)"

// isUnreachable tells a hub that isn't there from one that is busy.
func isUnreachable(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// whatThereIs points at the list that holds what cmd did not find.
func whatThereIs(env *Env, cmd *cobra.Command) string {
	name := "list"
	if strings.Contains(cmd.Use, "REF") {
		name = "sessions"
	}
	if !cmd.HasParent() || ofFiles(usageWords(cmd.Use)) {
		return ""
	}
	for _, c := range cmd.Parent().Commands() {
		if c.Name() == name && c != cmd {
			return env.Tf("See what there is: %s", strings.TrimSuffix(c.UseLine(), " [flags]"))
		}
	}
	return ""
}

// message is what a person is told about err, in their language.
func message(sp words.Speaker, err error, showCause bool) string {
	e, ok := errors.AsType[*hub.Error](err)
	switch {
	case !ok && showCause:
		return err.Error()
	case !ok:
		return sp.T(hub.MessageOf(err))
	}
	format, args := e.Format()
	said := strings.TrimRight(sp.Said(e.Message, format, args...), " ") // it may end with a value, and that be empty
	if e.Err != nil && showCause {
		return fmt.Sprintf("%s (%s)", said, sp.Told(cause(e.Err).Error()))
	}
	return said
}

// cause leaves out of a failed request what was asked for: the message says it.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func fieldsOf(err error) []hub.FieldError {
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Fields
	}
	return nil
}

// problem is an error in JSON: what the API says, and the exit status.
type problem struct {
	Code      hub.Code         `json:"code"`
	Detail    string           `json:"detail"`
	Exit      int              `json:"exit_status"`
	Errors    []hub.FieldError `json:"errors,omitempty"`
	Retry     float64          `json:"retry_after,omitempty"` // seconds
	RequestID string           `json:"request_id,omitempty"`
}

func writeProblem(w io.Writer, err error, showCause bool, exit int) {
	p := problem{Code: hub.CodeOf(err), Detail: message(words.Speaker{}, err, showCause), Exit: exit}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		p.Errors, p.Retry, p.RequestID = e.Fields, e.RetryAfter.Seconds(), e.RequestID
	}
	b, _ := json.Marshal(p) // strings and numbers always encode
	_, _ = fmt.Fprintf(w, "%s\n", safe.JSON(b))
}

// askedForJSON looks at the words themselves, because some errors come before
// they are parsed.
func askedForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.ContainsFunc(args, func(a string) bool {
		return a == "--json" || strings.HasPrefix(a, "--json=")
	})
}

func flagError(err error) error {
	if v, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if takes := kinds[v.GetFlag().Value.Type()]; takes != "" {
			return hub.Errorf(hub.Invalid, takes, v.GetFlag().Name, v.GetValue())
		}
	}
	return &hub.Error{Code: hub.Invalid, Message: strings.TrimSuffix(firstLine(err.Error()), ".") + "."}
}

// What pflag says of what was typed.
var _ = [...]string{
	words.Heard("unknown flag: %s."), words.Heard("unknown shorthand flag: %s in %s."), words.Heard("bad flag syntax: %s."),
	words.Heard("flag needs an argument: %s."), words.Heard("invalid argument %q for %q flag: %s."),
}

// kinds says in words what a flag takes; the types are pflag's.
var kinds = map[string]string{
	"int":      words.Mark("--%s takes a whole number, and %q is not that."),
	"duration": words.Mark("--%s takes a length of time, such as 60s or 2m, and %q is not that."),
	"bool":     words.Mark("--%s takes true or false, and %q is not that."),
	"when":     words.Mark("--%s takes auto, always or never, and %q is not that."),
	"ground":   words.Mark("--%s takes auto, light or dark, and %q is not that."),
}

// usage classifies what cobra itself complains about, which has no type.
func usage(err error) error {
	text := err.Error()
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return err
	}
	for _, prefix := range []string{"unknown command", "required flag", "if any flags", "at least one of", "accepts ", "requires "} {
		if strings.HasPrefix(text, prefix) {
			lines := strings.Fields(strings.ReplaceAll(text, "\n", " "))
			return &hub.Error{Code: hub.Invalid, Message: strings.ReplaceAll(strings.Join(lines, " "), "Did you mean this?", "- did you mean:")}
		}
	}
	return err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
