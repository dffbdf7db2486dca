package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestMain makes the test's own binary the userland, for what it starts.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); !strings.HasSuffix(name, ".test") {
		main()
	}
	os.Exit(m.Run())
}

// bin is a folder with every tool in it.
func bin(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range strings.Fields(listed(t)) {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// environment is a tool's. A test's binary that counts its coverage complains
// where it has no folder to leave it in.
func environment(t *testing.T, bin string) []string {
	t.Helper()
	return []string{"PATH=" + bin, "HOME=/", "GOCOVERDIR=" + t.TempDir()}
}

func listed(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("names.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryToolIsListed(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(maps.Keys(tools))
	want = append(want, words...)
	want = append(want, "bash", "sh")
	got := strings.Fields(listed(t))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("names.txt lists %v, there are %v", got, want)
	}
}

func TestTools(t *testing.T) {
	t.Parallel()
	dir := bin(t)
	// A program of this run alone: pgrep looks at all of this machine's. The
	// quotes keep the script's own shell from being found by its text.
	own := fmt.Sprintf("6''0.%d", os.Getpid())
	for _, tc := range []struct{ script, want string }{
		{`echo one; false || echo two`, "one\ntwo"},
		{`for i in 1 2 3; do echo $i; done | tail -n 2 | head -1`, "2"},
		{`a=(x y); [[ ${a[1]} == y && -d / ]] && echo ${#a[@]}`, "2"},
		{`f() { return 3; }; f; echo $?`, "3"},
		{`set +e +u +o pipefail -m; echo $(( 6 * 7 ))`, "42"},
		{`mkdir -p d/e && echo text >d/e/f && cp d/e/f g && mv g h && cat h && rm -r d h && ls`, "text"},
		{`ln -s /nowhere l && readlink l && rm l`, "/nowhere"},
		{`touch f && chmod 640 f && stat -c '%a %s' f; rm f`, "640 0"},
		{`mkdir s && chmod 1777 s && stat -c %a s; rmdir s`, "1777"},
		{`printf 'b 2\na 10\nb 2\n' | sort -k2 -n | uniq -c | tr -s ' '`, " 2 b 2\n 1 a 10"},
		{`printf 'a:b:c\n' | cut -d: -f1,3`, "a:c"},
		{`echo Hello | tr a-z A-Z | tee t; rm t`, "HELLO"},
		{`printf 'x1\ny2\nX3\n' | grep -in '^x'`, "1:x1\n3:X3"},
		{`printf 'ab\n' | grep -o '\(a\|c\)'; printf 'a+b\n' | grep -cF a+b`, "a\n1"},
		{`echo yes | grep -q no; echo $?; grep -q x /nowhere 2>/dev/null; echo $?`, "1\n2"},
		{`mkdir r && echo needle >r/a && grep -r needle r && grep -rl needle r; rm -r r`, "r/a:needle\nr/a"},
		{`printf 'one two\n' | wc -w; seq 3 -1 1 | wc -l`, "2\n3"},
		{`seq 5 | head -c 3; seq 5 | tail -n +4`, "1\n24\n5"},
		{`seq 2 | xargs echo got`, "got 1 2"},
		{`find . -name nothing; echo abc | sha256sum | cut -c1-8`, "edeaaff3"},
		{`id -u >/dev/null && sleep 0.01 && uname -s && basename /a/b.txt .txt && dirname /a/b`, "Linux\nb\n/a"},
		{`env A=1 sh -c 'echo $A'; A=2 printenv A`, "1\n2"},
		{`ps | grep -c '[P]ID'; which sh >/dev/null && echo there`, "1\nthere"},
		{`sleep ` + own + ` & kill -0 1 2>/dev/null; until pgrep -f 'sleep '` + own + ` >/dev/null; do sleep 0.01; done; pgrep -f 'sleep '` + own + ` | xargs kill && echo killed`, "killed"},
		{`tar -c -f x.tar /nowhere 2>/dev/null || echo refused; rm -f x.tar`, "refused"},
		{`cat <<END
$((1+1))
END`, "2"},
		{`nosuch 2>/dev/null; echo $?`, "127"},
		{`date -u '+%Y' | grep -cE '^[0-9]{4}$'`, "1"},
		{`ls -l nothing-here 2>/dev/null || echo none`, "none"},
	} {
		t.Run(tc.script, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "sh"), "-c", tc.script)
			cmd.Dir, cmd.Env = t.TempDir(), environment(t, dir)
			out, err := cmd.CombinedOutput()
			if got := strings.TrimRight(string(out), "\n"); got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// A learner types, makes a mistake, leaves with Ctrl-C what doesn't end, and
// goes.
func TestPrompt(t *testing.T) {
	t.Parallel()
	dir := bin(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "sh"))
	cmd.Args = []string{"-sh"}
	cmd.Dir, cmd.Env = "/", append(environment(t, dir), "HOME=/nowhere")
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	patience := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	defer patience.Stop()
	var seen strings.Builder
	await := func(text string) {
		t.Helper()
		buf := make([]byte, 4096)
		for !strings.Contains(seen.String(), text) {
			n, err := tty.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				t.Fatalf("waiting for %q: %v\n%s", text, err, seen.String())
			}
		}
		seen.Reset()
	}
	write := func(text string) {
		t.Helper()
		if _, err := tty.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	await(":/")
	write("x=4; echo $((x+38))\r")
	await("42\r\n")
	write("if true; then\r")
	await("> ")
	write("echo in''side; fi\r")
	await("inside")
	write("echo 'unbalanced )' ); echo no\r")
	await("sh: ")
	write("forgotten\x03echo af''ter\r")
	await("after")
	write("echo wait''ing; sleep 1000\r")
	await("waiting")
	write("\x03")
	await(":/")
	write("while true; do echo roun''d; done\r")
	await("round")
	write("\x03")
	write("echo sta''tus\r")
	await("status")
	write("exit 7\r")
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("ended with %v", err)
	}
}
