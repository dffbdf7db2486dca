package testscript

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Ten learners are at work when the server is killed. The next one has all ten
// labs, at the same terminals, with what their programs printed meanwhile, and
// their time goes on. When that one is told to stop, it says so to each of them.
func TestTenLabsOutliveTheirServer(t *testing.T) {
	bin := build(t, "cmh-server", "lab-agent")
	h := serve(t, bin)
	type seat struct {
		resident
		session string
		expires time.Time
	}
	var seats []seat
	for range 10 {
		s := seat{resident: join(t, h)}
		s.session = s.start()
		now, err := s.LabSession(t.Context(), s.session)
		if err != nil {
			t.Fatal(err)
		}
		s.expires = now.ExpiresAt
		seats = append(seats, s)
	}
	attach := func(s seat, typed string) (*head, <-chan error) {
		session, err := s.dial(s.session).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		in, err := session.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		said, ended := new(head), make(chan error, 1)
		session.Stdout, session.Stderr = said, said
		if err := session.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
			t.Fatal(err)
		}
		if err := session.Shell(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(in, typed)
		go func() { ended <- session.Wait() }()
		return said, ended
	}
	const count = "for i in $(seq 100000); do echo line-$i; echo $i >>/root/out; sleep 0.1; done\n"
	for _, s := range seats {
		if said, _ := attach(s, count); !said.await(regexp.MustCompile(`line-\d+\r\n`)) {
			t.Fatalf("nothing runs: %q", said)
		}
	}

	h.signal(syscall.SIGKILL)
	h.launch(t, bin)
	began := time.Now()
	shells, ends := make([]*head, len(seats)), make([]<-chan error, len(seats))
	for i, s := range seats {
		shells[i], ends[i] = attach(s, "")
	}
	for _, said := range shells {
		if !said.await(regexp.MustCompile(`line-\d+\r\n(?s:.*)line-\d+\r\n`)) {
			t.Errorf("it shows %q", said)
		}
	}
	took := time.Since(began)
	t.Logf("ten labs were back after %v", took.Round(time.Millisecond))
	if os.Getenv(thoroughEnv) != "" && took > 5*time.Second {
		t.Errorf("ten labs were back after %v", took)
	}
	for i, s := range seats {
		now, err := s.LabSession(t.Context(), s.session)
		if err != nil || !now.ExpiresAt.Equal(s.expires) || now.EndedAt != nil {
			t.Errorf("its time: %v, it was %v, %v", now.ExpiresAt, s.expires, err)
		}
		command, err := s.dial(s.session).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := command.Output(`awk '$1 != NR { bad = 1 } END { print bad + 0 }' /root/out; pgrep -xc bash`)
		if got := strings.Fields(string(out)); err != nil || len(got) != 2 || got[0] != "0" {
			t.Errorf("lab %d: %q, %v", i, out, err)
		}
		if n := strings.Count(shells[i].String(), "line-1\r\n"); n > 1 {
			t.Errorf("lab %d began anew", i)
		}
	}

	h.signal(syscall.SIGTERM)
	for i, ended := range ends {
		select {
		case err := <-ended:
			var exit *ssh.ExitError
			if !errors.As(err, &exit) || exit.ExitStatus() != 255 || !strings.Contains(shells[i].String(), "The gateway is restarting. Your lab goes on") {
				t.Errorf("shell %d ended with %v: %q", i, err, last(shells[i].String(), 200))
			}
		case <-time.After(3 * time.Minute):
			t.Fatal("a shell outlives its gateway")
		}
	}
	h.launch(t, bin) // which clears away
	for _, s := range seats {
		if _, err := s.StopLab(t.Context(), s.session); err != nil {
			t.Error(err)
		}
	}
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }
