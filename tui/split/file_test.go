package split_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// folder is a lab's files on this machine.
type folder string

func (f folder) Get(name string) ([]byte, bool, error) {
	b, err := os.ReadFile(filepath.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return b, true, err
}

func (f folder) Put(name string, content []byte) error {
	name = filepath.Join(string(f), name)
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, content, 0o600))
}

func (folder) Close() error { return nil }

// does presses a key behind the prefix, and waits for what is said to it.
func (s *seat) does(key, says string) {
	s.t.Helper()
	s.press("\x1d")
	s.sees("? more")
	s.press(key)
	s.sees(says)
}

const fileText = "Write it:\n\n" +
	"``` {copy} {file=conf/a%20b.ini target=replace}\n[main]\n# HERE\n```\n\n" +
	"``` {copy} {file=conf/a%20b.ini target=insert marker=%23%20HERE}\nkey = 1\n```\n\n" +
	"``` {copy} {file=conf/a%20b.ini target=append}\nend = 1\n```\n\n" +
	"``` {copy} {file=/etc/motd target=prepend}\nhello\n```\n\n" +
	"Look at `conf/it's.ini`{{open}}, then:\n\n```\nonly shown\n```\n"

// Blocks that are a file's content are written to it, at the place that their
// author says, and nothing of the learner's is lost unasked.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	files := func(context.Context) (split.Files, error) { return folder(dir), nil }
	s := sitAt(t, 120, 40, split.Options{Files: files}, demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Steps[0].Text, l.Folder = fileText, "work"
	}).Busy())
	s.sees("insert into conf/a b.ini")
	s.picks()
	has := func(want string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(dir, "work/conf/a b.ini"))
		if err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	s.does("2", `has no "# HERE"`)
	s.does("1", "Written: conf/a b.ini")
	has("[main]\n# HERE\n")
	s.does("2", "Written")
	has("[main]\nkey = 1\n")
	s.does("1", "Written") // over what only this screen has written
	has("[main]\n# HERE\n")
	s.does("1", "like that already")
	if err := os.WriteFile(filepath.Join(dir, "work/conf/a b.ini"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.does("1", "Write over conf/a b.ini")
	s.press("n")
	has("mine")
	s.does("3", "Written")
	has("mine\nend = 1\n")
	s.does("4", "Written: /etc/motd")
	if b, err := os.ReadFile(filepath.Join(dir, "etc/motd")); err != nil || string(b) != "hello\n" {
		t.Errorf("%q, %v", b, err)
	}
	// One to look at is opened by typing what opens it.
	s.press("\x1d5")
	s.gets(`${EDITOR:-vi} ~/'work/conf/it'\''s.ini'` + "\r")
	s.does("6", "is for copying")
	s.prints("\x1b[?1049h")
	s.does("5", "Leave the program")
}

func portsLab() *demo.Hub {
	return demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Hosts = []string{"controlplane", "node01"}
		l.Ports = []hub.LabPort{{Port: 9090, Name: "Dashboard", Host: "node01"}}
		l.Steps[0].Text = "Open port 8080 of the sandbox, or [it](http://172.30.2.2:80/x)."
	}).Busy()
}

// A port of the lab is made reachable from the learner's machine.
func TestPorts(t *testing.T) {
	var asked []string
	s := sitAt(t, 120, 40, split.Options{Forward: func(_ context.Context, host string, port int, _ func(string)) (string, error) {
		asked = append(asked, host)
		if port == 81 {
			return "", hub.Errorf(hub.Conflict, "It can't be had.")
		}
		return "127.0.0.1:" + map[int]string{8080: "8080", 9090: "45678"}[port], nil
	}}, portsLab())
	s.sees("Dashboard: port 9090 of node01")
	s.press("\x1dp")
	s.sees("Port, or HOST:PORT: 8080")
	s.press("\r")
	s.sees("http://127.0.0.1:8080 on your machine")
	s.press("\x1dp")
	s.sees("Port, or HOST:PORT: node01:80")
	s.press("\x7f\x7fnope\r")
	s.sees("That is no port")
	s.press("\x1dp\x7f\x7f\x7f9090\r")
	s.sees("That is no port")
	s.press("\x1dp\x7f\x7f9090\r")
	s.sees("http://127.0.0.1:45678 here")
	s.press("\x1dp" + strings.Repeat("\x7f", 20) + "81\r")
	s.sees("It can't be had.")
	s.press("\x1dp" + strings.Repeat("\x7f", 20) + "8080\r")
	s.sees("already")
	s.picks()
	if strings.Join(asked, ",") != ",node01," {
		t.Errorf("%q", asked)
	}
}

// Where only the learner's own ssh can do that, the screen says how.
func TestPortsElsewhere(t *testing.T) {
	s := sitAt(t, 80, 24, split.Options{}, portsLab())
	s.sees("Step 1/3")
	s.press("\x1dpx\x7f\r")
	s.sees("ssh -N -L 8080:localhost:8080 -p 2222 s-demo234567@127.0.0.1")
	s.picks()
}
