package docker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/docker"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// An engine that shares nothing with this host gives the same sandboxes: what it
// is asked for goes over its own API.
func TestApart(t *testing.T) {
	for name, host := range engines(t) {
		t.Run(name, func(t *testing.T) {
			store, state := debian(t), t.TempDir()
			again := func() *docker.Driver {
				return openAs(t, docker.Config{State: state, Images: store, Host: host, Apart: true})
			}
			d := again()
			for _, spec := range []labs.Spec{
				{ID: "apart", Image: image.Default, Hostname: "host01", Env: map[string]string{"COURSE": "one"}},
				{ID: "beside", Image: image.Default, Limits: labs.Limits{Pids: 64}},
			} {
				if err := d.Create(t.Context(), spec); err != nil {
					t.Fatal(err)
				}
			}
			c := drivertest.Connect(t, d, "apart")
			for _, tc := range []struct{ what, command, want string }{
				{"the host's name", "uname -n", "host01"},
				{"the environment", `bash -lc 'echo "$COURSE"'`, "one"},
				{"process 1", "tr '\\0' ' ' </proc/1/cmdline", "lab-agent"},
				{"what the agent was told is gone", "ls -A / | grep -c boot; true", "1"}, // the image's own /boot
				{"its file can't be exchanged", "rm -f /.lab/lab-dock 2>/dev/null; (echo x >/.lab/lab-dock) 2>/dev/null; mv /.lab /x 2>/dev/null; test -s /.lab/lab-dock && echo there", "there"},
				{"the socket asks, and hangs up on an answer of a learner's", `python3 -c '
import socket
s = socket.socket(socket.AF_UNIX); s.connect("\0cmh-agent")
n = len(s.recv(64)); s.sendall(b"x" * 32)
try: print(n, len(s.recv(64)))
except ConnectionResetError: print(n, 0)'`, "32 0"},
				{"its name can't be taken", `python3 -c '
import socket
try: socket.socket(socket.AF_UNIX).bind("\0cmh-agent")
except OSError as e: print(e.errno)'`, "98"},
				{"nobody looks into a connection", "for p in $(pgrep -f '^/.lab/lab-dock dial'); do cat /proc/$p/environ; done 2>&1 | grep -ci denied", "1"}, // this one
			} {
				if got, err := drivertest.Exec(t, c, tc.command); got != tc.want {
					t.Errorf("%s: %s: %q, %v; want %q", tc.what, tc.command, got, err, tc.want)
				}
			}

			// Connections end with whoever made them.
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					conn, err := d.Dial(t.Context(), "apart")
					if err != nil {
						t.Error(err)
						return
					}
					conn.Close()
				})
			}
			all.Wait()
			if got, _ := drivertest.Exec(t, c, "for i in $(seq 600); do n=$(pgrep -fc '^/.lab/lab-dock dial'); [ $n -le 1 ] && break; sleep .1; done; echo $n"); got != "1" {
				t.Errorf("%s connections are left, want the one that asks", got)
			}

			// What one that takes all processes leaves is the way it came, and the agent.
			b := drivertest.Connect(t, d, "beside")
			out, _ := drivertest.Exec(t, b, "for i in $(seq 120); do sleep 8 & done 2>&1; wait")
			if !strings.Contains(out, "fork") && !strings.Contains(out, "Resource temporarily unavailable") {
				t.Errorf("120 processes fit into 64: %.300s", out)
			}
			if got, err := drivertest.Exec(t, b, "echo alive"); got != "alive" {
				t.Errorf("after that: %q, %v", got, err)
			}

			// Kept files come back, and a later driver finds all of it.
			if _, err := drivertest.Exec(t, c, "echo kept >/root/mark; echo '10.0.0.7 box' >>/etc/hosts; mv /.lab /.lab2; true"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Snapshot(t.Context(), "apart", "mine"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.RemoveSnapshot(context.WithoutCancel(t.Context()), "mine"); err != nil {
					t.Error(err)
				}
			})
			later := again()
			if err := later.Create(t.Context(), labs.Spec{ID: "again", From: "mine"}); err != nil {
				t.Fatal(err)
			}
			if got, err := drivertest.Exec(t, drivertest.Connect(t, later, "again"), "cat /root/mark; grep -c box /etc/hosts"); got != "kept\n1" {
				t.Errorf("came back as %q, %v", got, err)
			}
			if err := later.Destroy(t.Context(), "apart"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Dial(t.Context(), "apart"); !errors.Is(err, labs.ErrNotFound) {
				t.Errorf("Dial after Destroy: %v, want ErrNotFound", err)
			}
			if err := d.Linkable(); err == nil {
				t.Error("it promises to join sandboxes of an engine that is apart")
			}
			if w := strings.Join(d.Weaknesses(), "\n"); !strings.Contains(w, "apart") {
				t.Errorf("it doesn't say so: %s", w)
			}
		})
	}
}

// Engines are named by addresses that mean something.
func TestNoEngine(t *testing.T) {
	for _, host := range []string{"", "npipe:////./pipe/docker", "ssh://-oProxyCommand=true", "ssh://", "ssh://host/path", "unix:///nowhere"} {
		if _, err := docker.Open(t.Context(), docker.Config{State: t.TempDir(), Host: host}); err == nil {
			t.Errorf("%q is taken for an engine", host)
		}
	}
}
