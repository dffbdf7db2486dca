package sshconfig

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
)

// Files of ours in the configuration folder.
const (
	configFile = "ssh_config"
	keyFile    = "ssh_key"
	knownFile  = "known_hosts"
)

// install writes a file for ssh about every lab that the learner has had, and has
// the learner's own configuration include it. Doing it twice is doing it once.
func install(ctx context.Context, env *cli.Env, b cli.Backend, all []hub.LabSession, p config.Place) error {
	if p.Dir == "" {
		return config.ErrNoHome
	}
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return err
	}
	dir = filepath.ToSlash(dir) // also in a file: a backslash means something to ssh
	if strings.ContainsAny(dir, "\"'\n\r%$*?[\\") {
		return hub.Errorf(hub.Invalid, "The configuration folder has a name that ssh can't read: %q.", dir)
	}
	if len(all) == 0 {
		return hub.Errorf(hub.NotFound, "You have had no lab yet. Start one with: cmh lab start LAB")
	}
	if err := ensureKey(ctx, env, b, path.Join(dir, keyFile)); err != nil {
		return err
	}
	text, keys, err := blocks(ctx, b, all, dir, prefix(p))
	if err != nil {
		return err
	}
	if err := errors.Join(keep(path.Join(dir, knownFile), keys), keep(path.Join(dir, configFile), text)); err != nil {
		return hub.Wrap(err, hub.Unavailable, "What ssh needs to know can't be kept.")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	theirs := filepath.Join(home, ".ssh", "config")
	changed, err := include(theirs, path.Join(dir, configFile))
	if err != nil {
		return hub.Wrap(err, hub.Unavailable, "The line that includes %s can't be written to %s.", path.Join(dir, configFile), theirs)
	}
	if changed {
		env.Say("%s includes %s from now on.", theirs, path.Join(dir, configFile))
	}
	env.Say("Your labs are known to ssh. For example: ssh %s", prefix(p)+all[0].LabID)
	return nil
}

// blocks are the Host blocks of all labs, by the lab's name as the user: which
// session that is, the gateway knows.
func blocks(ctx context.Context, b cli.Backend, all []hub.LabSession, dir, prefix string) (config, keys string, err error) {
	var c strings.Builder
	c.WriteString("# Written by cmh ssh-config --install, which replaces it.\n")
	seen := map[string]bool{}
	for _, s := range all {
		if seen[s.LabID] {
			continue
		}
		seen[s.LabID] = true
		at, line, err := address(s)
		if err != nil {
			return "", "", err
		}
		if !strings.Contains(keys, line) {
			keys += line
		}
		users := []string{s.LabID}
		if l, err := b.Lab(ctx, s.LabID); err == nil && len(l.Hosts) > 1 { // one that is gone has no hosts to enter
			for _, h := range l.Hosts {
				if !isName(h) {
					return "", "", errOdd
				}
				users = append(users, s.LabID+"+"+h)
			}
		}
		for _, user := range users {
			fmt.Fprintf(&c, "\nHost %s%s\n%s  User %s\n  UserKnownHostsFile \"%s\"\n  StrictHostKeyChecking yes\n  IdentityFile \"%s\"\n  IdentitiesOnly yes\n",
				prefix, strings.ReplaceAll(user, "+", "."), at, user, path.Join(dir, knownFile), path.Join(dir, keyFile))
		}
	}
	return c.String(), keys, nil
}

// ensureKey makes the key that ssh signs in with, once, and has the hub know it.
func ensureKey(ctx context.Context, env *cli.Env, b cli.Backend, path string) error {
	raw, err := lockfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = newKey(path)
	}
	if err != nil {
		return hub.Wrap(err, hub.Unavailable, "The key for ssh can't be kept in %s.", path)
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		return hub.Errorf(hub.Invalid, "%s is no key without a passphrase. Remove it, and a new one is made.", path)
	}
	known, err := b.Keys(ctx)
	if err != nil {
		return err
	}
	print := ssh.FingerprintSHA256(signer.PublicKey())
	if slices.ContainsFunc(known, func(k hub.Key) bool { return k.Fingerprint == print }) {
		return nil
	}
	host, _ := os.Hostname()
	_, err = b.AddKey(ctx, hub.NewKey{Name: cli.CleanLine("cmh on " + host), PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))})
	if err != nil {
		return err
	}
	env.Say("A key of this machine's was added to your account: %s. Take it away with: cmh key remove", print)
	return nil
}

func newKey(path string) ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "cmh")
	if err != nil {
		return nil, err
	}
	raw := pem.EncodeToMemory(block)
	return raw, keep(path, string(raw)) // 0600, as all that keep makes
}

// include has the learner's configuration begin with a line that includes ours.
// What else is in it stays as it is, and so does where it lies, links and all.
func include(path, ours string) (changed bool, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	old, err := lockfile.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	line := fmt.Sprintf("Include \"%s\"", ours)
	for l := range strings.Lines(string(old)) {
		if strings.TrimSpace(l) == line {
			return false, nil
		}
	}
	text := "# Labs of CloudMastersHub, by cmh ssh-config --install.\n" + line + "\n"
	if len(old) > 0 {
		text += "\n" + string(old)
	}
	return true, keep(path, text)
}
