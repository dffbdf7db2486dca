package main

import (
	"bufio"
	"os"
	"sort"
	"strings"
)

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// An account is the user whose processes we start: always root, with what
// /etc/passwd says about it, because labs change that file.
type account struct{ home, shell string }

func (a *agent) root() account {
	acc := account{home: a.path("/root"), shell: "/bin/bash"}
	if f, err := os.Open("/etc/passwd"); err == nil {
		defer f.Close()
		sc := bufio.NewScanner(f)
		for sc.Scan() {
			if p := strings.Split(sc.Text(), ":"); len(p) == 7 && p[0] == "root" {
				if a.prefix == "" && p[5] != "" {
					acc.home = p[5]
				}
				if executable(p[6]) {
					acc.shell = p[6]
				}
				break
			}
		}
	}
	if !executable(acc.shell) {
		acc.shell = "/bin/sh"
	}
	if st, err := os.Stat(acc.home); err != nil || !st.IsDir() {
		acc.home = "/"
	}
	return acc
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// environ is the clean environment every process starts from, with more laid
// over it: what the lab declares, who root is, and what the caller adds.
func (a *agent) environ(acc account, more map[string]string) []string {
	env := map[string]string{"PATH": systemPath, "LANG": "C.UTF-8"}
	merge(env, a.labEnv)
	merge(env, map[string]string{"HOME": acc.home, "USER": "root", "LOGNAME": "root", "SHELL": acc.shell})
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
