package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/words"
)

// helpWidth holds every help text, so that it reads well in any terminal.
const helpWidth = 80

// writeHelp prints the help of one command. It is written by hand because
// cobra's template neither wraps nor groups.
func writeHelp(env *Env, cmd *cobra.Command) {
	var b strings.Builder
	head := func(s string) {
		s = env.T(s)
		if env.Colour() {
			s = "\x1b[1m" + s + "\x1b[m"
		}
		b.WriteString("\n" + s + "\n")
	}
	text := translatedLong(env, cmd.Long)
	if text == "" {
		text = env.T(cmd.Short)
		if text != "" && !strings.HasSuffix(text, ".") {
			text += "."
		}
	}
	b.WriteString(wrap(text, helpWidth) + "\n")
	if cmd.Runnable() || cmd.HasAvailableSubCommands() {
		head(words.Mark("Usage:"))
		use := cmd.UseLine()
		if cmd.HasAvailableSubCommands() {
			use = cmd.CommandPath() + env.T(" <command> [flags]")
		}
		b.WriteString("  " + use + "\n")
	}
	if example := exampleOf(cmd); example != "" {
		head(words.Mark("Examples:"))
		b.WriteString(example + "\n")
	}
	writeCommands(env, &b, head, cmd)
	if usages := flagUsages(env, cmd.NonInheritedFlags()); usages != "" {
		head(words.Mark("Flags:"))
		b.WriteString(usages)
	}
	if usages := flagUsages(env, cmd.InheritedFlags()); usages != "" {
		head(words.Mark("Global flags:"))
		b.WriteString(usages)
	}
	if fields := env.FieldsOf(cmd); fields != nil {
		head(words.Mark("JSON fields:"))
		b.WriteString("  " + strings.ReplaceAll(wrap(strings.Join(fields, ", "), helpWidth-2), "\n", "\n  ") + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + env.Tf("More about a command: %s <command> --help", cmd.CommandPath()) + "\n")
	}
	text = b.String()
	if env.ForHumans() && env.Accessible() {
		text = withoutColumns(text)
	}
	_, _ = fmt.Fprint(env.Out, text)
}

// Speak has the help of root, and of all below it, say what it says in the caller's
// language, and their errors be ones that can be said in it.
func Speak(root *cobra.Command, env *Env) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(env, cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { writeHelp(env, cmd); return nil })
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
}

// withoutColumns makes of two columns a name and what it is, to be read aloud.
func withoutColumns(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		l = strings.TrimLeft(l, " ")
		if name, is, ok := strings.Cut(l, "  "); ok {
			l = name + ": " + strings.TrimLeft(is, " ")
		}
		if strings.HasPrefix(lines[i], " ") {
			l = "  " + l
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n")
}

// exampleOf returns the examples of a command. A group shows the first one of
// its first commands.
func exampleOf(cmd *cobra.Command) string {
	if cmd.HasExample() {
		return strings.TrimRight(cmd.Example, "\n")
	}
	const enough = 3
	var lines []string
	for _, c := range cmd.Commands() {
		if e := exampleOf(c); e != "" && len(lines) < enough {
			lines = append(lines, firstLine(e))
		}
	}
	return strings.Join(lines, "\n")
}

func writeCommands(env *Env, b *strings.Builder, head func(string), cmd *cobra.Command) {
	groups := map[string][]*cobra.Command{}
	pad := 0
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() && !c.Hidden {
			groups[c.GroupID] = append(groups[c.GroupID], c)
			pad = max(pad, len(c.Name()))
		}
	}
	list := func(title string, cs []*cobra.Command) {
		if len(cs) == 0 {
			return
		}
		head(title)
		for _, c := range cs {
			below := "\n" + strings.Repeat(" ", pad+4)
			short := strings.ReplaceAll(wrap(env.T(c.Short), helpWidth-pad-4), "\n", below)
			fmt.Fprintf(b, "  %-*s  %s\n", pad, c.Name(), short)
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, groups[g.ID])
	}
	list(words.Mark("Commands:"), groups[""])
}

// flagUsages describes fs, or is empty.
func flagUsages(env *Env, fs *pflag.FlagSet) string {
	if env.Words() != (words.Speaker{}) {
		fs = translated(env, fs)
	}
	usages := strings.TrimRight(fs.FlagUsagesWrapped(helpWidth), "\n ")
	if usages == "" {
		return ""
	}
	usages = strings.ReplaceAll(usages, "(default ", "("+env.T("default")+" ")
	return strings.Replace(usages, "--json FIELDS[=*]", "--json[=FIELDS]  ", 1) + "\n"
}

// translatedLong is a long text in the caller's language. It is translated line by
// line, because many end with the same one; set in, the lines belong together.
func translatedLong(env *Env, text string) string {
	if strings.Contains(text, "\n ") {
		return env.T(text)
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = env.T(l)
	}
	return strings.Join(lines, "\n")
}

// translated is fs in the caller's language.
func translated(env *Env, fs *pflag.FlagSet) *pflag.FlagSet {
	out := pflag.NewFlagSet("", pflag.ContinueOnError)
	out.SortFlags = fs.SortFlags
	fs.VisitAll(func(f *pflag.Flag) {
		g := *f
		g.Usage = env.T(f.Usage)
		if of, ok := strings.CutPrefix(f.Usage, "help for "); ok { // cobra's own
			g.Usage = env.Tf("help for %s", of)
		}
		out.AddFlag(&g)
	})
	return out
}

// wrap breaks the paragraphs of s at width. Lines that begin with a space are
// left as they are.
func wrap(s string, width int) string {
	var out []string
	for para := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		if para == "" || strings.HasPrefix(para, " ") {
			out = append(out, para)
			continue
		}
		line := ""
		for word := range strings.FieldsSeq(para) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				out = append(out, line)
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}
