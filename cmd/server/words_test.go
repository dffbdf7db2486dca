package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words/more"
)

// Whatever help says of a command or of a setting, it says in each language.
func TestHelpIsSaidInOtherLanguages(t *testing.T) {
	t.Parallel()
	say, ok := more.Languages.In("de")
	if !ok {
		t.Fatal("nobody speaks German")
	}
	root := command(&cli.Env{Out: io.Discard, Err: io.Discard})
	root.InitDefaultHelpCmd()
	seen := 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		said := func(text string) {
			if seen++; text != "" && say.T(text) == text {
				t.Errorf("%s says in English: %s", c.CommandPath(), text)
			}
		}
		said(c.Short)
		if strings.Contains(c.Long, "\n ") {
			said(c.Long)
		} else if c.Name() != "help" { // cobra's own
			for line := range strings.SplitSeq(c.Long, "\n") {
				said(line)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { said(f.Usage) })
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(root)
	if seen < 60 {
		t.Errorf("%d texts are all there are", seen)
	}
}
