// Package all is the list of sandbox drivers, by the names that CMH_LAB_DRIVER
// takes. A new driver is one more line here.
package all

import (
	"cmp"
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/docker"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Config is what drivers may need; each takes its own part.
type Config struct {
	State  string       // folder on this host for what sandboxes are made of
	Images *image.Store // installed images
	Agent  string       // path of the lab-agent binary

	Engine     string // socket of Docker or Podman; empty: where theirs usually is
	OldRuntime bool   // take an engine whose runc can be broken out of
}

var drivers = map[string]func(context.Context, Config) (labs.Driver, error){
	"local": func(ctx context.Context, c Config) (labs.Driver, error) {
		return local.Open(ctx, local.Config{State: c.State, Images: c.Images, Agent: c.Agent})
	},
	"docker": engine("docker"), "podman": engine("podman"),
}

func engine(name string) func(context.Context, Config) (labs.Driver, error) {
	return func(ctx context.Context, c Config) (labs.Driver, error) {
		return docker.Open(ctx, docker.Config{
			State: c.State, Images: c.Images, Agent: c.Agent, Host: cmp.Or(c.Engine, docker.DefaultHost(name)), OldRuntime: c.OldRuntime,
		})
	}
}

// Names are the drivers there are, sorted.
func Names() []string {
	names := make([]string, 0, len(drivers))
	for name := range drivers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Open opens the driver called name; an empty name means local.
func Open(ctx context.Context, name string, c Config) (labs.Driver, error) {
	if name == "" {
		name = "local"
	}
	open, ok := drivers[name]
	if !ok {
		return nil, fmt.Errorf("no lab driver is called %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	return open(ctx, c)
}
