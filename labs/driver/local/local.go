// Package local makes sandboxes from Linux namespaces, on this machine, with
// no daemon and no container runtime.
//
// One sandbox is one process tree: the agent's binary, executed in new
// namespaces as stage 0 (package stage0), which becomes the agent. Its root is
// an overlay of an image (package image) and a bounded writable layer. The
// driver keeps no state in memory: a folder per sandbox holds its record, its
// socket and its disk, so that a later process finds, dials and destroys what
// an earlier one made.
//
// As root everything is enforced. As an ordinary user it does what the kernel
// allows; Probe says what that is. What happens inside a sandbox is the
// agent's business, and who may have one is the caller's.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Config says what a Driver works with.
type Config struct {
	State  string       // folder for what sandboxes are made of; made when missing
	Images *image.Store // where Spec.Image is looked up
	Agent  string       // path of the lab-agent binary
}

// Driver is a labs.Driver.
type Driver struct {
	state   string
	images  *image.Store
	agent   *os.File // the sealed copy that sandboxes run
	groups  cgroups
	ids     idMap
	disks   disks
	filter  []byte
	bootID  string
	ownerID int // offset into the uid ranges, so that two drivers seldom share one
}

var _ labs.Driver = (*Driver)(nil)

// Open returns the driver of cfg.State. Sandboxes of earlier processes are
// there at once; what a killed Create left half made is removed.
func Open(ctx context.Context, cfg Config) (*Driver, error) {
	state, err := filepath.Abs(cfg.State)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{state, filepath.Join(state, uidFolder), filepath.Join(state, diskFolder), filepath.Join(state, snapshotFolder)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open sandbox state: %w", err)
		}
	}
	d := &Driver{state: state, images: cfg.Images}
	key := stateKey(state)
	d.ownerID = int(key[0])<<4 | int(key[1])>>4
	if d.bootID, err = readBootID(); err != nil {
		return nil, err
	}
	if d.filter, err = compileFilter(); err != nil {
		return nil, fmt.Errorf("compile the seccomp filter: %w", err)
	}
	if d.ids, err = findIDMap(); err != nil {
		return nil, err
	}
	if d.groups, err = findCgroups(fmt.Sprintf("cmh-%x", key[:4])); err != nil {
		return nil, fmt.Errorf("find cgroups: %w", err)
	}
	d.disks = findDisks(filepath.Join(state, diskFolder))
	if d.agent, err = sealBinary(cfg.Agent); err != nil {
		return nil, fmt.Errorf("load the agent: %w", err)
	}
	if err := d.sweep(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close lets go of what only the driver itself holds. Sandboxes go on.
func (d *Driver) Close() error {
	for _, parent := range d.groups.parents {
		_ = unix.Rmdir(parent) // succeeds when no sandbox is in it
	}
	return d.agent.Close()
}

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (d *Driver) dir(id string) string { return filepath.Join(d.state, id) }

// Create is labs.Driver's.
func (d *Driver) Create(ctx context.Context, spec labs.Spec) error {
	if !validID.MatchString(spec.ID) {
		return fmt.Errorf("local: %q is not a sandbox id", spec.ID)
	}
	root, from, err := d.origin(spec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		lock, err := lockDir(ctx, d.dir(spec.ID), true)
		if err != nil {
			return fmt.Errorf("create %s: %w", spec.ID, err)
		}
		rec, err := readRecord(lock.path)
		if err == nil && rec.Ready && d.alive(rec) {
			lock.release()
			return nil
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) { // a dead or half-made one
			err := d.remove(ctx, lock)
			lock.release()
			if err != nil {
				return fmt.Errorf("create %s: %w", spec.ID, err)
			}
			continue
		}
		err = d.build(ctx, lock, spec, root, from)
		if err != nil {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			err = errors.Join(err, d.remove(grace, lock))
			cancel()
		}
		lock.release()
		if err != nil {
			return fmt.Errorf("create %s: %w", spec.ID, err)
		}
		return nil
	}
}

// Dial is labs.Driver's. A dead sandbox's socket has no listener, so nothing
// else needs to be asked.
func (d *Driver) Dial(ctx context.Context, id string) (net.Conn, error) {
	if !validID.MatchString(id) {
		return nil, labs.ErrNotFound
	}
	conn, err := dialAgent(ctx, d.dir(id))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", id, err)
	}
	return conn, nil
}

// Destroy is labs.Driver's.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	if !validID.MatchString(id) {
		return nil
	}
	lock, err := lockDir(ctx, d.dir(id), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("destroy %s: %w", id, err)
	}
	defer lock.release()
	if err := d.remove(ctx, lock); err != nil {
		return fmt.Errorf("destroy %s: %w", id, err)
	}
	return nil
}

// List is labs.Driver's.
func (d *Driver) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(d.state)
	if err != nil {
		return nil, fmt.Errorf("list sandboxes: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && validID.MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// remove undoes a sandbox in any state, the caller holding its lock. The
// folder goes last: while it exists, the next attempt finds the rest.
func (d *Driver) remove(ctx context.Context, lock *dirLock) error {
	id := filepath.Base(lock.path)
	rec, err := readRecord(lock.path)
	if err := d.thawLeft(lock.path, rec); err != nil { // a frozen process can't be killed
		return err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.groups.kill(id) // a damaged record names nobody
	}
	if err == nil && rec.BootID == d.bootID && rec.PID > 0 {
		if err := killAndWait(ctx, rec.PID, rec.StartTime); err != nil {
			return err
		}
	}
	if err := d.groups.remove(ctx, id); err != nil {
		return err
	}
	if err == nil {
		d.ids.free(d.state, rec.UIDs, id)
	}
	disk := filepath.Join(lock.path, diskFile)
	if err := os.RemoveAll(lock.path); err != nil {
		return err
	}
	return awaitLoopRelease(ctx, disk, rec.Loop)
}

// sweep removes what belongs to no whole sandbox. It leaves alone what
// another process is making right now.
func (d *Driver) sweep(ctx context.Context) error {
	ids, err := d.List(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
		lock, err := tryLockDir(d.dir(id))
		if err != nil {
			continue // busy, or gone already
		}
		if rec, err := readRecord(lock.path); err != nil || !rec.Ready {
			if err := d.remove(ctx, lock); err != nil {
				lock.release()
				return fmt.Errorf("remove half-made sandbox %s: %w", id, err)
			}
			delete(known, id)
		} else if err := errors.Join(d.thawLeft(lock.path, rec), os.RemoveAll(filepath.Join(lock.path, halfSnapshot))); err != nil {
			lock.release()
			return fmt.Errorf("adopt sandbox %s: %w", id, err)
		}
		lock.release()
	}
	for _, id := range d.groups.list() {
		if !known[id] {
			// Best effort: it may be one that another process has just begun.
			_ = d.groups.removeOnce(id)
		}
	}
	return d.ids.sweep(d.state, known)
}

// origin is the image that spec asks for, and the disk to begin with if any.
func (d *Driver) origin(spec labs.Spec) (root image.Root, disk string, err error) {
	if spec.From == "" {
		root, err = d.images.Resolve(spec.Image)
		return root, "", err
	}
	if err := d.Keeps(); err != nil {
		return root, "", err
	}
	kept, err := d.readSnapshot(spec.From)
	if err != nil {
		return root, "", err
	}
	root, err = d.images.ByDigest(kept.Image)
	return root, filepath.Join(d.snapshotDir(spec.From), diskFile), err
}

func readBootID() (string, error) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return string(raw[:min(36, len(raw))]), nil
}

func procFD(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }
