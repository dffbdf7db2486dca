package root_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/api"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/cmd/cmh/author"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/doctor"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/cmd/cmh/sshconfig"
)

// tree is what the cmh program puts together.
func tree(env *cli.Env) *cobra.Command {
	r := root.New(env, &root.Local{Attach: func(context.Context, labssh.Certify, string, func(string)) (int, bool, error) { return 0, false, nil }})
	root.Add(r, root.Teach, author.Command(env))
	root.Add(r, root.Account, auth.Command(env, nil))
	asker := func() (api.Asker, error) {
		b, err := env.Backend()
		if err != nil {
			return nil, err
		}
		return b.(api.Asker), nil
	}
	root.Add(r, root.Other, api.Command(env, asker), sshconfig.Command(env, func() (config.Place, error) { return config.Place{}, nil }), config.Command(env, func() string { return "" }), doctor.Command(env, found))
	return r
}

// found is what a doctor hears of a hub that is none.
func found(context.Context) []doctor.Finding {
	return []doctor.Finding{{Check: "hub", State: doctor.OK, Detail: "\x1b]0;mine\a\x1b[2J1.0.0"}}
}

func commands(c *cobra.Command) [][]string {
	path := strings.Fields(c.CommandPath())[1:]
	all := [][]string{path}
	for _, sub := range c.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

func help(t *testing.T, path []string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	env := &cli.Env{Out: &out, Err: &errOut, In: strings.NewReader("")}
	if exit := cli.Run(t.Context(), tree(env), env, append(path[:len(path):len(path)], "--help")); exit != 0 || errOut.Len() > 0 {
		t.Errorf("exit %d, err %q", exit, errOut.String())
	}
	return out.String()
}

func TestHelp(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range commands(tree(&cli.Env{})) {
		name := strings.Join(append([]string{"cmh"}, path...), "-")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := help(t, path)
			for line := range strings.SplitSeq(text, "\n") {
				if len([]rune(line)) > 80 {
					t.Errorf("wider than 80 columns: %q", line)
				}
			}
			command := strings.Join(append([]string{"cmh"}, path...), " ")
			cmd, _, err := tree(&cli.Env{}).Find(path)
			if err != nil {
				t.Fatal(err)
			}
			if cmd.Runnable() && !strings.Contains(text, "Examples:\n  ") {
				t.Error("there is no example")
			}
			if cmd.Runnable() && !cmd.HasSubCommands() && !bytes.Contains(reference, []byte("`"+command)) {
				t.Errorf("docs/cli.md does not mention %q", command)
			}
			golden.RequireEqual(t, text)
		})
	}
}

// Inside the SSH gateway there is no machine of the learner's to sign in on.
func TestWithoutAMachineOfTheLearners(t *testing.T) {
	t.Parallel()
	env := &cli.Env{}
	for _, path := range commands(root.New(env, nil)) {
		switch strings.Join(path, " ") {
		case "auth", "api", "lab attach", "lab ssh", "ssh-config":
			t.Errorf("there is %q", path)
		}
	}
}
