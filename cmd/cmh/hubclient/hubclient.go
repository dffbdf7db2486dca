// Package hubclient opens the connection to the hub for whoever runs one of
// our programs: with their settings and their sign-in. It asks the hub nothing.
package hubclient

import (
	"context"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/credential"
)

// Open returns the connection and where its sign-in is kept. CMH_TOKEN comes
// before what is kept.
func Open(env *cli.Env, c config.Config) (*client.Client, *credential.Store) {
	opts := options(env, c)
	store := keeper(env, c, opts)
	return client.New(c.Server, append(opts, client.Store(store))...), store
}

// Guest returns a connection without the sign-in that is kept, and so without
// one to renew.
func Guest(env *cli.Env, c config.Config) *client.Client {
	return client.New(c.Server, options(env, c)...)
}

func options(env *cli.Env, c config.Config) []client.Option {
	opts := []client.Option{client.UserAgent("cmh/" + client.Version)}
	if !env.JSON { // what a program reads is in English
		opts = append(opts, client.Language(env.Words().Language()))
	}
	if c.InsecureHTTP {
		opts = append(opts, client.AllowPlainHTTP())
	}
	if t := env.Var("CMH_TOKEN"); t != "" {
		opts = append(opts, client.Token(t))
	}
	return opts
}

func keeper(env *cli.Env, c config.Config, opts []client.Option) *credential.Store {
	store := credential.Open(c.Dir, client.New(c.Server, opts...).BaseURL(), c.Apart)
	store.Say = env.Say
	return store
}

// OpenKept is Open for a learner's own machine: what they read is kept on it, and
// they go on when the hub can't be reached. Where the machine has no place for
// that, the cache is empty and the journal refuses.
func OpenKept(env *cli.Env, c config.Config) (*offline.Hub, *credential.Store) {
	opts := options(env, c)
	store := keeper(env, c, opts)
	place, _ := offline.At(c.Apart(client.New(c.Server, opts...).BaseURL()), env.Var)
	cache := offline.OpenCache(place)
	opts = append(opts, client.Keep(cache), client.Connected(cache.Connected), client.Store(watched{store, func(token string) { signedOut(env, cache, place, token) }}))
	token := func(ctx context.Context) (string, error) {
		if t := env.Var("CMH_TOKEN"); t != "" {
			return t, nil
		}
		t, err := store.Load(ctx)
		return t.AccessToken, err
	}
	near := client.New(c.Server, append(opts[:len(opts):len(opts)], client.Keep(cache.Near()), client.Away())...)
	far := near
	if !env.WithoutHub() {
		far = client.New(c.Server, opts...)
	}
	h := offline.New(far, near, cache, place, env.WithoutHub(), token)
	h.Quick = func(token string) *client.Client {
		return client.New(c.Server, append(opts[:len(opts):len(opts)], client.Token(token))...)
	}
	h.Say = func(s string) { env.Say("%s", s) }
	h.Words = env.Words()
	return h, store
}

// signedOut removes what can be had again. What the hub hasn't heard of stays.
func signedOut(env *cli.Env, cache *offline.Cache, place offline.Place, token string) {
	cache.Forget(token)
	if events, err := offline.OpenJournal(place, token).Waiting(); err == nil && len(events) > 0 {
		env.Say("%s", env.N(len(events), "%d change that you made offline waits for the hub. It is kept until you sign in again.",
			"%d changes that you made offline wait for the hub. They are kept until you sign in again.", len(events)))
	}
}

// watched tells whose sign-in has ended.
type watched struct {
	client.TokenStore
	ended func(token string)
}

func (w watched) Update(ctx context.Context, change func(hub.Tokens) (hub.Tokens, error)) (hub.Tokens, error) {
	var before hub.Tokens
	after, err := w.TokenStore.Update(ctx, func(now hub.Tokens) (hub.Tokens, error) {
		before = now
		return change(now)
	})
	if err == nil && before.AccessToken != "" && offline.Account(before.AccessToken) != offline.Account(after.AccessToken) {
		w.ended(before.AccessToken)
	}
	return after, err
}
