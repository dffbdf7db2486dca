package scenario

import (
	"regexp"
	"strings"
)

// action is what a learner can do with a piece of code.
type action struct {
	verb     string // exec, copy, open; empty for none
	terminal string // T1 to T9
	host     string // HOST1 to HOST9
	flags    string // interrupt, no-newline, ctrl-seq
}

// String is the action in normal form, without its braces.
func (a action) String() string {
	return strings.Join(strings.Fields(strings.Join([]string{a.verb, a.terminal, a.host, a.flags}, " ")), " ")
}

var (
	verbs = map[string]string{"execute": "exec", "exec": "exec", "copy": "copy", "open": "open"}
	group = regexp.MustCompile(`^[ \t]*\{\{([^{}\n]*)\}\}`)
)

// parseAction reads the words between the braces: in any order and case, the
// first verb counts, words that mean nothing are skipped. No words at all are
// the action that does nothing. It reports false for what is no action.
func parseAction(words string) (action, bool) {
	var a action
	fields := strings.Fields(words)
	for _, w := range fields {
		upper, lower := strings.ToUpper(w), strings.ToLower(w)
		switch {
		case verbs[lower] != "" && a.verb == "":
			a.verb = verbs[lower]
		case len(w) == 2 && upper[0] == 'T' && upper[1] >= '1' && upper[1] <= '9':
			a.terminal = upper
		case len(w) == 5 && strings.HasPrefix(upper, "HOST") && upper[4] >= '1' && upper[4] <= '9':
			a.host = upper
		case (lower == "interrupt" || lower == "no-newline" || lower == "ctrl-seq") && !strings.Contains(a.flags, lower):
			a.flags = strings.TrimSpace(a.flags + " " + lower)
		}
	}
	if a.verb == "" && len(fields) > 0 {
		if a.verb = mended(fields[0]); a.verb == "" {
			return action{}, false
		}
	}
	return a, true
}

// mended is the verb that w is a slip of the finger away from, or "".
func mended(w string) string {
	w = strings.ToLower(w)
	for _, verb := range []string{"execute", "exec", "copy", "open"} {
		if slip(w, verb) {
			return verbs[verb]
		}
	}
	return ""
}

// slip reports whether a becomes b by one letter more, less or other.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

// leadingGroups takes the {{...}} groups that s begins with.
func leadingGroups(s string) (groups []string, rest string) {
	for {
		m := group.FindStringSubmatch(s)
		if m == nil {
			return groups, s
		}
		groups, s = append(groups, m[1]), s[len(m[0]):]
	}
}

// mergeActions is what several groups mean together: running includes copying.
// It reports whether any of them is an action.
func mergeActions(groups []string) (a action, known bool) {
	for _, g := range groups {
		next, ok := parseAction(g)
		known = known || ok
		if ok && (a.verb == "" || (a.verb != "exec" && next.verb == "exec")) {
			a = next
		}
	}
	return a, known
}

var wordy = regexp.MustCompile(`^[A-Za-z -]*$`)

// plainWords reports whether the groups hold words only, as a mistaken action
// does and the braces of other languages do not.
func plainWords(groups []string) bool {
	for _, g := range groups {
		if !wordy.MatchString(g) {
			return false
		}
	}
	return true
}
