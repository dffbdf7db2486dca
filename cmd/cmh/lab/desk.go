package lab

import (
	"context"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// Desk gives the caller's terminal to a lab and to the text of its steps, side
// by side.
type Desk func(ctx context.Context, api split.Backend, o split.Options, certify CertifyAt) (status int, detached bool, err error)

// CertifyAt asks for certificates for one session's host of that name, or for
// its first.
type CertifyAt func(host string) labssh.Certify

// Hosts returns what asks for certificates for the hosts of a session.
func Hosts(b Certifier, session string) CertifyAt {
	return func(host string) labssh.Certify { return place{host: host}.certify(b, session) }
}

// A Certifier lets the holder of a key into labs.
type Certifier interface {
	LabCertificate(ctx context.Context, ref, publicKey string) (hub.SSHCertificate, error)
}

// work opens the lab's screen, or where there is none its shell.
func work(ctx context.Context, env *cli.Env, b cli.Labs, s hub.LabSession, attach Attach, desk Desk, whole bool) error {
	if desk == nil || env.Accessible() || env.Var("TERM") == "dumb" {
		err := showStep(ctx, env, b, s)
		switch {
		case err != nil || attach == nil && desk == nil:
			return err
		case attach == nil:
			env.Say("Ctrl-] d leaves the lab running. Have your work checked with: lab check")
			status, detached, err := desk(ctx, b, split.Options{Session: s.ID, None: true}, Hosts(b, s.ID))
			if detached {
				env.Say("Detached; the lab goes on.")
				return nil
			}
			return ended(env, status, err)
		}
		return attachTo(ctx, env, b, s.ID, place{}, attach)
	}
	prefix, err := PrefixKey(env.Var("CMH_PREFIX"))
	if err != nil {
		return err
	}
	status, detached, err := desk(ctx, b, split.Options{Session: s.ID, Prefix: prefix, Whole: whole, Mono: !env.Colour(), Look: theme.Told(theme.Named(env.Theme()), env.Var), Words: env.Words(), Pages: env.Pages}, Hosts(b, s.ID))
	if detached {
		env.Say("The lab goes on. Come back with: cmh lab start %s", s.LabID)
		return nil
	}
	return ended(env, status, err)
}

// PrefixKey reads what CMH_PREFIX says, a key such as ctrl-b; nothing is the
// default one.
func PrefixKey(name string) (byte, error) {
	if name == "" {
		return 0, nil
	}
	if rest, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(name, "+", "-")), "ctrl-"); ok && len(rest) == 1 {
		// Not those that are also Tab, Enter, Escape and the like.
		if k := strings.ToUpper(rest)[0]; k > '@' && k <= '_' && !strings.ContainsRune("CHIJMQSZ[", rune(k)) {
			return k & 0x1f, nil
		}
	}
	return 0, hub.Errorf(hub.Invalid, "CMH_PREFIX is a key such as ctrl-b or ctrl-], and %q is none that can be used.", name)
}
