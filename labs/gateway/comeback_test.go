package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// A cable is a TCP connection to the gateway that can be cut.
type cable struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: l}
	t.Cleanup(func() { l.Close(); c.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			c.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return c
}

// cut ends all connections in the middle of whatever goes on.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
	c.conns = nil
}

// A glass is a real terminal with a stock client in it, to be looked at.
type glass struct {
	t    *testing.T
	sock string
}

// look starts ssh in a tmux of its own.
func look(t *testing.T, w *world, addr string) glass {
	t.Helper()
	dir, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	g := glass{t, filepath.Join(dir, "s")}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		_ = exec.CommandContext(ctx, "tmux", "-S", g.sock, "kill-server").Run()
		os.RemoveAll(dir)
	})
	host, port, _ := net.SplitHostPort(addr)
	ssh := fmt.Sprintf("exec ssh -F none -p %s -i %s -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR %s@%s",
		port, w.key, alices, host)
	g.tmux("-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "28", "-e", "LC_ALL=C.UTF-8", ssh, ";", "set", "-g", "status", "off", ";", "set", "-g", "remain-on-exit", "on")
	return g
}

func (g glass) tmux(args ...string) string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", g.sock}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(g.sock), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "SHELL=/bin/sh"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (g glass) keys(keys ...string) {
	g.t.Helper()
	g.tmux(append([]string{"send-keys", "--"}, keys...)...)
}

// picture is every cell with its colours, and the cursor.
func (g glass) picture() string {
	g.t.Helper()
	p := g.tmux("capture-pane", "-p", "-e") + g.tmux("display-message", "-p",
		"cursor #{cursor_x},#{cursor_y} #{cursor_flag} alternate #{alternate_on} keys #{keypad_cursor_flag} #{keypad_flag} mouse #{mouse_any_flag} wrap #{wrap_flag} origin #{origin_flag} insert #{insert_flag} region #{scroll_region_upper}-#{scroll_region_lower}")
	// Whether erasing ends a wrap that is pending, terminals disagree.
	return strings.Replace(p, "cursor 90,", "cursor 89,", 1)
}

func (g glass) shows(what string) {
	g.t.Helper()
	until(g.t, "the screen shows "+what, func() bool { return strings.Contains(g.tmux("capture-pane", "-p"), what) })
}

// rests waits until the picture no longer changes.
func (g glass) rests() string {
	g.t.Helper()
	last, same := g.picture(), 0
	until(g.t, "the screen rests", func() bool {
		now := g.picture()
		if same++; now != last {
			last, same = now, 0
		}
		return same == 20
	})
	return last
}

// The connection is cut in the middle of a full-screen program, and the gateway
// goes away too: who comes back to another one, with a stock client in a real terminal, finds the
// same screen, cell by cell, and the program takes keys as before.
func TestSameScreenAfterACut(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "%d: the quick brown fox, Übergröße, 日本語, and \tso on\n", i)
	}
	if err := os.WriteFile(text, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	// A server of tmux's leaves the shell that started it, and so the lab, which
	// is no sandbox here.
	inner := filepath.Join(t.TempDir(), "tmux")
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "tmux", "-S", inner, "kill-server").Run()
	})
	for _, c := range []struct {
		name, command, shows string
		keys                 []string // to be somewhere in the middle
		where                string   // what tells that they have been taken
		more                 []string // and then
		then                 string
	}{
		{
			"vim",
			"vim -u NONE -N --cmd 'syntax on | set number hlsearch mouse=a' " + text,
			"Übergröße",
			[]string{"/fox", "Enter", "Escape", "3", "0", "j", ":split", "Enter", "i", "typed", "Left", "Left"},
			"cursor 26,12 ",
			[]string{"X", "Y", "Down", "Z"},
			"typXYed",
		},
		{"less", "less -N " + text, "quick", []string{"/brown", "Enter", "2", "0", "j"}, "46: ", []string{"2", "0", "j"}, "58"},
		{"top", "exec top -d 1000", "PID", []string{"z"}, "\x1b[31mTasks", []string{"h"}, "Help for Interactive"},
		{"tmux", "env -u TMUX tmux -S " + inner + " -f /dev/null new-session 'sh' \\; split-window -h sh", "0:", []string{"echo inside-$((40+2))", "Enter"}, "inside-42", []string{"echo more-$((40+2))", "Enter"}, "more-42"},
		{"a shell", "printf '\\033[31mred \\033[44mon blue\\033[m \\033(0lqk\\033(B\\n'; seq 100", "100", []string{"echo half"}, "$ echo half", []string{"-$((40+2))", "Enter"}, "half-42"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, gateway.Limits{})
			line := newCable(t, w.addr)
			g := look(t, w, line.Addr().String())
			g.shows("#")
			g.keys("PS1='$ '; clear", "Enter")
			g.shows("$")
			g.keys(c.command)
			g.keys("Enter")
			g.shows(c.shows)
			g.rests()
			for _, k := range c.keys {
				g.keys(k)
			}
			until(t, "the keys are taken", func() bool { return strings.Contains(g.picture(), c.where) })
			g.rests()
			w.signal(c.name, syscall.SIGSTOP) // top draws when it wants to
			before := g.rests()

			line.cut()
			until(t, "the client has noticed", func() bool { return strings.Contains(g.tmux("display-message", "-p", "dead #{pane_dead}"), "dead 1") })
			until(t, "the gateway has noticed", func() bool { return strings.Contains(w.seen(), "-box-a") })
			w.stop()
			w.serve(privatePEM(t, signer(t)), gateway.Limits{})
			again := look(t, w, w.addr)
			again.shows(c.shows)
			if after := again.rests(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s\n%s", before, after, firstDifference(before, after))
			}
			w.signal(c.name, syscall.SIGCONT)
			for _, k := range c.more {
				again.keys(k)
			}
			again.shows(c.then)
		})
	}
}

// signal signals what top runs in Alice's lab. It has no shell to notice.
func (w *world) signal(name string, sig syscall.Signal) {
	if name != "top" {
		return
	}
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		env, _ := os.ReadFile(file)
		comm, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		if string(comm) == "top\n" && strings.Contains(string(env), "HOME="+w.agents["box-a"]) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			_ = syscall.Kill(pid, sig)
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, %q", i, x[i], y[i])
		}
	}
	return ""
}
