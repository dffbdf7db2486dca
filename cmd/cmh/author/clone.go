package author

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// source is the directory to pack, and a name for it. done removes what was
// only fetched for this.
func source(ctx context.Context, env *cli.Env, from string) (dir, name string, done func(), err error) {
	if info, err := os.Stat(from); err == nil {
		if !info.IsDir() {
			return "", "", nil, hub.Errorf(hub.Invalid, "%s is no directory.", from)
		}
		abs, err := filepath.Abs(from)
		if err != nil {
			return "", "", nil, err
		}
		return abs, folder(filepath.Base(abs)), func() {}, nil
	}
	if !strings.Contains(from, "://") && !scpForm().MatchString(from) {
		return "", "", nil, hub.Errorf(hub.NotFound, "There is no directory %s. A repository elsewhere needs a whole URL, such as https://github.com/killercoda/scenario-examples.", from)
	}
	name, err = repository(from)
	if err != nil {
		return "", "", nil, err
	}
	tmp, err := os.MkdirTemp("", "cmh-clone-*")
	if err != nil {
		return "", "", nil, err
	}
	done = func() { _ = os.RemoveAll(tmp) }
	env.Say("Cloning %s", from)
	dir = filepath.Join(tmp, "repo")
	if err := clone(ctx, from, dir); err != nil {
		done()
		return "", "", nil, err
	}
	return dir, name, done, nil
}

// scpForm is git's other way to write an ssh URL.
var scpForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9~/][A-Za-z0-9._~/-]*$`)
})

// repository checks a git URL and makes a name of its owner and its own name:
// many repositories share the latter. git takes some URLs for commands to run,
// so only these forms pass.
func repository(from string) (string, error) {
	var where string
	if scpForm().MatchString(from) {
		_, where, _ = strings.Cut(from, ":")
	} else {
		u, err := url.Parse(from)
		if err != nil || (u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "git") || u.Hostname() == "" ||
			strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-") || strings.ContainsAny(from, " \t\r\n\x00") {
			return "", hub.Errorf(hub.Invalid, "A repository's URL begins with https://, ssh:// or git://.")
		}
		if _, secret := u.User.Password(); secret {
			return "", hub.Errorf(hub.Invalid, "A password in a URL is for everybody to see. Use a credential helper of git's, or ssh.")
		}
		where = u.Path
	}
	where = strings.TrimSuffix(strings.Trim(where, "/"), ".git")
	owner, name := path.Split(where)
	if owner = path.Base(strings.Trim(owner, "/")); owner == "." {
		return folder(name), nil
	}
	return folder(owner + "-" + name), nil
}

// clone fetches the newest commit only, and asks nobody anything.
func clone(ctx context.Context, from, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "-c", "protocol.ext.allow=never", "-c", "protocol.file.allow=never",
		"-c", "core.hooksPath=/dev/null", "-c", "core.symlinks=true",
		"clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags", "--", from, dir)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_LFS_SKIP_SMUDGE=1")
	if os.Getenv("GIT_SSH_COMMAND") == "" {
		cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case cmd.ProcessState == nil:
		return hub.Wrap(err, hub.Invalid, "git is needed to clone a repository, and it can't be started.")
	}
	return hub.Errorf(hub.Invalid, "git could not clone %s: %s", from, strings.TrimSpace(lastOf(said.String(), 500)))
}

func lastOf(s string, n int) string { return strings.ToValidUTF8(s[max(0, len(s)-n):], "") }
