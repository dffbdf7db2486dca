package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// readFile reads a file of settings; one that isn't there has none. It is
// YAML's simplest part, one `name: value` a line, read by hand because a YAML
// library takes more of each start of cmh than the settings do.
func readFile(path string) (map[string]string, error) {
	settings := map[string]string{}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings, nil
	}
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		line = strings.TrimRight(line, " \t\r\n")
		if text := strings.TrimLeft(line, " \t"); text == "" || text[0] == '#' || line == "---" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if value, ok = scalar(value, ok); !ok || name == "" || strings.ContainsAny(name, " \t\"'[]{}#") {
			return nil, fmt.Errorf("line %d is not `name: value`", n)
		}
		settings[strings.ToLower(name)] = value
	}
	return settings, nil
}

// scalar reads what stands behind the colon.
func scalar(s string, ok bool) (string, bool) {
	if !ok || s != "" && s[0] != ' ' && s[0] != '\t' {
		return "", false
	}
	if s = strings.Trim(s, " \t"); s == "" {
		return "", true
	}
	switch s[0] {
	case '"':
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil || !comment(s[len(quoted):]) {
			return "", false
		}
		v, err := strconv.Unquote(quoted)
		return v, err == nil
	case '\'':
		v, rest, closed := strings.Cut(strings.ReplaceAll(s[1:], "''", "\x00"), "'")
		return strings.ReplaceAll(v, "\x00", "'"), closed && comment(rest)
	case '#':
		return "", true
	case '[', '{', '|', '>', '&', '*', '!', '%', '@', '`': // what else YAML knows
		return "", false
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = strings.TrimRight(s[:i], " \t")
	}
	return s, !strings.Contains(s, ": ")
}

// comment reports whether nothing but one stands behind a quoted value.
func comment(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return rest == "" || rest[0] == '#'
}
