package main

import (
	"bufio"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// An account is a user whose processes we start, with what /etc/passwd says
// about it now, because labs change that file.
type account struct {
	uid, gid    int
	name        string // "" when /etc/passwd does not know it
	home, shell string
	dir         string // where its processes begin
	env         map[string]string
}

func (a *agent) root() account { return a.account(0) }

// learner is whose the terminals and commands are: root, unless the lab says
// otherwise.
func (a *agent) learner() account {
	l := a.login.Load()
	if l == nil {
		l = &proto.Learner{}
	}
	acc := a.account(l.UID)
	if isDir(a.dir) {
		acc.dir = a.dir
	}
	if l.GID != 0 {
		acc.gid = l.GID
	}
	acc.env = l.Env
	if isDir(l.Dir) {
		acc.dir = l.Dir
	}
	return acc
}

func (a *agent) account(uid int) account {
	acc := account{uid: uid, gid: uid, home: "/", shell: "/bin/bash"}
	if uid == 0 {
		acc.name, acc.home = "root", a.path("/root")
	}
	if f, err := os.Open("/etc/passwd"); err == nil {
		defer f.Close()
		sc := bufio.NewScanner(f)
		for sc.Scan() {
			p := strings.Split(sc.Text(), ":")
			if len(p) != 7 || p[2] != strconv.Itoa(uid) || uid == 0 && p[0] != "root" {
				continue
			}
			acc.name = p[0]
			if gid, err := strconv.Atoi(p[3]); err == nil {
				acc.gid = gid
			}
			if a.prefix == "" && p[5] != "" {
				acc.home = p[5]
			}
			if executable(p[6]) {
				acc.shell = p[6]
			}
			break
		}
	}
	if !executable(acc.shell) {
		acc.shell = "/bin/sh"
	}
	if !isDir(acc.home) {
		acc.home = "/"
	}
	acc.dir = acc.home
	return acc
}

// become is how a program is started as acc. We are root, and the first step
// into the learner's limits takes root too, so a program that is there for it
// changes the user in between.
func (acc account) become(argv []string) (string, []string) {
	if acc.uid == 0 {
		return acc.shell, argv
	}
	out := []string{"setpriv", "--reuid", strconv.Itoa(acc.uid), "--regid", strconv.Itoa(acc.gid)}
	if acc.name != "" {
		out = append(out, "--init-groups", "--", acc.shell)
	} else {
		out = append(out, "--clear-groups", "--", acc.shell)
	}
	if strings.HasPrefix(argv[0], "-") {
		out = append(out, "-l")
	}
	return "/usr/bin/setpriv", append(out, argv[1:]...)
}

// shellName is what a shell of acc is called when it starts, and so whether it is
// a login shell. Debian's login shells put PATH back to the system's own; where
// the image or the lab has another, none are: docker's aren't either.
func (a *agent) shellName(acc account) string {
	path := a.labEnv["PATH"]
	if given := a.given.Load(); given != nil && (*given)["PATH"] != "" {
		path = (*given)["PATH"]
	}
	if path != "" && path != systemPath {
		return base(acc.shell)
	}
	return "-" + base(acc.shell)
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// environ is the clean environment every process starts from, with more laid
// over it: what the lab declares, whose it is, and what the caller adds.
func (a *agent) environ(acc account, more map[string]string) []string {
	env := map[string]string{"PATH": systemPath, "LANG": "C.UTF-8"}
	merge(env, a.labEnv)
	if given := a.given.Load(); given != nil {
		merge(env, *given)
	}
	merge(env, map[string]string{"HOME": acc.home, "USER": acc.name, "LOGNAME": acc.name, "SHELL": acc.shell})
	merge(env, acc.env)
	if acc.dir != acc.home {
		env["PWD"] = acc.dir // as it was named, links and all
	}
	merge(env, more)
	out := make([]string, 0, len(env))
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// terminalEnv is what an interactive shell has besides. Some labs look into
// the shell's history: it is written at every prompt, whole, but for the lines
// that we typed.
func (a *agent) terminalEnv(term string, more map[string]string) map[string]string {
	if !plainTerm(term) {
		term = "xterm-256color"
	}
	env := map[string]string{
		"TERM": term, "HISTCONTROL": "", "HISTIGNORE": " . " + a.path(runDir) + "/*",
		"PROMPT_COMMAND": "history -a",
	}
	for k, v := range more {
		env[k] = v
	}
	return env
}

// plainTerm says whether a client's TERM is a name and nothing cleverer.
func plainTerm(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.+", r) {
			return false
		}
	}
	return true
}

// acceptEnv says whether a client may set this variable.
func acceptEnv(k, v string) bool {
	if len(k) > 64 || len(v) > 256 || strings.ContainsAny(v, "\x00\n") {
		return false
	}
	return k == "LANG" || k == "COLORTERM" || strings.HasPrefix(k, "LC_") && plainTerm(k)
}
