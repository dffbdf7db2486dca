package server

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/paint"
)

// A page opens a shell at Enter, and tells of each other key.
type page struct {
	t     *terminal
	keys  chan string
	shell func(io.Reader)
}

func (p page) Init() tea.Cmd { return nil }

func (p page) View() tea.View { return tea.NewView("a page") }

func (p page) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		switch msg.String() {
		case "enter":
			in := p.t.lend()
			return p, paint.Lend(func() error {
				defer p.t.giveBack()
				p.shell(in)
				return nil
			}, func(error) tea.Msg { return nil })
		case "q":
			return p, tea.Quit
		}
		p.keys <- msg.String()
	case tea.PasteMsg:
		p.keys <- msg.Content
	}
	return p, nil
}

// types does what listen does with what it has read.
func (t *terminal) types(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.typed = append(t.typed, s...)
	t.change.Broadcast()
}

// What is typed is the shell's from the key on that opens it, also if both come at
// once, and the page's again afterwards: all of it, however often.
func TestWhoHearsWhatIsTyped(t *testing.T) {
	t.Parallel()
	term := &terminal{}
	term.change.L = &term.mu
	defer term.end()
	keys, lab := make(chan string, 1), make(chan string)
	m := page{t: term, keys: keys, shell: func(in io.Reader) {
		var got string
		for buf := make([]byte, 64); len(got) < len("ls\r語\x1b[A"); {
			n, err := in.Read(buf)
			if err != nil {
				break
			}
			got += string(buf[:n])
		}
		lab <- got
	}}
	ended := make(chan error)
	open := func() (labssh.Terminal, func(), error) {
		l := term.begin()
		return labssh.Terminal{In: l, Out: io.Discard}, l.end, nil
	}
	run := func() {
		o := paint.Options{Env: []string{"TERM=xterm"}, Pace: time.Second / 30}
		ended <- paint.New(t.Context(), m, open, o).Run()
	}
	heard := func(from chan string, want string) {
		t.Helper()
		select {
		case got := <-from:
			if got != want {
				t.Errorf("heard %q, not %q", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody has heard %q", want)
		}
	}
	go run()
	for range 50 {
		term.types("a\rls\r語\x1b[A")
		heard(keys, "a")
		heard(lab, "ls\r語\x1b[A")
		for _, s := range []string{"\r", "ls", "\r語\x1b", "[A"} { // as it comes, in one piece or in several
			term.types(s)
		}
		heard(lab, "ls\r語\x1b[A")
		term.types("\rls\r\x1b[200~語\x1b[201~\x1b[A") // the shell has not asked for how pasted text is marked
		heard(lab, "ls\r語\x1b[A")
		for _, key := range []string{"b", "c", "d"} {
			term.types(key)
			heard(keys, key)
		}
	}
	// Who has joined meets another program, that hears what the first has left.
	term.types("qe")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	go run()
	heard(keys, "e")
	term.types("f")
	heard(keys, "f")
	term.types("q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A terminal over SSH is asked what some print and slow lines answer too late only
// if it is known to answer.
func TestWhichTerminalsAreAsked(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]bool{"xterm-256color": false, "nsterm": false, "xterm-kitty": true} {
		in, keys := io.Pipe()
		out := &leaving{keys: keys}
		o := paint.Options{Env: remote([]string{"TERM_PROGRAM=x"}, name), Pace: time.Second / 10}
		err := paint.New(t.Context(), page{}, func() (labssh.Terminal, func(), error) {
			return labssh.Terminal{In: in, Out: out}, nil, nil
		}, o).Run()
		if sent := out.sent.String(); err != nil || !strings.Contains(sent, "a page") || strings.Contains(sent, "$p") != asked {
			t.Errorf("%s: %v, sent %q", name, err, sent)
		}
		_ = keys.Close()
	}
}

// leaving is a terminal at which somebody quits once they have seen the page.
type leaving struct {
	sent bytes.Buffer
	keys *io.PipeWriter
	once sync.Once
}

func (l *leaving) Write(p []byte) (int, error) {
	l.once.Do(func() { go func() { _, _ = l.keys.Write([]byte("q")) }() })
	return l.sent.Write(p)
}
