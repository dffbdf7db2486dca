package root_test

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charm.land/bubbles/v2/key"
	"github.com/charmbracelet/x/exp/golden"
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
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
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// inLines are the screens as a dialogue: what one answers to get there and what
// one does there, an answer a line.
var inLines = []struct{ name, answers string }{
	{"Home", ""},
	{"NotUnderstood", "zzz\n99"},
	{"Catalogue", "courses"},
	{"Narrow", "courses\nnarrow\nonly beginner\n1"},
	{"Search", "search\nlin"},
	{"SearchNothing", "search\nzzz"},
	{"Course", "courses\nlinux\njoin\nleave\nn"},
	{"MyCourses", "my courses"},
	{"Lesson", "courses\nlinux\nlesson 2\nmark\nnext\nlesson before"},
	{"Headings", "courses\nlinux\nlesson 2\nheadings\n1"},
	{"Find", "courses\nlinux\nlesson 2\nfind\nwho\n1\n0\nfind\nzzz"},
	{"Quiz", "courses\nlinux\nlesson 2\ntake\nz\na\na,c\nchown"},
	{"Labs", "labs\nsearch\nfix"},
	{"AllLabs", "labs\nall labs\nyour first"},
	{"LabStopped", "labs\nfix\nread"},
	{"Lab", "labs\nfix\nstart\nread\nlook at another step\n2"},
	{"LabShell", "labs\nfix\nstart\nopen"},
	{"LabCheck", "labs\nfix\nstart\nhave\na hint\nthe solution\nhave\ngo on\nhow every"},
	{"LabEnd", "labs\nfix\nstart\nhand\nn\nstop it\ny"},
	{"Progress", "progress"},
	{"Certificates", "certificates\n1"},
	{"Account", "account\nmy profile\nhow much"},
	{"SSHKeys", "account\nmy ssh\n1\nn\n1\ny"},
	{"SignIns", "account\nwhere\n1\ny"},
	{"APIKeys", "account\nmy api\n1\ny"},
	{"Settings", "settings\nwhat is set\nchange\ntheme\ndark\nchange\ntheme\npink\nchange\nlanguage\n"},
	{"SettingsHow", "settings\nwhat can"},
}

// TestEveryScreenInLines reads each aloud, for somebody who has begun a course, on
// narrow and wide terminals: a line is as long as it is, so there is no difference.
func TestEveryScreenInLines(t *testing.T) {
	unset(t)
	for _, s := range inLines {
		t.Run(s.name, func(t *testing.T) {
			said := map[int]string{}
			for _, width := range []int{40, 80, 120} {
				said[width] = talk(t, demo.Ana, nil, width, s.answers)
				if said[width] != said[40] {
					t.Errorf("on %d columns it says\n%s\nand on 40\n%s", width, said[width], said[40])
				}
			}
			readable(t, said[80])
			golden.RequireEqual(t, said[80])
		})
	}
}

// TestLinesWithoutWhatTheyNeed is about guests, and about a hub that is away.
func TestLinesWithoutWhatTheyNeed(t *testing.T) {
	unset(t)
	for _, tt := range []struct {
		name    string
		user    hub.User
		err     error
		answers string
	}{
		{"Guest", hub.User{}, nil, "my courses\nprogress\ncertificates\naccount\nmy profile\n0\nlabs\nfix\nstart"},
		{"Offline", demo.Ana, hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub."), "courses\nlabs\nprogress\ncertificates\naccount\nmy ssh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := talk(t, tt.user, tt.err, 80, tt.answers)
			readable(t, said)
			golden.RequireEqual(t, said)
		})
	}
}

// unset makes the settings those that nobody has made.
func unset(t *testing.T) {
	t.Helper()
	for _, name := range []string{"SERVER", "PAGER", "INSECURE_HTTP", "ACCESSIBLE", "LANGUAGE", "THEME", "NO_UPDATE_NOTIFIER", "PROFILE"} {
		t.Setenv("CMH_"+name, "")
	}
}

// rest is what the dialogue never asks of a demonstration hub.
type rest struct{ cli.Backend }

type demoHub struct {
	*demo.Hub
	rest
}

func (demoHub) LabEvents(ctx context.Context, _ string, _ int64, _ func(hub.LabEvent) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h demoHub) Certificate(ctx context.Context, id string) (hub.Certificate, error) {
	all, err := h.Certificates(ctx)
	if err != nil || len(all) == 0 || all[0].ID != id {
		return hub.Certificate{}, hub.Errorf(hub.NotFound, "There is no certificate %q.", id)
	}
	return all[0], err
}

// typist answers a line at a time, and shows what it types as a terminal would.
type typist struct {
	lines []string
	rest  string
	echo  io.Writer
}

func (y *typist) Read(p []byte) (int, error) {
	if y.rest == "" {
		if len(y.lines) == 0 {
			return 0, io.EOF
		}
		y.rest, y.lines = y.lines[0]+"\n", y.lines[1:]
		_, _ = io.WriteString(y.echo, y.rest)
	}
	n := copy(p, y.rest)
	y.rest = y.rest[n:]
	return n, nil
}

// talk is what cmh --accessible shows while somebody answers, and quits then.
func talk(t *testing.T, u hub.User, away error, width int, answers string) string {
	t.Helper()
	var shown bytes.Buffer
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := demo.New(u, time.Now())
		h.Err = away
		if u.ID != "" {
			h = h.Enrolled()
		}
		var lines []string
		if answers != "" {
			lines = strings.Split(answers, "\n")
		}
		env := &cli.Env{
			In: &typist{lines: append(lines, "q"), echo: &shown}, Out: &shown, Err: &shown, InTTY: true, OutTTY: true, ErrTTY: true, Width: width,
			Pages: draw.Outline, Backend: func() (cli.Backend, error) { return demoHub{Hub: h}, nil },
		}
		tree := root.New(env, &root.Local{Config: func(env *cli.Env) *cobra.Command { return config.Command(env, func() string { return dir }) }})
		if exit := cli.Run(t.Context(), tree, env, []string{"--accessible"}); exit != 0 {
			t.Errorf("exit %d", exit)
		}
	})
	return strings.ReplaceAll(shown.String(), dir, "CONFIG")
}

var (
	// drawn matches what is read as nothing or as noise: control characters, edges of
	// boxes, blocks, spinners, marks that stand for a word.
	drawn  = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x{9f}]|[\x{2500}-\x{25ff}\x{2800}-\x{28ff}✓✗★☆›·]`)
	padded = regexp.MustCompile(`\S {2,}\S`)
	asked  = regexp.MustCompile(`[.:?] $`) // and nothing was answered
	menu   = regexp.MustCompile(`\. (\d+) choices?\.$`)
	listed = regexp.MustCompile(`^(\d+) of (\d+)\. `)
)

// readable holds what was shown to what can be read aloud: lines of text that stay
// where they are, each choice with its number, each item of a list with its place.
func readable(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	code, place := false, 0
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "Code"):
			code = true
		case strings.HasPrefix(l, "End of code"):
			code = false
		}
		if bad := drawn.FindString(l); bad != "" {
			t.Errorf("line %d has %q: %q", i+1, bad, l)
		}
		if strings.TrimRight(l, " ") != l && !asked.MatchString(l) {
			t.Errorf("line %d ends with blanks: %q", i+1, l)
		}
		if !code && padded.MatchString(l) {
			t.Errorf("line %d has columns: %q", i+1, l)
		}
		if m := menu.FindStringSubmatch(l); m != nil {
			n, _ := strconv.Atoi(m[1])
			for k := range n {
				if i+1+k >= len(lines) || !strings.HasPrefix(lines[i+1+k], strconv.Itoa(k+1)+". ") {
					t.Errorf("%q has no choice %d", l, k+1)
				}
			}
		}
		if m := listed.FindStringSubmatch(l); m == nil {
			place = 0
		} else if place++; m[1] != strconv.Itoa(place) {
			t.Errorf("line %d is not place %d: %q", i+1, place, l)
		}
	}
}

// instead are the choices that do in lines what a key does on the screens, by the
// key's help; empty is what needs none: everything is shown, unfolded, in one
// order, and a terminal's own means copy it.
var instead = map[string]string{
	"move": "", "scroll": "", "open": "", "reload": "", "fold": "", "unfold": "", "copy": "", "sort": "",
	"search": "Search courses", "provider": "Narrow this list", "level": "Narrow this list", "category": "Narrow this list", "clear filters": "Courses",
	"runnable here": "All labs, also those that can't run here",
	"enroll":        "Join this course", "leave course": "Leave this course", "lab": "Go to its lab",
	"next": "Next lesson", "previous": "Lesson before", "mark done": "Mark it as done", "take quiz": "Take its quiz", "find": "Find a text in it", "outline": "Headings",
	"choose": "One letter:", "hand in": "Hand the lab in", "try again": "Take its quiz", "back to the lesson": "Lesson permissions",
	"start the lab": "Start it", "shell": "Open the shell", "check": "Have the step checked", "next step": "Go on to the next step", "hint": "A hint", "solution": "The solution",
	"go on": "Next lesson", "more time": "More time",
	"skip": "", // is offered after three checks
	"stop": "Stop it", "step before": "Look at another step", "step after": "Look at another step",
	"settings": "Settings", "account": "Account", "revoke": "Revoke", "change": "Change a setting", "as by default": "Nothing takes it away",
}

// Everything that has a key on the screens can be done in lines.
func TestEveryKeyHasAChoice(t *testing.T) {
	unset(t)
	var all strings.Builder
	for _, s := range inLines {
		all.WriteString(talk(t, demo.Ana, nil, 80, s.answers))
	}
	said := all.String()
	for _, k := range everyKey(t) {
		choice, ok := instead[k.Help().Desc]
		if !ok {
			t.Errorf("what does %q of %q in lines?", k.Help().Desc, k.Help().Key)
		} else if !strings.Contains(said, choice) {
			t.Errorf("%q of %q: nobody is offered %q", k.Help().Desc, k.Help().Key, choice)
		}
	}
}

// everyKey is the keys of all screens, in the states that have more of them.
func everyKey(t *testing.T) (all []key.Binding) {
	t.Helper()
	env, h := screentest.Env(screentest.Ana), func() *demo.Hub { return screentest.Hub().Enrolled() }
	keys := func(k []key.Binding) { all = append(all, k...) }
	m1, _ := screentest.Play(t, func(ctx context.Context) home.Model { return home.New(ctx, h(), env) }, 80, 20)
	keys(m1.Keys())
	for _, open := range []func(context.Context, catalog.Backend, screen.Env) catalog.Model{catalog.New, catalog.Labs} {
		m, _ := screentest.Play(t, func(ctx context.Context) catalog.Model { return open(ctx, h(), env) }, 80, 20)
		keys(m.Keys())
	}
	m2, _ := screentest.Play(t, func(ctx context.Context) course.Model { return course.New(ctx, h(), env, "linux-basics") }, 80, 20)
	keys(m2.Keys())
	m3, _ := screentest.Play(t, func(ctx context.Context) lesson.Model {
		return lesson.New(ctx, h(), env, "linux-basics", "permissions")
	}, 80, 20)
	keys(m3.Keys())
	for _, typed := range [][]string{nil, {"enter", "n", "x", "n"}, {"enter", "n", "x", "tab", "a", "enter", "enter"}} {
		m, _ := screentest.Play(t, func(ctx context.Context) quiz.Model { return quiz.New(ctx, h(), env, "linux-basics", "permissions") }, 80, 20, typed...)
		if !m.Typing() {
			keys(m.Keys())
		}
	}
	for _, running := range []bool{false, true} {
		b := h()
		if running {
			b = b.Busy()
		}
		m, _ := screentest.Play(t, func(ctx context.Context) lab.Model {
			return lab.New(ctx, b, env, screen.OpenLab{Lab: "fix-permissions"})
		}, 80, 20)
		keys(m.Keys())
	}
	m4, _ := screentest.Play(t, func(ctx context.Context) progress.Model { return progress.New(ctx, h(), env) }, 80, 20)
	keys(m4.Keys())
	m5, _ := screentest.Play(t, func(ctx context.Context) me.Model { return me.New(ctx, h(), env) }, 80, 20)
	keys(m5.Keys())
	m6, _ := screentest.Play(t, func(ctx context.Context) account.Model { return account.New(ctx, h(), env) }, 80, 20)
	keys(m6.Keys())
	m7, _ := screentest.Play(t, func(ctx context.Context) settings.Model { return settings.New(ctx, demo.SomeSettings(), env) }, 80, 20)
	keys(m7.Keys())
	return all
}
