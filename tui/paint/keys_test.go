package paint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/cloudmastershub/cmh/client/labssh"
)

// typed is what a terminal sends, with pauses between its parts.
type typed []string

// mine and theirs are what our reader and the library's make of it.
func (in typed) mine() (out []string) {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		_ = (&keys{send: func(m tea.Msg) { out = append(out, words(m)...) }}).read(r)
		close(done)
	}()
	in.play(w)
	<-done
	return out
}

func (in typed) theirs(t *testing.T) (out []string) {
	r, w := io.Pipe()
	events, done := make(chan uv.Event), make(chan struct{})
	go func() {
		for e := range events {
			out = append(out, words(e)...)
		}
		close(done)
	}()
	ended := make(chan struct{})
	go func() {
		_ = uv.NewTerminalReader(r, "xterm").StreamEvents(context.WithoutCancel(t.Context()), events)
		close(ended)
	}()
	in.play(w)
	<-ended
	close(events)
	<-done
	return out
}

func (in typed) play(w io.WriteCloser) {
	for _, s := range in {
		_, _ = io.WriteString(w, s)
		synctest.Wait()
		if strings.HasSuffix(s, "…") {
			continue
		}
		time.Sleep(time.Second)
	}
	_ = w.Close()
}

// words is an event in words; none for those that nobody hears, such as where a
// cursor is that has not been asked for, or else F3, and how large a screen is.
func words(e any) []string {
	s := fmt.Sprintf("%T %#v", e, e)
	if strings.Contains(s, "ignoredEvent") || strings.Contains(s, "CursorPosition") || strings.Contains(s, "WindowSize") {
		return nil
	}
	return []string{s}
}

// The library's reader looks keys up in a table. Without one the same comes out: for
// every sequence of the kinds that are in it, for what terminals answer, for what is
// pasted, and for what is cut in two.
func TestKeysAreReadAsTheLibraryReadsThem(t *testing.T) {
	ins := []typed{
		{"a"},
		{"abc"},
		{"\x1b"},
		{"\x1b\x1b"},
		{"\x1b", "[A"},
		{"é日本"},
		{"\xe6", "\x97\xa5"},
		{"\x1b[200~hello\r\nworld\x1b[201~x"},
		{"\x1b[200~a", "b\x1b", "[201~", "c"},
		{"\x1b[200~\x1b[A\t\x01\x1b[201~"},
		{"\x1b[200~never ended"},
		{"\x1b]11;rgb:ffff/ffff/ffff\x1b\\"},
		{"\x1b]11;rgb:ffff/ffff/ffff\a"},
		{"\x1b]11;rgb:f", "fff/ffff/ffff\a"},
		{"\x1b]11;\a"},
		{"\x1b]52;c;aGVsbG8=\a"},
		{"\x1b[?2026;2$y"},
		{"\x1b[?2027;0$y"},
		{"\x1b[?1u"},
		{"\x1b[?62;22c"},
		{"\x1b[>0;276;0c"},
		{"\x1b[I"},
		{"\x1b[O"},
		{"\x1b[12;40R"},
		{"\x1b[1;2R"},
		{"\x1bP>|xterm\x1b\\"},
		{"\x1b[<0;10;20M\x1b[<0;10;20m\x1b[<64;1;1M"},
		{"\x1b[M !!"},
		{"\x1b[97;5u"},
		{"\x1b[97;1:3u"},
		{"\x1b[27;5;105~"},
		{"\x1b[13;2u"},
		{"\x1b[57399u"},
		{"\x1b[97:65;2;65u"},
		{"\x1b[8;24;80t"},
		{"\x9b1;5A"},
		{"\x1b[A\x1b[B\x1bOC"},
		{"j\x1b[Ak"},
		{"\x1b[", "A"},
		{"\x1bO", "P"},
		{"\x1b[1;", "5C"},
		{"\x1b[999z"},
		{"\x1b[2$"},
		{"\x1b_G\x1b\\"},
		{"\x1b^x\x1b\\"},
		{"\x1bXx\x1b\\"},
	}
	for c := range rune(128) {
		ins = append(ins, typed{string(c)}, typed{"\x1b" + string(c)})
	}
	var finals []string
	for c := '@'; c <= '~'; c++ {
		if c != '_' { // a console's of Windows, in a mode that is not ours
			finals = append(finals, string(c))
		}
	}
	for _, f := range append(finals, "$") {
		for _, p := range []string{"", "1", "2", "3", "5", "11", "15", "17", "24", "28", "34", "1;2", "1;5", "1;8", "1;16", "3;5", "23;3", "27;5;9", "27;2;13", "27;6;27"} {
			for _, intro := range []string{"\x1b[", "\x1bO", "\x1b\x1b[", "\x1b\x1bO"} {
				ins = append(ins, typed{intro + p + f})
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		for _, in := range ins {
			if got, want := in.mine(), in.theirs(t); !slices.Equal(got, want) {
				t.Errorf("%q is\n%q, and the library reads\n%q", in, got, want)
			}
		}
	})
}

// What makes no sense is not kept for ever.
func TestKeysAreBounded(t *testing.T) {
	k, n := &keys{}, 0
	k.send = func(tea.Msg) { n++ }
	k.take([]byte("\x1b]"))
	for range 100 {
		k.take([]byte(strings.Repeat("x", 4096)))
	}
	if len(k.typed) > longest {
		t.Errorf("%d bytes are kept", len(k.typed))
	}
	k.take([]byte("\x1b\\\x1b[200~"))
	for range 1000 {
		k.take([]byte(strings.Repeat("x", 4096)))
	}
	if len(k.paste) > pasted {
		t.Errorf("%d bytes are kept of a paste", len(k.paste))
	}
}

// Whoever types what no terminal sends ends nobody's program with it, and has no
// other screen by it.
func TestKeysAreHostile(t *testing.T) {
	for name, typed := range map[string]string{
		"panics in the decoder":   "aaa\x9bM~|~",
		"is too large":            "\x1b[8;10;5000t\x1b[48;10;5000;1;1t",
		"is nothing":              "\x1b[8;0;80t\x1b[48;0;0;0;0t",
		"is larger than memory":   "\x1b[8;65535;65535t",
		"was pressed many times":  "\x1b[65;30;97;1;0;65535_",
		"is nothing but Escapes":  strings.Repeat("\x1b", 1<<16) + "[1;",
		"is a title that is long": "\x1b]" + strings.Repeat("x", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard []tea.Msg
				m := listener(func(msg tea.Msg) { heard = append(heard, msg) })
				in, w := io.Pipe()
				p := New(t.Context(), m, func() (labssh.Terminal, func(), error) {
					return labssh.Terminal{In: in, Out: io.Discard, Size: func() (int, int) { return 40, 10 }}, nil, nil
				}, Options{})
				ended := make(chan error)
				go func() { _, err := io.WriteString(w, typed+"\x1b"); ended <- err }()
				go func() { ended <- p.Run() }()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				p.Send(tea.Quit())
				if err := <-ended; err != nil {
					t.Error(err)
				}
				_ = w.Close()
				for _, msg := range heard {
					if s, ok := msg.(tea.WindowSizeMsg); ok && (s.Width != 40 || s.Height != 10) {
						t.Errorf("the screen is %v", s)
					}
				}
				if n := len(heard); n > len(typed)+10 || heard[n-1] != tea.Msg(tea.KeyPressMsg{Code: tea.KeyEscape}) {
					t.Errorf("heard %d messages", n)
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// However long a string is, and whatever cuts it, what has come of it is not looked
// at again for each byte that comes.
func TestLongStringsAreCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, in := range []string{"\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9d", "\x90", "\x9f", "\x9e", "\x98"} {
			k := &keys{send: func(msg tea.Msg) { t.Errorf("%q is %#v", in, msg) }}
			k.take([]byte(in + "abc"))
			k.typed = slices.Grow(k.typed, longest)
			x := []byte("x")
			if n := testing.AllocsPerRun(1000, func() { k.take(x) }); n > 0 || len(k.typed) < 1000 {
				t.Errorf("%q is taken apart for each byte", in) // for which the decoder allocates
			}
		}
	})
}

// A listener is a model that hears every message.
type listener func(tea.Msg)

func (l listener) Init() tea.Cmd                           { return nil }
func (l listener) Update(msg tea.Msg) (tea.Model, tea.Cmd) { l(msg); return l, nil }
func (l listener) View() tea.View                          { return tea.NewView("") }

// What panics beside the loop is the program's end and not the process's.
func TestAReaderThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(t.Context(), listener(func(tea.Msg) {}), func() (labssh.Terminal, func(), error) {
			return labssh.Terminal{In: panics{}, Out: io.Discard}, nil, nil
		}, Options{})
		if err := p.Run(); !errors.Is(err, tea.ErrProgramPanic) {
			t.Error(err)
		}
		time.Sleep(time.Second)
	})
}

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("read") }

// Whatever is typed, and however it is cut, it is a few messages, none of them on
// the size of the screen, and little of it is kept.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{
		"aaa\x9bM~|~", "\x9bM~|~", "\x1b[8;65535;65535t", "\x1b[48;1;1;1;1t", "\x1b[65;30;97;1;0;65535_", "\x1b\x1b\x1b[1;",
		"\x1b[200~a\x1b[201~", "\x1b]52;c;aGVsbG8=\a", "\x1bP1+r544e=78\x1b\\", "\x1b_Ga=1;x\x1b\\", "\x1b[97:65;2;65u", "\x9d11;?\x9c", "\xf0\x9f\x91",
	} {
		f.Add([]byte(s), []byte{3})
		f.Add([]byte(s), []byte{1, 1, 1, 1, 1, 1, 1})
	}
	f.Fuzz(func(t *testing.T, typed, cuts []byte) {
		n := 0
		k := &keys{send: func(msg tea.Msg) {
			n++
			switch msg := msg.(type) {
			case uv.WindowSizeEvent, crash:
				t.Errorf("%#v", msg)
			case uv.KeyPressEvent:
				_ = msg.String()
			}
		}}
		for rest := typed; len(rest) > 0; {
			tight := append(make([]byte, 0, len(rest)), rest...)
			if n, _ := k.first(tight); n < 1 || n > len(rest) {
				t.Fatalf("%d of %q", n, rest)
			}
			cut := len(rest)
			if len(cuts) > 0 {
				cut, cuts = min(cut, int(cuts[0])+1), cuts[1:]
			}
			k.take(rest[:cut])
			if len(k.typed) > longest || len(k.paste) > pasted {
				t.Fatalf("kept are %d and %d bytes", len(k.typed), len(k.paste))
			}
			rest = rest[cut:]
		}
		k.end()
		if n > 2*len(typed) {
			t.Errorf("%d messages of %d bytes", n, len(typed))
		}
	})
}
