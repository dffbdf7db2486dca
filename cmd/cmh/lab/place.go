package lab

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// A place is where in a lab somebody wants to be. The zero place is its first
// host, at the first terminal that is free.
type place struct{ host, terminal string }

// hostFlag lets a command name one of the lab's hosts.
func hostFlag(cmd *cobra.Command, p *place) {
	cmd.Flags().StringVar(&p.host, "host", "", "the lab's host `NAME`, where it has several")
}

// plainName accepts what hosts and terminals are called.
func plainName(s string) bool {
	return s != "" && len(s) <= 63 && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func (p place) check() error {
	if p.host != "" && !plainName(p.host) {
		return hub.Errorf(hub.Invalid, "--host takes the name of one of the lab's hosts, such as node01.")
	}
	if p.terminal != "" && !plainName(p.terminal) {
		return hub.Errorf(hub.Invalid, "--terminal takes letters, digits, - and _.")
	}
	return nil
}

// certify asks for certificates for one session, at its host.
func (p place) certify(b Certifier, ref string) labssh.Certify {
	return func(ctx context.Context, publicKey string) (hub.SSHCertificate, error) {
		c, err := b.LabCertificate(ctx, ref, publicKey)
		if p.host != "" {
			c.SSH.User += "+" + strings.ToLower(p.host)
		}
		return c, err
	}
}

// find looks up which host the named terminal is on, when nobody said.
func (p place) find(ctx context.Context, b cli.Labs, ref string) (place, error) {
	if p.terminal == "" || p.host != "" {
		return p, nil
	}
	s, err := b.LabSession(ctx, ref)
	if err != nil {
		return p, err
	}
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return p, err
	}
	for _, t := range l.Terminals {
		if t.Session == p.terminal || t.Name == p.terminal {
			p.terminal, p.host = t.Session, t.Host
		}
	}
	return p, p.check()
}
