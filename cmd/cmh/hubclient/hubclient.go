// Package hubclient opens the connection to the hub for whoever runs one of
// our programs: with their settings and their sign-in. It asks the hub nothing.
package hubclient

import (
	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/credential"
)

// Open returns the connection and where its sign-in is kept. CMH_TOKEN comes
// before what is kept.
func Open(env *cli.Env, c config.Config) (*client.Client, *credential.Store) {
	opts := []client.Option{client.UserAgent("cmh/" + client.Version)}
	if c.InsecureHTTP {
		opts = append(opts, client.AllowPlainHTTP())
	}
	if t := env.Var("CMH_TOKEN"); t != "" {
		opts = append(opts, client.Token(t))
	}
	store := credential.Open(config.Dir(), client.New(c.Server, opts...).BaseURL())
	store.Say = func(s string) { env.Say("%s", s) }
	return client.New(c.Server, append(opts, client.Store(store))...), store
}
