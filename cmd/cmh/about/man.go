package about

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// ManCommand returns the man command: pages made of the commands as they are.
// On somebody else's machine it writes no files.
func ManCommand(env *cli.Env) *cobra.Command {
	names := []string{"[DIR]"}
	if env.Shared {
		names = nil
	}
	return &cobra.Command{
		Use:     strings.TrimSpace("man " + strings.Join(names, "")),
		Short:   "Print the manual page of cmh, or write all pages into a folder",
		Example: "  cmh man | man -l -",
		Args:    cli.Args(names...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := env.Out.Write(manPage(cmd.Root()))
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writePages(args[0], cmd.Root())
		},
	}
}

func writePages(dir string, cmd *cobra.Command) error {
	if err := os.WriteFile(filepath.Join(dir, pageName(cmd)+".1"), manPage(cmd), 0o644); err != nil {
		return err
	}
	for _, c := range documented(cmd) {
		if err := writePages(dir, c); err != nil {
			return err
		}
	}
	return nil
}

func documented(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() && !c.Hidden {
			all = append(all, c)
		}
	}
	return all
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage writes the page of one command in the man macros.
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	name := pageName(cmd)
	fmt.Fprintf(&b, ".TH %s 1 %s %s \"CloudMastersHub\"\n", quoted(strings.ToUpper(name)), `"`+day()+`"`, quoted("cmh "+client.Version))
	fmt.Fprintf(&b, ".SH NAME\n%s", filled(roff(name)+" \\- "+roff(cmd.Short)))
	if cmd.Runnable() || cmd.HasAvailableSubCommands() {
		use := cmd.UseLine()
		if cmd.HasAvailableSubCommands() {
			use = cmd.CommandPath() + " <command> [flags]"
		}
		fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fR%s\n", roff(cmd.CommandPath()), roff(strings.TrimPrefix(use, cmd.CommandPath())))
	}
	text := cmd.Long
	if text == "" {
		text = strings.TrimSuffix(cmd.Short, ".") + "."
	}
	b.WriteString(".SH DESCRIPTION\n")
	paragraphs(&b, text)
	if subs := documented(cmd); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range subs {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR(1)\n%s", roff(pageName(c)), filled(roff(c.Short)))
		}
	}
	options(&b, "OPTIONS", cmd.NonInheritedFlags())
	options(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	if cmd.HasExample() {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimRight(cmd.Example, "\n")))
	}
	related := []string{"cmh", "cmh-exit-codes", "cmh-environment"}
	if cmd.HasParent() {
		related = append([]string{pageName(cmd.Parent())}, related[1:]...)
	}
	b.WriteString(".SH SEE ALSO\n")
	for i, r := range related {
		related[i] = "\\fB" + roff(r) + "\\fR(1)"
	}
	b.WriteString(strings.Join(related, ",\n") + "\n")
	return b.Bytes()
}

// day is when this cmh was made, by its commit: the same pages come of the same
// commit.
func day() string {
	if t, err := time.Parse(time.RFC3339, client.Date); err == nil {
		return t.UTC().Format(time.DateOnly)
	}
	return ""
}

func options(b *bytes.Buffer, title string, fs *pflag.FlagSet) {
	if !fs.HasAvailableFlags() {
		return
	}
	b.WriteString(".SH " + title + "\n")
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB%s\\fR, ", roff("-"+f.Shorthand))
		}
		switch {
		case f.NoOptDefVal != "" && value != "":
			value = "[=" + value + "]"
		case value != "":
			value = "=" + value
		}
		fmt.Fprintf(b, "\\fB%s\\fR%s\n%s", roff("--"+f.Name), roff(value), filled(roff(usage)))
	})
}

// paragraphs keeps apart what is text, which may be filled, and what has its own
// lines: those that begin with a space.
func paragraphs(b *bytes.Buffer, text string) {
	kept, apart, first := false, false, true
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if line == "" {
			apart = true
			continue
		}
		own := strings.HasPrefix(line, " ")
		switch {
		case kept && own && apart:
			b.WriteString("\n")
		case kept && !own:
			b.WriteString(".fi\n.PP\n")
		case !first && (apart || own != kept):
			b.WriteString(".PP\n")
		}
		if own && !kept {
			b.WriteString(".nf\n")
		}
		if kept, apart, first = own, false, false; own {
			b.WriteString(roff(line) + "\n")
		} else {
			b.WriteString(filled(roff(line)))
		}
	}
	if kept {
		b.WriteString(".fi\n")
	}
}

// longestLine is what a page's source should keep to.
const longestLine = 72

// filled is a text's source in lines of a comfortable length. No word of it becomes a
// request by standing at the beginning of one.
func filled(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(s, "\n") {
		at := 0
		for i, word := range strings.Fields(line) {
			switch {
			case i > 0 && at+1+len(word) > longestLine:
				b.WriteByte('\n')
				if at = 0; strings.HasPrefix(word, ".") {
					word = `\&` + word
				}
			case i > 0:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += len(word)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var roffEscape = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`)

// roff is s as text: nothing in it is a request.
func roff(s string) string {
	lines := strings.Split(roffEscape.Replace(s), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func quoted(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `\(dq`) + `"` }
