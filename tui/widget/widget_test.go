package widget_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

var th = theme.Default()

func key(name string) tea.KeyPressMsg {
	switch name {
	case "backspace":
		return tea.KeyPressMsg{Code: tea.KeyBackspace}
	case "ctrl+w", "ctrl+u":
		return tea.KeyPressMsg{Code: rune(name[5]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func TestInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, start, want string
		msgs              []tea.Msg
	}{
		{"typed", "", "aé世", []tea.Msg{key("a"), key("é"), key("世")}},
		{"a whole character goes", "a👩\u200d👩\u200d👧", "a", []tea.Msg{key("backspace")}},
		{"a word goes", "one two", "one ", []tea.Msg{key("ctrl+w")}},
		{"everything goes", "one two", "", []tea.Msg{key("ctrl+u")}},
		{"a pasted newline is a space", "", "rm -rf / ls", []tea.Msg{tea.PasteMsg{Content: "rm -rf /\nls\n"}}},
		{"pasted escapes are gone", "", "ab", []tea.Msg{tea.PasteMsg{Content: "a\x1b[2Jb"}}},
		{"too much is refused", "x", "x", []tea.Msg{tea.PasteMsg{Content: strings.Repeat("y", 300)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := widget.Input{Value: tt.start, Focus: true}
			for _, m := range tt.msgs {
				in.Update(m)
			}
			if in.Value != tt.want {
				t.Errorf("got %q, want %q", in.Value, tt.want)
			}
		})
	}
}

func TestInputShowsItsEnd(t *testing.T) {
	t.Parallel()
	in := widget.Input{Prompt: "Search", Value: strings.Repeat("世", 40) + "end", Focus: true}
	view := ansi.Strip(in.View(th, 30))
	if !strings.HasSuffix(view, "end▏") || ansi.StringWidth(view) > 30 {
		t.Errorf("%q", view)
	}
}

func TestLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "time is up", 0: "time is up", 30 * time.Second: "< 1 min left", 59*time.Minute + 59*time.Second: "59 min left", time.Hour: "1 h 00 min left", 125 * time.Minute: "2 h 05 min left",
	} {
		if got := widget.Left(words.Speaker{}, now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := widget.Left(words.Speaker{}, time.Time{}, now); got != "" {
		t.Errorf("no end: %q", got)
	}
}

func TestOverKeepsTheEdgesStraight(t *testing.T) {
	t.Parallel()
	body := strings.Repeat(strings.Repeat("世界", 20)+"\n", 11) + strings.Repeat("👩\u200d👩\u200d👧", 40)
	for _, w := range []int{40, 41, 79, 80} {
		view := widget.Over(th, body, "Título 世界", []string{"one", strings.Repeat("long ", 30)}, w, 12)
		lines := strings.Split(view, "\n")
		if len(lines) != 12 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if strings.ContainsAny(l, "╭│╰") && ansi.StringWidth(l) > w {
				t.Errorf("width %d: %d columns: %q", w, ansi.StringWidth(l), ansi.Strip(l))
			}
		}
	}
}

// What stands over the first row can be read, and left again.
func TestUpFromTheFirstRow(t *testing.T) {
	t.Parallel()
	var c widget.Cursor
	draw := func() *widget.Page {
		var p widget.Page
		p.Add("a", "b", "c", "d", "e", "f")
		for i := range 3 {
			p.Row(i == c.At, strconv.Itoa(i))
		}
		return &p
	}
	for _, tt := range []struct{ keys, shows string }{
		{"", "ef0"}, {"k", "def"}, {"kkkkkkkkk", "abc"}, {"g", "abc"}, {"gj", "bcd"}, {"gjjjj", "ef0"}, {"gjjjjj", "f01"}, {"kjj", "f01"}, {"G", "012"}, {"Gg", "ef0"}, {"Ggk", "def"},
	} {
		c = widget.Cursor{}
		for _, k := range tt.keys {
			c.MoveOn(draw(), th.Keys, key(string(k)), 3, 2, 3)
		}
		view := draw().ViewAbove(c.Above, 4, 3)
		got := ""
		for _, l := range strings.Split(view, "\n") {
			got += strings.TrimSpace(strings.TrimRight(l, "↑↓ "))
		}
		if got != tt.shows {
			t.Errorf("%q: %q, want %q; %+v", tt.keys, got, tt.shows, c)
		}
	}
}

func TestScrollStaysInTheText(t *testing.T) {
	t.Parallel()
	s := widget.Scroll{Lines: strings.Split("a b c d e f g h", " ")}
	for _, k := range []string{"G", "j", "j", "j"} {
		s.Move(th.Keys, key(k), 3)
	}
	if s.Offset != 5 {
		t.Errorf("at the end: %d", s.Offset)
	}
	for _, k := range []string{"g", "k"} {
		s.Move(th.Keys, key(k), 3)
	}
	if s.Offset != 0 {
		t.Errorf("at the top: %d", s.Offset)
	}
	if n := len(strings.Split(s.View(th, 20, 3), "\n")); n != 3 {
		t.Errorf("%d lines", n)
	}
}

func TestEveryStateHasAMarkOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range []string{hub.StepPending, hub.StepPassed, hub.StepFailed, hub.StepError, hub.StepSkipped} {
		m := ansi.Strip(widget.Step(th, s))
		if seen[m] != "" {
			t.Errorf("%s looks like %s without colour", s, seen[m])
		}
		seen[m] = s
	}
}

func TestExplainSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{hub.Errorf(hub.Unauthenticated, "You are not signed in."), "You are not signed in. Do this."},
		{hub.Errorf(hub.Unavailable, "No answer."), "No answer. Press r to try again."},
		{hub.Errorf(hub.Conflict, "a\x1b[2J\nb"), "a b"},
		{strings.NewReader("").UnreadByte(), "Something went wrong on our side."},
	} {
		if got := widget.Explain(words.Speaker{}, tt.err, "Do this."); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
