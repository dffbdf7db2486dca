package scenario

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	toolForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)
	pathForm = regexp.MustCompile(`^/[A-Za-z0-9_.+/-]+$`)
)

// wrappers are programs that run the rest of their command line.
var wrappers = strings.Fields("sudo doas su runuser setpriv env timeout xargs nohup nice ionice setsid bash sh dash exec time chroot watch stdbuf find ssh strace coproc eval")

// asking are commands that tell whether a program is there and don't run it.
var asking = strings.Fields("which type hash whereis")

// Tools are the programs that a script seems to call, by name or absolute path,
// sorted: what stands where a command begins, and all that follows a program
// that runs another one. Words of a quoted text may be among them; programs
// that the script makes up are not.
func (sc Script) Tools() []string {
	var tools []string
	add := func(word string) {
		switch {
		case toolForm.MatchString(word):
			tools = append(tools, word)
		case pathForm.MatchString(word) && path.Clean(word) == word:
			tools = append(tools, word)
		}
	}
	for _, command := range commandsOf(string(sc.Source)) {
		wrapped, asks := false, false
	words:
		for i, word := range strings.Fields(command) {
			word = strings.Trim(word, "\"'\\$")
			name := path.Base(word)
			switch {
			case asks:
				continue
			case wrapped:
				add(word)
				continue
			case assign.MatchString(word):
				continue
			case word == "command" && asksOnly(strings.Fields(command)[i+1:]), slices.Contains(asking, name):
				add(word)
				asks = true
				continue
			case lead.MatchString(word) && !slices.Contains(wrappers, name):
				continue
			}
			add(word)
			if wrapped = slices.Contains(wrappers, name); !wrapped {
				break words
			}
		}
	}
	slices.Sort(tools)
	return slices.Compact(tools)
}

func asksOnly(args []string) bool { return len(args) > 0 && (args[0] == "-v" || args[0] == "-V") }

// Interpreter is what the script's first line names, or bash: an absolute path,
// and what follows env, which is looked for on PATH.
func (sc Script) Interpreter() []string {
	first, _, _ := strings.Cut(string(sc.Source), "\n")
	rest, ok := strings.CutPrefix(strings.TrimSpace(first), "#!")
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 || strings.HasPrefix(fields[0], "/bin/bash") {
		return []string{"/bin/bash"}
	}
	used := fields[:1]
	if path.Base(fields[0]) == "env" {
		fields = fields[1:]
		for len(fields) > 0 && strings.HasPrefix(fields[0], "-") {
			fields = fields[1:]
		}
		if used = fields[:min(1, len(fields))]; len(used) == 0 {
			return []string{"/bin/bash"}
		}
	}
	switch path.Base(used[0]) {
	case "bash", "sh":
		return []string{"/bin/" + path.Base(used[0])}
	}
	return used
}
