package paint

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// typed is what a terminal sends, with pauses between its parts.
type typed []string

// mine and theirs are what our reader and the library's make of it.
func (in typed) mine() (out []string) {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		(&keys{send: func(m tea.Msg) { out = append(out, words(m)...) }}).read(r)
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
// cursor is that has not been asked for, or else F3.
func words(e any) []string {
	s := fmt.Sprintf("%T %#v", e, e)
	if strings.Contains(s, "ignoredEvent") || strings.Contains(s, "CursorPosition") {
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
