package lesson_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/screen/lesson"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
)

// long is a text of many screens, with what is hard to draw in it.
func long() string {
	var b strings.Builder
	b.WriteString("# The long way 世界\n\nHow a packet travels.\n\n")
	for i := range 12 {
		fmt.Fprintf(&b, "## Part %d: 経路 and `routes`\n\nEach hop asks its table where the network 10.0.%d.0 is, and sends the packet there. ", i+1, i)
		b.WriteString(strings.Repeat("Then the next hop does the same, family 👩‍👩‍👧 included. ", 4))
		fmt.Fprintf(&b, "\n\n```bash\nip route get 10.0.%d.1\n```\n\n### Why\n\nBecause of hop %d.\n\n", i, i+1)
	}
	return b.String()
}

func read(t *testing.T, w, h int, keys string) (lesson.Model, []tea.Msg) {
	t.Helper()
	api := screentest.Hub().Written(long())
	return screentest.Play(t, func(ctx context.Context) lesson.Model {
		return lesson.New(ctx, api, screentest.Env(screentest.Ana), "linux-basics", "permissions")
	}, w, h, strings.Fields(keys)...)
}

func TestALongLesson(t *testing.T) {
	t.Parallel()
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 20}, {"120x40", 120, 36}, {"40x10", 40, 6}} {
		for _, s := range []struct{ name, keys string }{
			{"top", ""},
			{"end", "G"},
			{"outline", "o"},
			{"outline below", "pgdown pgdown o"},
			{"went there", "o j j j j j enter"},
			{"find", "/ h o p"},
			{"found", "/ h o p enter n n"},
			{"before", "/ h o p enter N"},
			{"not found", "/ x x x enter"},
			{"given up", "pgdown / h o p esc"},
			{"copy", "y 1"},
		} {
			t.Run(size.name+" "+s.name, func(t *testing.T) {
				t.Parallel()
				m, _ := read(t, size.w, size.h, s.keys)
				screentest.Shows(t, m.View(), size.w, size.h)
			})
		}
	}
}

// What was found is in reverse, which needs no colour.
func TestFoundIsSeenWithoutColour(t *testing.T) {
	t.Parallel()
	m, _ := read(t, 80, 20, "/ 経 路 enter")
	if view := m.View(); !strings.Contains(view, "\x1b[7m経路") || !strings.Contains(ansi.Strip(view), "1 of 12") {
		t.Errorf("%s", view)
	}
	m, _ = read(t, 80, 20, "/ 経 路 enter esc")
	if view := m.View(); strings.Contains(view, "\x1b[7m") || m.Typing() {
		t.Errorf("after the search: %s", view)
	}
}

// There are more blocks than digits.
func TestCopyOfMany(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"y 1 2": "Copied block 12.", "y 3": "Copied block 3.", "y 1 enter": "Copied block 1.", "y enter": "Copied block 1.", "y 1 x": "", "y 0": "", "y 1 3": ""} {
		m, asked := read(t, 80, 20, keys)
		said := ""
		for _, msg := range asked {
			said += fmt.Sprintf("%v", msg)
		}
		if got := strings.Trim(said, "{}"); got != want || m.Typing() {
			t.Errorf("%s: said %q, want %q; still asks: %v", keys, got, want, m.Typing())
		}
	}
}
