package scenario

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/cloudmastershub/cmh/words"
)

// What is said of a file that a key names, by the key.
var _ = [...]string{
	words.Heard("text: %q %s"), words.Heard("verify: %q %s"), words.Heard("hint: %q %s"), words.Heard("answer: %q %s"), words.Heard("solve: %q %s"),
	words.Heard("run: %q %s"), words.Heard("background: %q %s"), words.Heard("foreground: %q %s"), words.Heard("code: %q %s"), words.Heard("courseData: %q %s"),
}

// markdown reads the page that key of n refers to. It reports false when there
// is none, having warned.
func (r *reader) markdown(n *node, key, ref string) (normal, bool) {
	line := n.get(key).line
	p, err := clean(r.dir, ref)
	var b []byte
	if err == nil {
		// A page that is nothing but the name of a file is a lost link.
		b, err = r.read(p, maxText, anyLink)
	}
	if err != nil {
		r.warn(n.file, line, "%s: %q %s", key, ref, why(err))
		return normal{}, false
	}
	src := decode(b)
	switch ext := strings.ToLower(path.Ext(p)); ext {
	case "", ".md", ".markdown", ".txt":
	default: // not meant as Markdown: shown as it is
		src = verbatim(src, strings.TrimPrefix(ext, "."))
	}
	md := normalise(src)
	for _, w := range md.warnings {
		w.File = p
		r.warnings = append(r.warnings, w)
	}
	r.texts = append(r.texts, md.text)
	r.commands = append(r.commands, md.commands...)
	r.hosts = append(r.hosts, md.hosts...)
	for _, port := range md.ports {
		r.ports[port] = true
	}
	return md, true
}

// verbatim is a code box that holds src whatever it holds.
func verbatim(src, info string) string {
	fence := "```"
	for strings.Contains(src, fence) {
		fence += "`"
	}
	return fence + info + "\n" + strings.TrimSuffix(src, "\n") + "\n" + fence + "\n"
}

// plainText brings a description into normal form: variables and HTML stay
// Markdown, actions make no sense there.
func (r *reader) plainText(s string) string {
	return strings.TrimSpace(normalise(decode([]byte(s))).text)
}

// scripts reads key of n: one file, or a list of them.
func (r *reader) scripts(n *node, key string) []Script {
	v := n.get(key)
	if v == nil {
		return nil
	}
	refs := []*node{v}
	if v.kind == array {
		refs = v.list
	}
	var out []Script
	for _, ref := range refs {
		if ref.kind != text {
			r.warn(ref.file, ref.line, "%q should name a file, it is %s; ignored", key, ref.kind)
			ref.ignoreAll()
			continue
		}
		if strings.TrimSpace(ref.str) == "" {
			continue
		}
		if sc, ok := r.script(n, key, ref.str); ok {
			out = append(out, sc)
		}
	}
	return out
}

var commandLine = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.+-]*)( [^\x00-\x1f]*)?$`)

// script reads the script that key of n names. Where set-up names a command
// instead of a file, the script runs it if the sandbox has it.
func (r *reader) script(n *node, key, ref string) (Script, bool) {
	line := n.get(key).line
	p, err := clean(r.dir, ref)
	if err == nil && !within(r.dir, p) {
		err = errors.New(words.Kept("leaves the directory of the scenario"))
	}
	var b []byte
	if err == nil {
		// "../x" alone is no program, so it is a lost link.
		b, err = r.read(p, maxScript, func(target string) bool { return strings.HasPrefix(target, "../") })
	}
	m := commandLine.FindStringSubmatch(strings.TrimSpace(ref))
	switch {
	case err == nil:
		return Script{File: p, Source: r.variables(b)}, true
	case errors.Is(err, fs.ErrNotExist) && m != nil && key != "verify" && key != "hint" && key != "solve" && key != "run":
		r.warn(n.file, line, "%s: %q does not exist; it is run as a command if the sandbox has it", key, ref)
		return Script{
			File:   n.file,
			Source: []byte("if command -v " + m[1] + " >/dev/null 2>&1; then " + m[0] + "; fi\n"),
		}, true
	}
	r.warn(n.file, line, "%s: %q %s", key, ref, why(err))
	return Script{}, false
}

// variables replaces the platforms' variables in a script.
func (r *reader) variables(src []byte) []byte {
	if !bytes.Contains(src, []byte("[[")) && !bytes.Contains(src, []byte("{{")) {
		return src
	}
	out, ports := replaceVariables(string(src), inCode)
	for _, p := range ports {
		r.ports[p] = true
	}
	return []byte(out)
}
