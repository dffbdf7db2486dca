package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth holds every help text, so that it reads well in any terminal.
const helpWidth = 80

// writeHelp prints the help of one command. It is written by hand because
// cobra's template neither wraps nor groups.
func writeHelp(env *Env, cmd *cobra.Command) {
	var b strings.Builder
	head := func(s string) {
		if env.Colour() {
			s = "\x1b[1m" + s + "\x1b[m"
		}
		b.WriteString("\n" + s + "\n")
	}
	text := cmd.Long
	if text == "" {
		text = cmd.Short
		if text != "" && !strings.HasSuffix(text, ".") {
			text += "."
		}
	}
	b.WriteString(wrap(text, helpWidth) + "\n")
	if cmd.Runnable() || cmd.HasAvailableSubCommands() {
		head("Usage:")
		use := cmd.UseLine()
		if cmd.HasAvailableSubCommands() {
			use = cmd.CommandPath() + " <command> [flags]"
		}
		b.WriteString("  " + use + "\n")
	}
	if example := exampleOf(cmd); example != "" {
		head("Examples:")
		b.WriteString(example + "\n")
	}
	writeCommands(&b, head, cmd)
	if usages := flagUsages(cmd.NonInheritedFlags()); usages != "" {
		head("Flags:")
		b.WriteString(usages)
	}
	if usages := flagUsages(cmd.InheritedFlags()); usages != "" {
		head("Global flags:")
		b.WriteString(usages)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nMore about a command: %s <command> --help\n", cmd.CommandPath())
	}
	_, _ = fmt.Fprint(env.Out, b.String())
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

func writeCommands(b *strings.Builder, head func(string), cmd *cobra.Command) {
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
			fmt.Fprintf(b, "  %-*s  %s\n", pad, c.Name(), c.Short)
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, groups[g.ID])
	}
	list("Commands:", groups[""])
}

// flagUsages describes fs, or is empty.
func flagUsages(fs *pflag.FlagSet) string {
	usages := strings.TrimRight(fs.FlagUsagesWrapped(helpWidth), "\n ")
	if usages == "" {
		return ""
	}
	return strings.Replace(usages, "--json FIELDS[=*]", "--json[=FIELDS]  ", 1) + "\n"
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
			if line != "" && len(line)+1+len(word) > width {
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
