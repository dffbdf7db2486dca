package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
)

// A setting is the flag's, else the environment's, else the file's, and the list
// says whose it is.
func TestOrigins(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	t.Setenv("CMH_SERVER", "")
	t.Setenv("CMH_PAGER", "")
	for _, step := range []struct {
		env, args, out string
		exit           int
	}{
		{args: "config get server", out: config.DefaultServer},
		{args: "config set server https://file.example"},
		{args: "config get server", out: "https://file.example"},
		{args: "config list --jq .", exit: 2},
		{args: "config get server --json", out: `{"name":"server","value":"https://file.example","origin":"` + file + `"}`},
		{env: "https://env.example", args: "config get server --json", out: `{"name":"server","value":"https://env.example","origin":"CMH_SERVER"}`},
		{env: "https://env.example", args: "config get server --json --server https://flag.example", out: `{"name":"server","value":"https://flag.example","origin":"--server"}`},
		{args: "config set accessible true"},
		{args: "config get accessible", out: "true"},
		{args: "config set accessible maybe", exit: 2},
		{args: "config set sever x", exit: 2},
		{args: "config set language deutsch", exit: 2},
		{args: "config set server foo", exit: 2},
		{args: "config set server http://far.example", exit: 2},
		{args: "config get server", out: "https://file.example"},
		{args: "config unset server"},
		{args: "config get server --json", out: `{"name":"server","value":"` + config.DefaultServer + `","origin":"default"}`},
		{args: "config get accessible", out: "true"},
	} {
		t.Setenv("CMH_SERVER", step.env)
		var out, errs strings.Builder
		env := &cli.Env{Out: &out, Err: &errs, In: strings.NewReader("")}
		root := cli.Group("cmh", "", config.Command(env, func() string { return dir }))
		exit := cli.Run(t.Context(), root, env, strings.Fields(step.args))
		if exit != step.exit || strings.TrimSpace(out.String()) != step.out {
			t.Errorf("%s: exit %d, %q, %q; want %d, %q", step.args, exit, out.String(), errs.String(), step.exit, step.out)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A misspelled profile is no profile, whatever the environment says.
func TestProfiles(t *testing.T) {
	dir := t.TempDir()
	run := func(args string) int {
		env := &cli.Env{Out: &strings.Builder{}, Err: &strings.Builder{}, In: strings.NewReader("")}
		return cli.Run(t.Context(), cli.Group("cmh", "", config.Command(env, func() string { return dir })), env, strings.Fields(args))
	}
	t.Setenv("CMH_SERVER", "https://work.example/")
	for args, want := range map[string]int{
		"config set server https://school.example --profile school": 0,
		"config get server --profile school9":                       2,
		"config set pager more --profile school9":                   2,
		"config get server --profile new --server https://a.b":      0,
	} {
		if exit := run(args); exit != want {
			t.Errorf("%s: exit %d, want %d", args, exit, want)
		}
	}
	if all := config.Profiles(dir); len(all) != 2 {
		t.Errorf("profiles: %q", all)
	}
}

// A learner was told to type "cmh course list --server https://evil.example": the
// key in their environment went along. It stays with the hub that it is for.
func TestATokenStaysWithItsHub(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CMH_SERVER", "")
	if err := config.Set(dir, config.Flags{Profile: "school"}, "server", "https://school.example"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		server, token string
		flags         config.Flags
		refused       bool
	}{
		{"https://work.example", "k", config.Flags{Profile: "school"}, true},
		{"https://work.example", "", config.Flags{Profile: "school"}, false},
		{"https://school.example/", "k", config.Flags{Profile: "school"}, false},
		{"", "k", config.Flags{Profile: "school"}, false},
		{"https://work.example", "k", config.Flags{}, false},
		{"https://work.example", "k", config.Flags{Server: "https://evil.example"}, true},
		{"https://work.example", "", config.Flags{Server: "https://evil.example"}, false},
		{"https://work.example", "k", config.Flags{Server: "http://work.example"}, true}, // unencrypted
		{"https://work.example", "k", config.Flags{Server: "https://work.example:444"}, true},
		{"https://work.example", "k", config.Flags{Server: "https://work.example.evil.example"}, true},
		{"https://work.example", "k", config.Flags{Server: "https://WORK.example:443/v1/"}, false},
		{"https://work.example", "k", config.Flags{Server: "https://school.example", Profile: "school"}, true},
		{"", "k", config.Flags{Server: "https://evil.example"}, true},
		{"", "k", config.Flags{Server: config.DefaultServer}, false},
		{"", "k", config.Flags{Server: "https://evil.example", Profile: "school"}, true},
		{"", "k", config.Flags{Server: "https://school.example", Profile: "school"}, false},
		{"", "k", config.Flags{Server: "https://new.example", Profile: "new"}, true},
	} {
		t.Setenv("CMH_SERVER", tt.server)
		t.Setenv("CMH_TOKEN", tt.token)
		if c, err := config.Read(dir, tt.flags); (hub.CodeOf(err) == hub.Invalid) != tt.refused {
			t.Errorf("%+v: %s, %v", tt, c.Server, err)
		}
	}
}

// What somebody else's program keeps in the file stays there.
func TestSetKeepsTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte("other: {deep: [1, 2]}\npager: more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := &cli.Env{Out: &strings.Builder{}, Err: &strings.Builder{}, In: strings.NewReader("")}
	if exit := cli.Run(t.Context(), cli.Group("cmh", "", config.Command(env, func() string { return dir })), env, []string{"config", "set", "language", "de"}); exit != 0 {
		t.Fatal(exit)
	}
	b, err := os.ReadFile(file)
	for _, want := range []string{`{"deep":[1,2]}`, `pager: "more"`, `language: "de"`} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("no %q in %s (%v)", want, b, err)
		}
	}
}
