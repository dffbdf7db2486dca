package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// helps marks commands that do nothing but show their help.
const helps = "help"

// Guarded are the commands of a tree that do something, each by its words:
// "lab start", and "cmh" for the root where that does.
func Guarded(tree *cobra.Command) map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Runnable() && (c.Annotations[helps] == "" || !c.HasParent()) {
			all[pathOf(c)] = c
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(tree)
	return all
}

func pathOf(c *cobra.Command) string {
	if !c.HasParent() {
		return c.Name()
	}
	return strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
}

// guard has every command of tree ask may first.
func guard(tree *cobra.Command, may func(string) error) {
	for name, c := range Guarded(tree) {
		do, plain := c.RunE, c.Run
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if err := may(name); err != nil {
				return err
			}
			if do != nil {
				return do(cmd, args)
			}
			plain(cmd, args)
			return nil
		}
	}
}
