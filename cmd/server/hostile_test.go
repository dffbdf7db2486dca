package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	gossh "golang.org/x/crypto/ssh"
)

// Whoever comes to the SSH door is called what they say, and says what they like
// of their terminal and of what is to be run. None of it comes back as a terminal
// would obey it, none is in the log so, and the next one is served.
func TestHostileVisitorsOverSSH(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), withLabs("CMH_LOG_LEVEL=debug")...)
	s.start()
	addr := sshLine.FindStringSubmatch(s.line)[1]
	const evil = "\x1b]0;owned\a\x1b[2J\u009b31m\u202e"
	names := []string{"guest", evil, "\xff\xfe", "a\x00b", "watch-s-aaaaaaaaaa", "s-aaaaaaaaaa", "x+" + evil, "'; DROP TABLE users; --", "../../etc/passwd", "%s%n%x", strings.Repeat("x", 100<<10)}
	commands := []string{
		"course list", "course list --search '" + evil + "'", evil, "course view '" + evil + "'", "help '" + evil + "'", "course list --" + evil, "course list --json='" + evil + "'",
		"course list --server '" + evil + "'", "course \xff\xfe", "course view a\x00b", "'not closed " + evil, "course view $(id) `id` ; id", strings.Repeat("x", 100<<10), "course view " + strings.Repeat("\u202e", 50<<10),
	}
	for _, name := range names {
		c, err := gossh.Dial("tcp", addr, &gossh.ClientConfig{
			User: name, HostKeyCallback: gossh.InsecureIgnoreHostKey(), //nolint:gosec // a test's own server
			Auth: []gossh.AuthMethod{gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil })},
		})
		if err != nil {
			t.Fatalf("%.40q: %v", name, err)
		}
		for i, command := range commands {
			for _, term := range []string{"", "xterm-256color", evil} {
				if name != names[0] && (term != "" || i > 0) {
					continue // what a command does is the same, whatever its visitor is called
				}
				out, err := visit(c, term, command)
				if exit := (*gossh.ExitError)(nil); err != nil && !errors.As(err, &exit) {
					t.Errorf("%.40q on %q, %.40q: %v", name, term, command, err)
				}
				if m := obeys(out); m != "" {
					t.Errorf("%.40q on %q, %.40q: %q in %.500q", name, term, command, m, out)
				}
				if strings.Contains(out, "uid=") || strings.Contains(out, "goroutine ") {
					t.Errorf("%.40q on %q, %.40q: %.500q", name, term, command, out)
				}
			}
		}
		c.Close()
	}
	s.mustAnswer("/readyz", 200)
	s.stop()
	if bytes.Contains(s.log.Bytes(), []byte(`"panic"`)) {
		t.Errorf("it panicked:\n%s", &s.log)
	}
	if !bytes.Contains(s.log.Bytes(), []byte(`"ssh login"`)) {
		t.Errorf("nothing was logged:\n%s", &s.log)
	}
	for line := range bytes.Lines(s.log.Bytes()) {
		if line = bytes.TrimSuffix(line, []byte("\n")); len(line) > 2000 || obeys(string(line)) != "" || bytes.Contains(line, []byte(`\u001b`)) {
			t.Errorf("in the log: %.500q", line)
		}
	}
}

// visit runs a command, on a terminal if there is one, and returns what it says.
func visit(c *gossh.Client, term, command string) (string, error) {
	session, err := c.NewSession()
	if err != nil {
		return "", fmt.Errorf("no session: %w", err)
	}
	defer session.Close()
	if term != "" {
		if err := session.RequestPty(term, 1<<31-1, 0, gossh.TerminalModes{}); err != nil {
			return "", fmt.Errorf("no terminal: %w", err)
		}
	}
	out, err := session.CombinedOutput(command)
	return string(out), err
}

var styled = regexp.MustCompile(`\x1b\[[0-9;:]*m|\x1b\]8;[A-Za-z0-9=:_.-]*;(?i:https?)://[!-~]+\x1b\\|\x1b\]8;;\x1b\\`)

// obeys is the first thing in an output that a terminal would obey, other than
// colours and links.
func obeys(out string) string {
	if !utf8.ValidString(out) {
		return "bytes that are no text"
	}
	out = styled.ReplaceAllString(out, "")
	at := strings.IndexFunc(out, func(r rune) bool {
		return r != '\n' && r != '\r' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
	})
	if at < 0 {
		return ""
	}
	_, n := utf8.DecodeRuneInString(out[at:])
	return out[at : at+n]
}
