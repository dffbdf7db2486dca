package split_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/vt"
)

// playEnv makes this test a program that shows the screen on its own terminal,
// with what a file holds for a shell.
const playEnv = "CMH_SPLIT_PLAY"

func TestMain(m *testing.M) {
	if file := os.Getenv(playEnv); file != "" {
		if err := play(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func play(file string) error {
	printed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	t, restore, err := labssh.Own(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	defer restore()
	api := backend{demo.New(screentest.Ana, screentest.Now).Busy()}
	_, _, err = split.Run(context.Background(), t, api, split.Options{Session: "fix-permissions", Pages: draw.Outline}, func(_ context.Context, lab labssh.Terminal, _ string) (int, bool, error) {
		for len(printed) > 0 { // in odd pieces, as from a network
			n := min(len(printed), 997)
			if _, err := lab.Out.Write(printed[:n]); err != nil {
				return 0, false, err
			}
			printed = printed[n:]
		}
		_, err := io.Copy(io.Discard, lab.In) // until the terminal is gone
		return 0, false, err
	})
	return err
}

// What programs draw in the pane is what they draw in tmux: the same
// characters in the same colours, in the same cells, at three sizes. Real
// programs are recorded at the pane's size; the recording goes through the
// screen, in a tmux, and straight into another one.
func TestPaneIsLikeTmux(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "%d: the quick brown fox, Übergröße, 日本語, and \tso on\n", i)
	}
	if err := os.WriteFile(text, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(t.TempDir(), "tmux")
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "tmux", "-S", inner, "kill-server").Run()
	})
	for _, program := range []struct {
		name, command string
		talk          []string // what it shows, what is typed then, ...
		// edge is 1 for a program that erases behind a full row: whether that
		// takes the last column's character terminals disagree.
		edge int
	}{
		{"vim", "vim -n -u NONE -N --cmd 'syntax on | set number hlsearch mouse=a termguicolors' " + text, []string{"Übergröße", "/fox\r30j:split\r", "[No Name]|text", "ityped\x1b", "typed"}, 0},
		{"less", "less -N " + text, []string{"quick", "/brown\r20j", "21"}, 0},
		{"top", "top -d 1000", []string{"PID", "z", "PID", "h", "Help for Interactive"}, 1},
		{"htop", "htop -d 1000", []string{"PID", "\x1b[15~", "init|sh|PID"}, 0},
		{"dialog", "dialog --colors --menu 'A \\Z1red\\Zn and \\Zbbold\\Zn menu 日本語' 15 50 4 a Alpha b Bravo c Charlie", []string{"Charlie", "\x1bOB", "a|b|r|v|o"}, 0},
		{"tmux", "env -u TMUX tmux -u -S " + inner + " -f /dev/null new-session 'sh' \\; split-window -h sh", []string{"0:", "echo inside-$((40+2))\r", "inside-42"}, 0},
		{"colours", "bash -c 'for i in {0..255}; do printf \"\\e[48;5;%sm%4d\\e[m\" $i $i; done; printf \"\\e[38;2;1;99;200m true \\e[1;3;4;9mstyles\\e[m \\e[7mreverse\\e[m 👩 世界 é\\n\"; seq 100; echo end; sleep 600'", []string{"end"}, 0},
	} {
		for _, size := range []struct{ cols, rows, paneCols, paneRows int }{{100, 30, 59, 29}, {120, 40, 71, 39}, {200, 60, 123, 59}} {
			t.Run(fmt.Sprintf("%s %dx%d", program.name, size.cols, size.rows), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "printed")
				record(t, file, program.command, size.paneCols, size.paneRows, program.talk)
				direct := tmux(t, size.paneCols, size.paneRows, "stty raw -echo; cat "+file+"; exec sleep 600", "")
				pane := tmux(t, size.cols, size.rows, os.Args[0], file)
				var want, got []string
				for end := time.Now().Add(3 * time.Minute); ; {
					want = direct.rows(0, size.paneCols-program.edge)
					got = pane.rows(size.cols-size.paneCols, size.cols-program.edge)[:size.paneRows]
					if same := fmt.Sprint(got) == fmt.Sprint(want); same && strings.TrimSpace(fmt.Sprint(want)) != "" {
						return
					}
					if time.Now().After(end) {
						break
					}
				}
				for y := range want {
					if got[y] != want[y] {
						t.Errorf("row %d:\n%q, in tmux\n%q", y, got[y], want[y])
					}
				}
			})
		}
	}
}

// record keeps what a program prints while it is talked to.
func record(t *testing.T, file, command string, cols, rows int, talk []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "exec "+command)
	cmd.Env = []string{"TERM=xterm-256color", "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all bytes.Buffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 32<<10)
		for {
			n, err := tty.Read(buf)
			mu.Lock()
			all.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	seen := 0
	for i, s := range talk {
		if i%2 == 1 {
			if _, err := tty.WriteString(s); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for end := time.Now().Add(3 * time.Minute); ; {
			mu.Lock()
			text := ansi.Strip(all.String()[seen:])
			found := false
			for _, one := range strings.Split(s, "|") {
				found = found || strings.Contains(text, one)
			}
			if found {
				seen = all.Len()
			}
			mu.Unlock()
			if found {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s never showed %q, but %q", command, s, text)
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	mu.Lock()
	err = os.WriteFile(file, all.Bytes(), 0o600)
	mu.Unlock()
	_ = cmd.Process.Kill()
	_ = tty.Close()
	<-ended
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
}

var blanks = regexp.MustCompile("(?: |\x1b\\[[0-9;]*m)*$")

// A window is a real terminal to look at.
type window struct {
	t           *testing.T
	sock        string
	cols, lines int
}

func tmux(t *testing.T, cols, rows int, command, file string) window {
	t.Helper()
	dir, err := os.MkdirTemp("", "tm") // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	w := window{t, filepath.Join(dir, "s"), cols, rows}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		_ = exec.CommandContext(ctx, "tmux", "-S", w.sock, "kill-server").Run()
		_ = os.RemoveAll(dir)
	})
	w.run("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), "-e", "LC_ALL=C.UTF-8", "-e", playEnv+"="+file, command,
		";", "set", "-g", "status", "off")
	return w
}

func (w window) run(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "tmux", append([]string{"-u", "-S", w.sock}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(w.sock), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "SHELL=/bin/sh"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// rows are the cells between two columns, with their colours, each row alone.
func (w window) rows(from, to int) []string {
	w.t.Helper()
	glass := vt.New(w.cols, w.lines)
	glass.Write([]byte("\x1b)0" + strings.ReplaceAll(strings.TrimSuffix(w.run("capture-pane", "-p", "-e"), "\n"), "\n", "\r\n")))
	rows := make([]string, w.lines)
	for y := range rows {
		one := vt.New(to-from, 1)
		one.Write([]byte("\x1b[?7l" + ansi.Cut(string(glass.DrawRow(nil, y, w.cols)), from, to)))
		// What was erased in a colour tmux shows, and leaves out of what it tells.
		rows[y] = blanks.ReplaceAllString(string(one.DrawRow(nil, 0, to-from)), "")
	}
	return rows
}
