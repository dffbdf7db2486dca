// Package root puts the command tree together: the part that works anywhere,
// also inside the SSH gateway, and beside it whatever the program adds.
package root

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/about"
	"github.com/cloudmastershub/cmh/cmd/cmh/admin"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/cmd/cmh/cert"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/course"
	"github.com/cloudmastershub/cmh/cmd/cmh/guide"
	"github.com/cloudmastershub/cmh/cmd/cmh/key"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
	"github.com/cloudmastershub/cmh/cmd/cmh/lesson"
	"github.com/cloudmastershub/cmh/cmd/cmh/profile"
	"github.com/cloudmastershub/cmh/cmd/cmh/progress"
	"github.com/cloudmastershub/cmh/cmd/cmh/quiz"
)

// The groups of the help text.
const (
	Learn   = "learn"
	Teach   = "teach"
	Account = "account"
	Other   = "other"
	topics  = "topics"
)

// Local is what only a learner's own machine has.
type Local struct {
	Open   func(cmd *cobra.Command) error // the screens; for cmh alone on a terminal
	Attach lab.Attach
	Desk   lab.Desk                      // the gateway has one as well
	Config func(*cli.Env) *cobra.Command // the settings; for cmh in lines
}

// New returns the tree. A nil local leaves out what needs a learner's machine.
func New(env *cli.Env, local *Local) *cobra.Command {
	var l Local
	if local != nil {
		l = *local
	}
	env.Prints = printed
	root := cli.Group("cmh", "Courses and hands-on labs in your terminal")
	root.Long = "Courses and hands-on labs in your terminal. Read a lesson, open a lab in a real sandbox, have your work checked, see your progress. " +
		"On a terminal, cmh alone opens the screens."
	root.Example = "  cmh course list\n  cmh lab start log-triage\n  cmh next"
	// A flag of our own: cobra's comes with a template, and with templates in it a
	// program can't be rid of the methods that nobody calls.
	version := root.Flags().BoolP("version", "v", false, "version for cmh")
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddGroup(&cobra.Group{ID: Learn, Title: "Learn:"}, &cobra.Group{ID: Teach, Title: "Teach:"},
		&cobra.Group{ID: Account, Title: "Your account:"}, &cobra.Group{ID: Other, Title: "Other:"}, &cobra.Group{ID: topics, Title: "Help topics:"})
	Add(root, Learn, course.Command(env), lesson.Command(env), quiz.Command(env), lab.Command(env, l.Attach, l.Desk),
		progress.Command(env), progress.AchievementsCommand(env), progress.NextCommand(env), cert.Command(env))
	Add(root, Account, key.Command(env), profile.Command(env))
	Add(root, Other, admin.Command(env), about.VersionCommand(env), about.CompletionCommand(env), about.ManCommand(env))
	Add(root, topics, about.Topics()...)
	root.SetHelpCommand(about.HelpCommand())
	root.SetHelpCommandGroupID(Other)
	help := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version {
			_, err := fmt.Fprintln(env.Out, "cmh", client.Version)
			return err
		}
		if env.InTTY && env.ForHumans() && env.Interactive() && env.Accessible() {
			return guided(cmd.Context(), env, l)
		}
		if l.Open != nil && env.InTTY && env.ForHumans() && env.Interactive() && env.Var("TERM") != "dumb" {
			return l.Open(cmd)
		}
		return help(cmd, args)
	}
	return root
}

// guided talks with a learner who wants no screens. Each command that they choose
// runs in a tree of its own, because flags stay where they were set.
func guided(ctx context.Context, env *cli.Env, l Local) error {
	l.Open = nil
	return guide.Open(ctx, env, func(ctx context.Context, env *cli.Env, args ...string) int {
		again := *env
		again.Lines = true
		tree := New(&again, &l)
		Add(tree, Account, auth.Lists(&again)) // who made the caller's tree has more of it
		if l.Config != nil {
			Add(tree, Other, l.Config(&again))
		}
		return cli.Run(ctx, tree, &again, args)
	}, l.Config != nil)
}

// Add puts commands into a group of root.
func Add(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = group
	}
	root.AddCommand(cmds...)
}
