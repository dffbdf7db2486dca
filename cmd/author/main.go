// Command cmh-author is the part of `cmh author` that holds the lab engine:
// cmh starts it, and it stands beside cmh. It is a program of its own so that
// learners don't start, with every command, what only authors need
// (docs/adr/0022-engine-beside-cmh.md).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloudmastershub/cmh/cmd/author/prove"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/hubclient"
	"github.com/cloudmastershub/cmh/words/more"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second one ends it at once
	env := cli.Process()
	env.Languages = more.Languages
	env.Language = func() string {
		c, _ := config.Read(config.Dir(), config.Flags{Server: env.Server, Profile: env.Profile}) // whoever needs it says what is wrong
		return c.Language
	}
	env.Backend = func() (cli.Backend, error) {
		c, err := config.Read(config.Dir(), config.Flags{Server: env.Server, Profile: env.Profile})
		if err != nil {
			return nil, err
		}
		hub, _ := hubclient.Open(env, c)
		return hub, nil
	}
	// Its commands are cmh's, by name: usage and errors speak of `cmh author`.
	root := cli.Group("cmh", "Prove courses and labs", cli.Group("author", "Write courses and labs", prove.Command(env)))
	root.CompletionOptions.DisableDefaultCmd = true
	os.Exit(cli.Run(ctx, root, env, append([]string{"author"}, os.Args[1:]...)))
}
