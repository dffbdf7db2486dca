package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What the files of deploy set are settings that there are: a name that is none
// is passed over in silence, by compose and by the server.
func TestDeployedSettingsExist(t *testing.T) {
	t.Parallel()
	names := []string{"CMH_LOG_LEVEL", "CMH_LOG_FORMAT", "CMH_CONFIG"}
	for _, s := range settings {
		names = append(names, "CMH_"+strings.ToUpper(strings.ReplaceAll(s.name, "-", "_")))
	}
	set := regexp.MustCompile(`\b(CMH_[A-Z_]+)[=:]`)
	for _, file := range []string{"../../deploy/compose.yaml", "../../deploy/compose.labs.yaml", "../../deploy/Dockerfile", "../../deploy/systemd/cmh-server.service"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all := set.FindAllStringSubmatch(string(b), -1)
		if len(all) == 0 {
			t.Errorf("%s sets nothing", file)
		}
		for _, m := range all {
			// CMH_IMAGE is compose's own: which image.
			if !slices.Contains(names, m[1]) && m[1] != "CMH_IMAGE" {
				t.Errorf("%s sets %s, which is no setting", file, m[1])
			}
		}
	}
}

// The compose file is one, and what it promises of the server holds: nobody's
// rights, no file system to write to but its own, no secret in its environment.
func TestComposeIsClosed(t *testing.T) {
	t.Parallel()
	c, labs := composed(t, "compose.yaml"), composed(t, "compose.labs.yaml")
	hub, db := c.Services["hub"], c.Services["db"]
	if !hub.ReadOnly || !slices.Contains(hub.CapDrop, "ALL") || hub.Privileged || !slices.Contains(hub.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("the hub may more than it needs: %+v", hub)
	}
	if len(db.Ports) > 0 {
		t.Errorf("the database can be reached from outside: %v", db.Ports)
	}
	for name, s := range c.Services {
		if s.Image == "" || s.Restart == "" {
			t.Errorf("%s: %+v", name, s)
		}
		for k, v := range s.Environment {
			if strings.Contains(strings.ToUpper(k), "PASSWORD") && !strings.HasSuffix(k, "_FILE") || regexp.MustCompile(`://[^@/]*:[^@/]*@`).MatchString(v) {
				t.Errorf("%s has a secret in its environment: %s", name, k)
			}
		}
		for _, v := range s.Volumes {
			if volume, _, _ := strings.Cut(v, ":"); c.Volumes[volume] == nil {
				t.Errorf("%s mounts %s, which is nowhere", name, v)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret] == nil {
				t.Errorf("%s wants the secret %s, which is nowhere", name, secret)
			}
		}
	}
	for _, p := range hub.Ports {
		if !strings.HasPrefix(p, "127.0.0.1:") {
			t.Errorf("plain HTTP is open to everybody: %s", p)
		}
	}
	// With labs beside it only SSH is added, and no way to this machine's engine.
	with := labs.Services["hub"]
	if len(labs.Services) != 1 || !slices.Equal(with.Ports, []string{"2222:2222"}) || len(with.Volumes) > 0 || with.Privileged || with.Environment["DOCKER_TLS_VERIFY"] != "1" {
		t.Errorf("with labs the hub has %+v", labs.Services)
	}
	for _, secret := range with.Secrets {
		if labs.Secrets[secret] == nil {
			t.Errorf("labs want the secret %s, which is nowhere", secret)
		}
	}
}

// composition is what of a compose file the tests look at.
type composition struct {
	Name     string
	Services map[string]struct {
		Image       string
		Restart     string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		Environment map[string]string
		Ports       []string
		Volumes     []string
		Secrets     []string
		Privileged  bool
	}
	Volumes map[string]any
	Secrets map[string]any
}

func composed(t *testing.T, name string) (c composition) {
	t.Helper()
	b, err := os.ReadFile("../../deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A server tells whoever looks after it whether it is ready, with no other program.
func TestReadyCommand(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t))
	s.start()
	ask := func() (string, error) { return s.run("", "ready", "--api-addr", strings.TrimPrefix(s.url, "http://")) }
	until(t, "it says that it is ready", func() bool { // within a second, or that it isn't
		out, err := ask()
		return err == nil && out == ""
	})
	s.stop()
	if out, err := ask(); err == nil || !strings.Contains(out, "no server answers") {
		t.Errorf("stopped: %v %s", err, out)
	}
}

// The database's password may lie in a file of its own, as compose has it, so
// that nobody reads it in the settings.
func TestDatabasePasswordFromAFile(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(database(t))
	if err != nil {
		t.Fatal(err)
	}
	secret, ok := u.User.Password()
	if !ok {
		t.Fatalf("the database asks for no password: %s", u.Redacted())
	}
	file := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(file, []byte("*:*:*:"+u.User.Username()+":"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.User = url.User(u.User.Username())
	q := u.Query()
	q.Set("passfile", file)
	u.RawQuery = q.Encode()
	s := onDatabase(t, u.String())
	s.start()
	s.eventually("/readyz", http.StatusOK)
	s.stop()
}
