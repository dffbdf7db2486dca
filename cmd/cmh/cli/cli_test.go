package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/format/formattest"
)

type thing struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Note  string     `json:"note,omitempty"`
	Ended *time.Time `json:"ended_at,omitempty"`
}

var things = []thing{{ID: "a", Title: "First\x1b[31m"}, {ID: "b", Title: "Zwei\u202e\u009b1m"}}

// tree has one command for each way to end.
func tree(env *cli.Env) *cobra.Command {
	fail := func(name string, err error) *cobra.Command {
		return &cobra.Command{Use: name, Args: cli.Args(), RunE: func(*cobra.Command, []string) error { return err }}
	}
	list := &cobra.Command{Use: "list", Short: "List things", Args: cli.Args(), RunE: func(*cobra.Command, []string) error {
		return cli.PrintList(env, things,
			cli.Column[thing]{Title: "ID", Cell: func(t thing) string { return t.ID }},
			cli.Column[thing]{Title: "TITLE", Cell: func(t thing) string { return t.Title }})
	}}
	root := cli.Group("cmh", "Things", cli.Group("thing", "Things", list, fail("view", hub.Errorf(hub.NotFound, "There is no such thing."))),
		fail("bare", hub.Errorf(hub.Unauthenticated, "You are not signed in.")),
		fail("down", hub.Wrap(&net.OpError{Op: "dial", Err: errors.New("refused")}, hub.Unavailable, "Could not reach it.")),
		fail("login", hub.Errorf(hub.Unauthenticated, "You are not signed in.")),
		fail("gone", hub.Errorf(hub.NotFound, "There is no such course.")),
		fail("no", hub.Errorf(hub.Forbidden, "Not in your tier.\x1b]0;x\x07")),
		fail("full", &hub.Error{Code: hub.Limit, Message: "One lab at a time.", RetryAfter: 90 * time.Second}),
		fail("away", hub.Wrap(errors.New("dial tcp: refused"), hub.Unavailable, "Could not reach it.")),
		fail("bug", errors.New("secret internals")),
		fail("lab", cli.StatusError(42)),
		fail("field", &hub.Error{Code: hub.Invalid, Message: "Some values are wrong.", Fields: []hub.FieldError{{Pointer: "/email", Detail: "is taken"}}}),
		&cobra.Command{Use: "ask", Args: cli.Args(), RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := env.Ask(cmd.Context(), "Name?", "--name")
			if err == nil {
				_, err = io.WriteString(env.Out, "hello "+a+"\n")
			}
			return err
		}},
	)
	return root
}

func run(env *cli.Env, args ...string) (out, errOut string, exit int) {
	var o, e bytes.Buffer
	env.Out, env.Err, env.Format = &o, &e, formattest.Start
	if env.In == nil {
		env.In = strings.NewReader("")
	}
	exit = cli.Run(context.Background(), tree(env), env, args)
	return o.String(), e.String(), exit
}

func TestEndings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args     string
		out, err string
		exit     int
	}{
		{"thing list", "a\tFirst\nb\tZwei1m\n", "", 0},
		{"thing list --json=id", `[{"id":"a"},{"id":"b"}]` + "\n", "", 0},
		{"thing list --json=id,note,ended_at --jq .[0]", `{"ended_at":null,"id":"a","note":""}` + "\n", "", 0},
		{"thing list --jq .[].title", "First\nZwei1m\n", "", 0},
		{"thing list --template {{range.}}{{.id}};{{end}}", "a;b;\n", "", 0},
		{"thing list --json=nope", "", `{"code":"invalid","detail":"Unknown field \"nope\". The fields are: ended_at, id, note, title.","exit_status":2}` + "\n", 2},
		{"thing list --jq .[", "", "cmh: The --jq expression is not right: unexpected EOF.\nSee: cmh thing list --help\n", 2},
		{"thing list --nope", "", "cmh: unknown flag: --nope.\nSee: cmh thing list --help\n", 2},
		{"thing list extra", "", "cmh: \"extra\" is one word too many.\nSee: cmh thing list --help\n", 2},
		{"thnng", "", "cmh: Unknown command \"thnng\" for \"cmh\". Did you mean thing?\nSee: cmh --help\n", 2},
		{"thing make --of wood", "", "cmh: Unknown command \"make\" for \"cmh thing\".\nSee: cmh thing --help\n", 2},
		{"thing --of wood", "", "cmh: unknown flag: --of.\nSee: cmh thing --help\n", 2},
		{"thing lits", "", "cmh: Unknown command \"lits\" for \"cmh thing\". Did you mean list?\nSee: cmh thing --help\n", 2},
		{"bare", "", "cmh: You are not signed in.\n" + cli.LogInWith + "\n", 4},
		{"login", "", "cmh: You are not signed in.\nTry again, or make an account with: cmh auth register\n", 4},
		{"thing view", "", "cmh: There is no such thing.\nSee what there is: cmh thing list\n", 5},
		{"down", "", "cmh: Could not reach it.\nIs it running? make serve starts one on this machine; --server or CMH_SERVER names another.\n", 75},
		{"gone", "", "cmh: There is no such course.\n", 5},
		{"no", "", "cmh: Not in your tier.\n", 6},
		{"full", "", "cmh: One lab at a time.\n", 75},
		{"full --json", "", `{"code":"limit","detail":"One lab at a time.","exit_status":75,"retry_after":90}` + "\n", 75},
		{"away", "", "cmh: Could not reach it.\n", 75},
		{"bug", "", "cmh: Something went wrong on our side.\n", 1},
		{"lab", "", "", 42},
		{"field", "", "cmh: Some values are wrong.\n  email: is taken\n", 2},
		{"ask", "", "cmh: --name is missing, and there is nobody to ask.\nSee: cmh ask --help\n", 2},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			out, errOut, exit := run(&cli.Env{}, strings.Fields(tt.args)...)
			if out != tt.out || errOut != tt.err || exit != tt.exit {
				t.Errorf("exit %d\nout %q\nerr %q\nwant exit %d\nout %q\nerr %q", exit, out, errOut, tt.exit, tt.out, tt.err)
			}
		})
	}
}

func TestJSONShowsNothingATerminalObeys(t *testing.T) {
	t.Parallel()
	out, _, _ := run(&cli.Env{}, "thing", "list", "--json")
	want := `[{"id":"a","title":"First\u001b[31m"},{"id":"b","title":"Zwei\u202e\u009b1m"}]` + "\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	out, _, _ := run(&cli.Env{OutTTY: true}, "thing", "list")
	if want := "\x1b[1mID  TITLE\x1b[m\na   First\nb   Zwei1m\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	out, _, _ = run(&cli.Env{OutTTY: true}, "thing", "list", "--plain", "--color", "never")
	if want := "a\tFirst\nb\tZwei1m\n"; out != want {
		t.Errorf("--plain: got %q, want %q", out, want)
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	env := func(tty bool, flag string, vars ...string) *cli.Env {
		return &cli.Env{OutTTY: tty, Options: cli.Options{Color: flag}, Getenv: func(k string) string {
			for i := 0; i < len(vars); i += 2 {
				if vars[i] == k {
					return vars[i+1]
				}
			}
			return ""
		}}
	}
	for name, tt := range map[string]struct {
		env  *cli.Env
		want bool
	}{
		"terminal":             {env(true, ""), true},
		"pipe":                 {env(false, ""), false},
		"NO_COLOR":             {env(true, "", "NO_COLOR", "1"), false},
		"forced":               {env(false, "", "CLICOLOR_FORCE", "1"), true},
		"NO_COLOR beats force": {env(false, "", "CLICOLOR_FORCE", "1", "NO_COLOR", "1"), false},
		"dumb":                 {env(true, "", "TERM", "dumb"), false},
		"flag beats NO_COLOR":  {env(false, "always", "NO_COLOR", "1"), true},
		"flag beats force":     {env(true, "never", "CLICOLOR_FORCE", "1"), false},
	} {
		if got := tt.env.Colour(); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	defer w.Close()
	env := &cli.Env{In: r, Out: io.Discard, InTTY: true, ErrTTY: true}
	env.Err = writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }) // the question is on the screen
	if exit := cli.Run(ctx, tree(env), env, []string{"ask"}); exit != cli.ExitIntr {
		t.Errorf("exit %d, want %d", exit, cli.ExitIntr)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAskLeavesTheRestOfTheInput(t *testing.T) {
	t.Parallel()
	env := &cli.Env{In: strings.NewReader("Ada\nnext"), InTTY: true, ErrTTY: true}
	out, errOut, exit := run(env, "ask")
	rest, _ := io.ReadAll(env.In)
	if out != "hello Ada\n" || errOut != "Name? " || exit != 0 || string(rest) != "next" {
		t.Errorf("exit %d, out %q, err %q, rest %q", exit, out, errOut, rest)
	}
}

// A summary that is too long for its line, as many are in another language, goes
// on below itself.
func TestSummariesAreWrapped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	env := &cli.Env{Out: &out, Err: io.Discard, In: strings.NewReader("")}
	short := strings.TrimSpace(strings.Repeat("größer ", 30))
	root := cli.Group("cmh", "", &cobra.Command{Use: "grow", Short: short, Run: func(*cobra.Command, []string) {}})
	if exit := cli.Run(t.Context(), root, env, []string{"--help"}); exit != 0 {
		t.Fatalf("exit %d", exit)
	}
	shown, at := 0, -1
	for line := range strings.SplitSeq(out.String(), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
		n, begins := strings.Count(line, "größer"), strings.Index(line, "größer")
		if shown += n; n > 0 && at < 0 {
			at = begins
		}
		if n > 0 && begins != at {
			t.Errorf("not below the first line: %q", line)
		}
	}
	if shown != 30 {
		t.Errorf("%d of 30 words are shown:\n%s", shown, out.String())
	}
}
