// Package docker makes sandboxes with a Docker or Podman engine, for hosts that
// prefer one to package local.
//
// The engine runs the same agent as process 1, on the same images (they are
// handed to it once), within the same limits, capabilities and seccomp list. It
// never gets a network. The driver keeps a folder per sandbox as package local
// does, with the agent's socket, which the agent is handed at its start
// (proto/dock.go) and which no path inside leads to. An engine that is apart, on
// another machine or in a virtual one, holds the agent in a volume instead, and
// is asked for each connection (proto/apart.go). What an engine can't give is
// named by Weaknesses, and in docs/security.md.
package docker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Config says what a Driver works with.
type Config struct {
	State  string       // folder for what sandboxes are made of; made when missing
	Images *image.Store // where Spec.Image is looked up
	Agent  string       // path of the lab-agent binary
	Host   string       // the engine, unix:///path, tcp://name:port or ssh://user@name; see DefaultHost

	// OldRuntime takes engines whose runc can be broken out of.
	OldRuntime bool

	// Apart takes an engine of this machine for one that isn't: nothing is bound
	// into its containers and nothing done to them but by its own API.
	Apart bool
}

// Driver is a labs.Driver.
type Driver struct {
	state, agent string
	key          string // labels what is ours
	images       *image.Store
	engine       *client.Client
	filter       []byte // the seccomp profile
	profile      string // the same, or for Podman where it lies
	about        about

	// Where the engine is apart, the volume that has the agent, once it has.
	volume    string
	supplying sync.Mutex
	supplied  bool
}

var _ labs.Driver = (*Driver)(nil)

// Labels of our containers.
const (
	stateLabel   = "cmh.state"
	sandboxLabel = "cmh.sandbox"
)

// Open asks the engine who it is and returns the driver of cfg.State. Sandboxes
// of earlier processes are there at once; what a killed Create left half made
// is removed.
func Open(ctx context.Context, cfg Config) (*Driver, error) {
	state, err := filepath.Abs(cfg.State)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("open sandbox state: %w", err)
	}
	d := &Driver{state: state, key: stateKey(state), images: cfg.Images}
	if d.filter, err = local.SeccompProfile(); err != nil {
		return nil, fmt.Errorf("make the seccomp profile: %w", err)
	}
	if d.engine, err = reach(cfg.Host); err != nil {
		return nil, err
	}
	if err := d.meet(ctx, cfg); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// meet learns what the engine is, and brings ours in order there.
func (d *Driver) meet(ctx context.Context, cfg Config) (err error) {
	if d.about, err = ask(ctx, d.engine, cfg.Host); err != nil {
		return err
	}
	if labs.RuncIsOld(d.about.runc) && !cfg.OldRuntime {
		return fmt.Errorf("%s uses runc %s, which can be broken out of: %s or later of their lines are wanted (CMH_LAB_OLD_RUNC=yes takes it all the same)",
			d.about.name, cmp.Or(d.about.runc, "of an unknown version"), strings.Join(labs.RuncFloors, ", "))
	}
	d.about.apart = d.about.apart || cfg.Apart
	if err := fits(cfg.Agent, d.about.arch); err != nil {
		return err
	}
	if d.agent, err = d.keepAgent(cfg.Agent); err != nil {
		return err
	}
	d.profile = string(d.filter)
	switch {
	case d.about.apart:
		if d.key, err = ownKey(d.state); err != nil {
			return fmt.Errorf("open sandbox state: %w", err)
		}
		d.volume = "cmh-" + d.key + "-" + strings.TrimPrefix(filepath.Base(d.agent), ".agent-") + digestOf(d.filter)
		if err := d.sweepVolumes(ctx); err != nil {
			return err
		}
	case d.about.podman: // which wants a file
		if d.profile, err = d.keep("seccomp", d.filter, 0o444); err != nil {
			return err
		}
	}
	d.about.disk, d.about.tried = d.about.disk && d.bounds(ctx), true
	return d.sweep(ctx)
}

func stateKey(state string) string {
	sum := sha256.Sum256([]byte(state))
	return fmt.Sprintf("%x", sum[:6])
}

// Close lets go of the engine. Sandboxes go on.
func (d *Driver) Close() error { return d.engine.Close() }

// Look asks the engine at host who it is and what it doesn't give, as Weaknesses
// does. It makes nothing.
func Look(ctx context.Context, host string) (name, runc string, weaknesses []string, err error) {
	c, err := reach(host)
	if err != nil {
		return "", "", nil, err
	}
	defer c.Close()
	a, err := ask(ctx, c, host)
	return a.name, a.runc, a.weaknesses(), err
}

// Weaknesses say what this engine doesn't give a sandbox that package local
// gives. Where disk space is among them one learner can fill the machine.
func (d *Driver) Weaknesses() []string { return d.about.weaknesses() }

// OneLearner says that a sandbox here can take all of something, so that there
// should be one learner only.
func (d *Driver) OneLearner() bool { return !d.about.limits || !d.about.disk }

func (d *Driver) dir(id string) string       { return filepath.Join(d.state, id) }
func (d *Driver) container(id string) string { return "cmh-" + d.key + "-" + id }

// readyFile is in the folder of a sandbox whose agent has answered.
const readyFile = "ready"

// Create is labs.Driver's.
func (d *Driver) Create(ctx context.Context, spec labs.Spec) error {
	if !place.ValidID(spec.ID) {
		return fmt.Errorf("docker: %q is not a sandbox id", spec.ID)
	}
	root, from, err := d.origin(ctx, spec)
	if err != nil {
		return err
	}
	lock, err := place.Take(ctx, d.dir(spec.ID), true)
	if err != nil {
		return fmt.Errorf("create %s: %w", spec.ID, err)
	}
	if d.whole(ctx, lock.Path) {
		lock.Release()
		return nil
	}
	if err = d.clear(ctx, lock.Path); err == nil {
		err = d.build(ctx, lock.Path, spec, root, from)
	}
	if err == nil {
		lock.Release()
		return nil
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err = errors.Join(err, d.remove(grace, lock))
	lock.Release()
	return fmt.Errorf("create %s: %w", spec.ID, err)
}

// origin is the image that spec asks for, and what it begins with beyond that.
func (d *Driver) origin(ctx context.Context, spec labs.Spec) (root image.Root, from kept, err error) {
	if spec.From == "" {
		root, err = d.images.Resolve(spec.Image)
		return root, from, err
	}
	if from, err = d.readKept(spec.From); err != nil {
		return root, from, err
	}
	if has, err := d.has(ctx, from.Ref); err != nil || !has {
		return root, from, errors.Join(err, fmt.Errorf("%w: the engine no longer has %s", labs.ErrNoSnapshot, spec.From))
	}
	root, err = d.images.ByDigest(from.Image)
	return root, from, err
}

// whole says that the sandbox was made to its end and lives.
func (d *Driver) whole(ctx context.Context, dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, readyFile)); err != nil {
		return false
	}
	conn, err := d.Dial(ctx, filepath.Base(dir))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Dial is labs.Driver's. Only an engine that is apart is asked.
func (d *Driver) Dial(ctx context.Context, id string) (net.Conn, error) {
	if d.about.apart {
		conn, err := d.dialThrough(ctx, id)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
	return place.Dial(ctx, d.state, id)
}

// Destroy is labs.Driver's.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	if !place.ValidID(id) {
		return nil
	}
	lock, err := place.Take(ctx, d.dir(id), false)
	if errors.Is(err, fs.ErrNotExist) {
		return d.removeContainer(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("destroy %s: %w", id, err)
	}
	defer lock.Release()
	if err := d.remove(ctx, lock); err != nil {
		return fmt.Errorf("destroy %s: %w", id, err)
	}
	return nil
}

// remove undoes a sandbox in any state, the caller holding its lock. The folder
// goes last: while it exists, the next attempt finds the rest.
func (d *Driver) remove(ctx context.Context, lock *place.Lock) error {
	if err := os.Remove(filepath.Join(lock.Path, readyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.removeContainer(ctx, filepath.Base(lock.Path)); err != nil {
		return err
	}
	digest, _ := os.ReadFile(filepath.Join(lock.Path, imageFile))
	_, err := os.Stat(filepath.Join(lock.Path, fromFile))
	kept := err == nil
	if err := os.RemoveAll(lock.Path); err != nil {
		return err
	}
	d.images.Release(string(digest), lock.Path)
	if kept { // perhaps the last of a snapshot that is forgotten
		return d.tidy(ctx)
	}
	return nil
}

// clear makes an empty place of what a dead or half-made sandbox left.
func (d *Driver) clear(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	if err := d.removeContainer(ctx, filepath.Base(dir)); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// List is labs.Driver's.
func (d *Driver) List(ctx context.Context) ([]string, error) {
	entries, err := os.ReadDir(d.state)
	if err != nil {
		return nil, fmt.Errorf("list sandboxes: %w", err)
	}
	ids, err := d.containers(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list sandboxes: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && place.ValidID(e.Name()) && !slices.Contains(ids, e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// sweep removes what belongs to no whole sandbox. It leaves alone what another
// process is making right now.
func (d *Driver) sweep(ctx context.Context) error {
	ids, err := d.List(ctx)
	if err != nil {
		return err
	}
	held, err := d.containers(ctx, "paused")
	if err != nil {
		return err
	}
	for _, id := range ids {
		lock, err := place.TryTake(d.dir(id))
		if errors.Is(err, fs.ErrNotExist) { // somebody removed its folder by hand
			if err := d.removeContainer(ctx, id); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			continue // busy
		}
		if _, err := os.Stat(filepath.Join(lock.Path, readyFile)); err != nil {
			err = d.remove(ctx, lock)
			if err != nil {
				lock.Release()
				return fmt.Errorf("remove half-made sandbox %s: %w", id, err)
			}
		} else if slices.Contains(held, id) { // by an engine that died over a snapshot
			_, _ = d.engine.ContainerUnpause(ctx, d.container(id), client.ContainerUnpauseOptions{})
		}
		lock.Release()
	}
	return d.sweepKept(ctx)
}
