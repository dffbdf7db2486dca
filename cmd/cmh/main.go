// Command cmh is the learner's terminal client: courses and hands-on labs.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/api"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/cmd/cmh/author"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/doctor"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/cmd/cmh/sshconfig"
	"github.com/cloudmastershub/cmh/cmd/cmh/sync"
	"github.com/cloudmastershub/cmh/tui/markdown/apart"
)

var (
	_ cli.Backend = (*client.Client)(nil)
	_ cli.Backend = (*offline.Hub)(nil)
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got os.Signal
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		got = <-signals
		signal.Stop(signals) // the second one ends cmh at once
		cancel()
	}()

	env := cli.Process()
	m := &machine{env: env, ctx: ctx}
	env.Backend = m.backend
	env.Page = m.page
	env.Pages = apart.Beside(func() (io.ReadWriteCloser, error) { return cli.Drawing(ctx) })
	env.Suggest = m.suggest
	env.Linear = m.linear
	env.Language = m.language
	env.Themed = m.themed
	tree := root.New(env, &root.Local{
		Open: m.open,
		Attach: func(ctx context.Context, certify labssh.Certify, terminal string, say func(string)) (int, bool, error) {
			return labssh.Local(ctx, certify, terminal, os.Stdin, os.Stdout, say)
		},
		Desk:   desk,
		Config: func(env *cli.Env) *cobra.Command { return config.Command(env, config.Dir) },
	})
	root.Add(tree, root.Learn, sync.Command(env, m.learning))
	root.Add(tree, root.Account, auth.Command(env, m))
	root.Add(tree, root.Teach, author.Command(env,
		author.Beside(env, "test PATH", "Prove that the checks of labs are red before the work and green after it")))
	root.Add(tree, root.Other, api.Command(env, m.asker), sshconfig.Command(env, m.place), config.Command(env, config.Dir), doctor.Command(env, m.look))
	status := cli.Run(ctx, tree, env, os.Args[1:])
	m.tellNews()
	m.settle()
	if status == cli.ExitIntr && got != nil && got != os.Interrupt {
		status = 128 + int(got.(syscall.Signal))
	}
	os.Exit(status)
}
