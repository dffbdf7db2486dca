package guide

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// apiKeys lists the keys of programs, and revokes one that is chosen.
func (g guide) apiKeys(ctx context.Context) error {
	g.run(ctx, "auth", "token", "list")
	return g.menu(ctx, g.env.T("My API keys"), func(ctx context.Context) ([]choice, error) {
		keys, err := g.hub.APIKeys(ctx)
		var out []choice
		for _, k := range keys {
			name, hint := cli.CleanLine(k.Name), cli.CleanLine(k.Hint)+"…"
			text := name + ", " + hint
			if name == "" {
				name, text = hint, hint
			}
			out = append(out, g.ending(g.env.Tf("Revoke %s", text)+", "+g.used(k.LastUsedAt),
				g.env.Tf("Programs that use %s are refused from now on.", name)+" "+g.env.T("Revoke this API key?"),
				func(ctx context.Context) error { return g.hub.RevokeAPIKey(ctx, k.ID) }))
		}
		return out, err
	})
}

// sshKeys lists the keys that ssh knows the learner by, and removes one.
func (g guide) sshKeys(ctx context.Context) error {
	g.run(ctx, "key", "list")
	return g.menu(ctx, g.env.T("My SSH keys"), func(ctx context.Context) ([]choice, error) {
		keys, err := g.hub.Keys(ctx)
		var out []choice
		for _, k := range keys {
			name := cli.CleanLine(k.Name)
			out = append(out, g.ending(g.env.Tf("Remove %s", name)+", "+cli.CleanLine(k.Fingerprint)+", "+g.used(k.LastUsedAt),
				g.env.Tf("Whoever connects with %s is a guest from now on.", name)+" "+g.env.T("Remove this SSH key?"),
				func(ctx context.Context) error { return g.hub.RemoveKey(ctx, k.ID) }))
		}
		return out, err
	})
}

// signIns lists where the learner is signed in, and ends one; the one that asks
// is ended by signing out.
func (g guide) signIns(ctx context.Context) error {
	g.run(ctx, "auth", "sessions")
	return g.menu(ctx, g.env.T("Where I am signed in"), func(ctx context.Context) ([]choice, error) {
		all, err := g.hub.Sessions(ctx)
		var out []choice
		for _, s := range all {
			if s.Current {
				continue
			}
			name := cli.CleanLine(s.Client)
			if name == "" {
				name = g.env.T("a program")
			}
			out = append(out, g.ending(g.env.Tf("End the sign-in of %s, since %s", name, g.env.Words().When(s.CreatedAt, "2 Jan 2006"))+", "+g.used(s.LastUsedAt),
				g.env.Tf("%s has to sign in again.", name)+" "+g.env.T("End this sign-in?"), func(ctx context.Context) error { return g.hub.EndSession(ctx, s.ID) }))
		}
		return out, err
	})
}

// used tells two things of one name apart.
func (g guide) used(at *time.Time) string {
	if at == nil {
		return g.env.T("never used")
	}
	return g.env.Tf("used %s", g.env.Words().When(*at, "2 Jan 2006"))
}

// ending is a choice that ends something, once the learner is sure.
func (g guide) ending(text, question string, end func(context.Context) error) choice {
	return choice{text, g.sure(question, func(ctx context.Context) error {
		if err := end(ctx); err != nil {
			return err
		}
		g.say("That is done.")
		return nil
	})}
}

// set is about settings: those of this machine, where it is the learner's own.
func (g guide) set(ctx context.Context) error {
	if !g.own {
		return g.command("help", "environment")(ctx)
	}
	return g.menu(ctx, g.env.T("Settings"), g.settings)
}

// settings are those of this machine, to look at and to change.
func (g guide) settings(context.Context) ([]choice, error) {
	return []choice{
		{g.env.T("What is set"), g.command("config", "list")},
		{g.env.T("Change a setting"), func(ctx context.Context) error {
			g.run(ctx, "config", "list")
			name, err := g.ask(ctx, "Which setting?")
			if err != nil || name == "" {
				return err
			}
			value, err := g.ask(ctx, "To what? Nothing takes it away.")
			if err != nil {
				return err
			}
			if value == "" {
				return g.command("config", "unset", name)(ctx)
			}
			return g.command("config", "set", name, value)(ctx)
		}},
		{g.env.T("What can be set, and how"), g.command("help", "environment")},
	}, nil
}
