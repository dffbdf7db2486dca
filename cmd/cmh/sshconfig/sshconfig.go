// Package sshconfig is `cmh ssh-config`: what OpenSSH must know to reach the
// learner's labs by name, with the gateway's host key pinned. It touches the
// learner's own ~/.ssh only when asked to, and there one line.
package sshconfig

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
)

// Command returns the ssh-config command. place is where the pinned host keys go,
// and which profile's labs they are.
func Command(env *cli.Env, place func() (config.Place, error)) *cobra.Command {
	var installing bool
	cmd := &cobra.Command{
		Use:   "ssh-config",
		Short: "Print what ssh needs to know about your labs",
		Long: "Print a Host block for each running lab, for ~/.ssh/config or for ssh -F. The gateway's host key is pinned in a file of its own. " +
			"ssh signs in with a key that you added: cmh key add. With --install the blocks of all labs that you have had go to a file of cmh's own, " +
			"with a key for it that is added to your account, and ~/.ssh/config gets one line that includes the file: then ssh cmh-LAB, scp, rsync and editors find " +
			"the lab whenever it runs. Install again when you have had other labs.",
		Example: "  cmh ssh-config >~/.ssh/cmh.conf\n  scp -F ~/.ssh/cmh.conf notes.txt cmh-log-triage:\n  cmh ssh-config --install && ssh cmh-log-triage",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := place()
			if err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			all, err := b.LabSessions(cmd.Context())
			if err != nil {
				return err
			}
			if installing {
				return install(cmd.Context(), env, b, all, p)
			}
			known := filepath.ToSlash(filepath.Join(p.Dir, knownFile)) // a backslash means something to ssh
			text, keys, err := write(all, known, prefix(p))
			if err != nil {
				return err
			}
			if text == "" {
				return hub.Errorf(hub.NotFound, "No lab of yours is running. Start one with: cmh lab start LAB")
			}
			if p.Dir == "" {
				return config.ErrNoHome
			}
			if err := keep(known, keys); err != nil {
				return hub.Wrap(err, hub.Unavailable, "The gateway's host key can't be kept.")
			}
			env.Say("The gateway's host key is pinned in %s.", known)
			_, err = fmt.Fprint(env.Out, text)
			return err
		},
	}
	cmd.Flags().BoolVar(&installing, "install", false, "have ssh, scp, rsync and editors know your labs")
	return cmd
}

// prefix is what ssh's names of a profile's labs begin with: two hubs may have
// labs of one name. No profile's and no lab's name has a plus.
func prefix(p config.Place) string {
	if p.Name == config.Default {
		return "cmh-"
	}
	return "cmh-" + p.Name + "+"
}

// isHost accepts host names and addresses, and no option or pattern.
func isHost(s string) bool {
	return net.ParseIP(s) != nil || s != "" && len(s) <= 253 && s[0] != '-' && s[0] != '.' && only(s, ".-")
}

// isName accepts what sessions and labs are called.
func isName(s string) bool { return s != "" && len(s) <= 63 && s[0] != '-' && only(s, "-") }

// only reports whether s is letters, digits and what is in also.
func only(s, also string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(also, r)
	})
}

// write makes the two texts. A value that could mean something else to ssh than
// what it is ends it: a server must not be able to write options.
func write(all []hub.LabSession, known, prefix string) (config, keys string, err error) {
	var c, k strings.Builder
	seen := map[string]bool{}
	for _, s := range all {
		if hub.Ended(s.State) {
			continue
		}
		at, line, err := address(s)
		if err != nil {
			return "", "", err
		}
		if strings.ContainsAny(known, "\"\n") {
			return "", "", hub.Errorf(hub.Invalid, "The configuration folder has a name that ssh can't read: %q.", known)
		}
		fmt.Fprintf(&c, "Host %s%s %s\n%s  User %s\n  UserKnownHostsFile \"%s\"\n  StrictHostKeyChecking yes\n", prefix, s.LabID, s.SSH.User, at, s.SSH.User, known)
		if !seen[line] {
			k.WriteString(line)
			seen[line] = true
		}
	}
	return c.String(), k.String(), nil
}

var errOdd = hub.Errorf(hub.Internal, "The server gave an SSH address that can't be right. Nothing was written.")

// address is where a session is reached, for a Host block, and the pinned key of
// the gateway there. What could mean something else to ssh is refused.
func address(s hub.LabSession) (block, known string, err error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.SSH.HostKey))
	if err != nil || !isName(s.SSH.User) || !isName(s.LabID) || !isHost(s.SSH.Host) || s.SSH.Port < 1 || s.SSH.Port > 65535 {
		return "", "", errOdd
	}
	alias := fmt.Sprintf("cmh-gateway-%s-%d", strings.ReplaceAll(s.SSH.Host, ":", "-"), s.SSH.Port)
	block = fmt.Sprintf("  HostName %s\n  Port %d\n  HostKeyAlias %s\n", s.SSH.Host, s.SSH.Port, alias)
	return block, alias + " " + string(ssh.MarshalAuthorizedKey(key)), nil
}

// keep replaces the file as a whole: ssh may be reading it.
func keep(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".cmh-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.WriteString(text)
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = lockfile.Replace(tmp.Name(), path)
	}
	return err
}
