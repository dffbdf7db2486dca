package widget_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/widget"
)

func TestFind(t *testing.T) {
	t.Parallel()
	lines := []string{
		"  \x1b[1mWho may\x1b[m do what", "", "  A door is closed, and 世界 is", "  outside: the DOOR", "  again", "", "  │ door",
	}
	for _, tt := range []struct {
		what  string
		count string
		lines []int  // where the places are, by n
		mark  string // of the first, on its first line: what is in reverse
	}{
		{"door", "1 of 3", []int{2, 3, 6}, "door"},
		{"DOOR again", "1 of 1", []int{3}, "DOOR"}, // the text was wrapped there
		{"is outside", "1 of 1", []int{2}, "is"},
		{"  may   do ", "1 of 1", []int{0}, "may do"},
		{"世", "1 of 1", []int{2}, "世"},
		{"界 is", "1 of 1", []int{2}, "界 is"},
		{"doors", "not found", nil, ""},
		{"", "", nil, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			var f widget.Find
			f.Look(lines)
			f.Open(0)
			at := f.Press(tea.PasteMsg{Content: tt.what})
			f.Press(tea.KeyPressMsg{Code: tea.KeyEnter})
			if view := ansi.Strip(f.View(th, 60)); !strings.HasSuffix(strings.TrimRight(view, " "), tt.count) {
				t.Errorf("%q, want %q", view, tt.count)
			}
			for i, want := range tt.lines {
				if i > 0 {
					at = f.Next(1)
				}
				if at != want {
					t.Errorf("place %d is in line %d, want %d", i, at, want)
				}
			}
			if len(tt.lines) > 0 && f.Next(1) != tt.lines[0] {
				t.Error("after the last comes not the first")
			}
			marked := f.Mark(lines, 0, len(lines))
			if tt.mark != "" && !strings.Contains(marked[tt.lines[0]], "\x1b[7m"+tt.mark) {
				t.Errorf("%q", marked[tt.lines[0]])
			}
			for i := range marked {
				if ansi.Strip(marked[i]) != ansi.Strip(lines[i]) {
					t.Errorf("%q has become %q", lines[i], marked[i])
				}
			}
		})
	}
}

func TestFindGoesOnFromWhereOneReads(t *testing.T) {
	t.Parallel()
	var f widget.Find
	f.Look([]string{"a", "b", "a", "b", "a"})
	f.Open(1)
	if got := f.Press(key("a")); got != 2 {
		t.Errorf("line %d, want 2", got)
	}
	if got := f.Press(tea.KeyPressMsg{Code: tea.KeyEscape}); got != 1 || f.On() {
		t.Errorf("given up: line %d, %v", got, f.On())
	}
	f.Open(4)
	f.Press(key("b")) // none follows: the last one before
	f.Look([]string{"b"})
	if got := f.Next(0); got != 0 {
		t.Errorf("in the text laid out anew: line %d", got)
	}
}
