package prove

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs/proof"
	"github.com/cloudmastershub/cmh/words"
)

// summarise adds up what was found.
func summarise(found []proof.Lab, problems []Problem) Result {
	r := Result{OK: len(problems) == 0, Labs: found, Problems: problems}
	for _, list := range []*[]string{&r.Flaky, &r.Unsolvable, &r.Broken, &r.Early, &r.Untried, &r.Skipped} {
		*list = []string{}
	}
	if r.Problems == nil {
		r.Problems = []Problem{}
	}
	if r.Labs == nil {
		r.Labs = []proof.Lab{}
	}
	lists := map[string]*[]string{
		proof.Flaky: &r.Flaky, proof.Unsolvable: &r.Unsolvable, proof.Broken: &r.Broken, proof.Early: &r.Early, proof.Untried: &r.Untried,
	}
	for _, l := range found {
		switch l.State {
		case proof.LabFailed:
			r.OK = false
		case proof.LabSkipped:
			r.Skipped = append(r.Skipped, l.Name)
		}
		for _, st := range l.Steps {
			if st.State == proof.Proven {
				r.Proven++
			}
			if list := lists[st.State]; list != nil {
				*list = append(*list, fmt.Sprintf("%s step %d", l.Name, st.Number))
			}
		}
	}
	// To have tested nothing is no success.
	r.OK = r.OK && r.Proven+len(r.Early) > 0
	return r
}

// The states of a step.
var _ = [...]string{
	words.Mark("proven"), words.Mark("early"), words.Mark("flaky"), words.Mark("unsolvable"), words.Mark("broken"), words.Mark("untried"), words.Mark("unverified"),
}

// mark is a lab's state as the first word of a line.
func mark(state string) string {
	switch state {
	case proof.LabProven:
		return "ok  "
	case proof.LabSkipped:
		return "skip"
	}
	return "FAIL"
}

func (o options) print(env *cli.Env, w io.Writer, r Result, from string) {
	if o.format == "github" {
		writeGitHub(w, r, from)
	}
	for _, l := range r.Labs {
		line := fmt.Sprintf("%s  %s", mark(l.State), l.Name)
		if l.Plays > 0 {
			line += "  " + env.Tf("(%d plays, %.1f s)", l.Plays, l.Seconds)
		}
		if l.Reason != "" {
			line += ": " + env.Words().Told(l.Reason)
		}
		put(w, line)
		for _, st := range l.Steps {
			writeStep(env, w, st)
		}
	}
	for _, p := range r.Problems {
		put(w, "FAIL  "+place(p.File, p.Line)+": "+env.Tf("%s", p.said))
	}
	for _, sum := range []struct {
		what string
		list []string
	}{
		{words.Mark("Flaky"), r.Flaky},
		{words.Mark("Unsolvable"), r.Unsolvable},
		{words.Mark("Broken"), r.Broken},
		{words.Mark("Green before the work"), r.Early},
		{words.Mark("Without a known solution"), r.Untried},
	} {
		if len(sum.list) > 0 {
			env.Say("%s: %s.", hub.Word(sum.what), strings.Join(sum.list, ", "))
		}
	}
	env.Say("%d steps are proven, in %d labs; %d labs were skipped.", r.Proven, len(r.Labs)-len(r.Skipped), len(r.Skipped))
	if r.Proven+len(r.Early) == 0 {
		env.Say("There was nothing to prove: a lab has a step with a check, and needs nothing that this machine can't give.")
	}
}

// put writes one line, indented, that may hold what strangers wrote.
func put(w io.Writer, line string) {
	text := strings.TrimLeft(line, " ")
	_, _ = fmt.Fprintln(w, line[:len(line)-len(text)]+strings.ReplaceAll(cli.Clean(text), "\n", " "))
}

func writeStep(env *cli.Env, w io.Writer, st proof.Step) {
	line := fmt.Sprintf("      %d  %-10s  %s", st.Number, env.T(st.State), st.Title)
	if st.Message != "" {
		line += ": " + env.Words().Told(st.Message)
	}
	put(w, line)
	if !st.Failed {
		return
	}
	put(w, "         "+env.Tf("see %s", place(st.File, st.Line)))
	for _, o := range st.Plays {
		if o.Screen == "" {
			continue
		}
		for text := range strings.SplitSeq(o.Screen, "\n") {
			put(w, "         | "+text)
		}
		break
	}
}

func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// writeGitHub writes annotations: GitHub shows them beside the lines.
func writeGitHub(w io.Writer, r Result, from string) {
	note := func(kind, file string, line int, title, text string) {
		at := ""
		if file != "" {
			at = " file=" + property(path.Join(filepath.ToSlash(from), file))
			if line > 0 {
				at += fmt.Sprintf(",line=%d", line)
			}
			at += ",title=" + property(title)
		}
		_, _ = fmt.Fprintf(w, "::%s%s::%s\n", kind, at, escaped(text))
	}
	for _, p := range r.Problems {
		note("error", p.File, max(p.Line, 1), "No lab", p.Text)
	}
	for _, l := range r.Labs {
		if l.State == proof.LabFailed && l.Reason != "" {
			note("error", path.Join(l.File, "index.json"), 1, l.Name, l.Reason)
		}
		for _, st := range l.Steps {
			kind := "error"
			switch {
			case st.State == proof.Proven, st.State == proof.Unverified:
				continue
			case !st.Failed:
				kind = "warning"
			}
			note(kind, st.File, max(st.Line, 1), fmt.Sprintf("%s, step %d is %s", l.Name, st.Number, st.State), st.Message)
		}
	}
}

// escaped is text that ends no workflow command before its time.
func escaped(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(cli.Clean(s))
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escaped(s))
}
