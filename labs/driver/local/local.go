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
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
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
	extras  string   // the tree below every image: see makeExtras
	groups  cgroups
	ids     idMap
	disks   disks
	filter  []byte
	bootID  string
	ownerID int // offset into the uid ranges, so that two drivers seldom share one
	fault   *fault
	changed string
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
	d := &Driver{state: state, images: cfg.Images, fault: readFault()}
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
	if d.groups, err = findCgroups(groupName(key)); err != nil {
		return nil, fmt.Errorf("find cgroups: %w", err)
	}
	d.changed = raiseWatchers()
	d.disks = findDisks(filepath.Join(state, diskFolder))
	d.disks.fault = d.fault
	if d.agent, err = sealBinary(cfg.Agent); err != nil {
		return nil, fmt.Errorf("load the agent: %w", err)
	}
	if err := d.holdExtras(); err != nil {
		d.Close()
		return nil, err
	}
	if err := d.sweep(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// IsState reports whether dir is a driver's Config.State.
func IsState(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, uidFolder))
	return err == nil
}

// Remains reports whether sandboxes of a Config.State are left without the
// folder: an Open would find them lost.
func Remains(state string) bool {
	key := stateKey(state)
	g, err := findCgroups(groupName(key))
	if err != nil {
		return false
	}
	if len(g.list()) > 0 {
		return true
	}
	g.leave()
	return false
}

func groupName(key [sha256.Size]byte) string { return fmt.Sprintf("cmh-%x", key[:4]) }

// Changed says which of the host's settings Open changed; empty for none.
func (d *Driver) Changed() string { return d.changed }

// Close lets go of what only the driver itself holds. Sandboxes go on.
func (d *Driver) Close() error {
	d.groups.leave()
	return d.agent.Close()
}

func (d *Driver) dir(id string) string { return filepath.Join(d.state, id) }

// Create is labs.Driver's.
func (d *Driver) Create(ctx context.Context, spec labs.Spec) error {
	if !place.ValidID(spec.ID) {
		return fmt.Errorf("local: %q is not a sandbox id", spec.ID)
	}
	root, from, err := d.origin(spec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		lock, err := place.Take(ctx, d.dir(spec.ID), true)
		if err != nil {
			return fmt.Errorf("create %s: %w", spec.ID, roomless(err))
		}
		d.fault.reach("folder")
		rec, err := readRecord(lock.Path)
		if err == nil && rec.Ready && d.alive(rec) {
			lock.Release()
			return nil
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) || d.groups.exist(spec.ID) { // a dead, half-made or lost one
			err := d.remove(ctx, lock)
			lock.Release()
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
		lock.Release()
		if err != nil {
			return fmt.Errorf("create %s: %w", spec.ID, roomless(err))
		}
		return nil
	}
}

// roomless says of an error for want of room, on the disk or among the kernel's
// namespaces, that a later try may work.
func roomless(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w: %w", labs.ErrCapacity, err)
	}
	return err
}

// Dial is labs.Driver's.
func (d *Driver) Dial(ctx context.Context, id string) (net.Conn, error) {
	return place.Dial(ctx, d.state, id)
}

// Destroy is labs.Driver's.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	if !place.ValidID(id) {
		return nil
	}
	lock, err := place.Take(ctx, d.dir(id), d.lost(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
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
		if e.IsDir() && place.ValidID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	for _, id := range d.groups.list() {
		if !slices.Contains(ids, id) && d.lost(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// lost says that a sandbox has cgroups and no folder: somebody removed it by
// hand. A folder is there before its cgroups are made, and until they are
// gone, so none is lost on the way.
func (d *Driver) lost(id string) bool {
	_, err := os.Stat(d.dir(id))
	return errors.Is(err, fs.ErrNotExist) && place.ValidID(id) && d.groups.exist(id)
}

// remove undoes a sandbox in any state, the caller holding its lock. The
// folder goes last: while it exists, the next attempt finds the rest. A whole
// sandbox's record says first that it is no longer one, so that a later
// driver ends what we could not.
func (d *Driver) remove(ctx context.Context, lock *place.Lock) error {
	id := filepath.Base(lock.Path)
	rec, err := readRecord(lock.Path)
	known := err == nil
	born := rec.born(id)
	if err := d.thawLeft(lock.Path, rec); err != nil { // a frozen process can't be killed
		return err
	}
	if rec.Ready {
		rec.Ready = false
		if err := rec.write(lock.Path); err != nil && !errors.Is(err, unix.ENOSPC) {
			return err
		}
	}
	d.fault.reach("leaving")
	if known && rec.BootID == d.bootID && rec.PID > 0 {
		if err := killAndWait(ctx, rec.PID, rec.StartTime); err != nil {
			return err
		}
	}
	// Whoever is left in them, because a record is damaged or was lost, names
	// the wrong process or came too early to name one.
	strays := d.groups.kill(born)
	defer func() {
		for _, fd := range strays {
			unix.Close(fd)
		}
	}()
	d.fault.reach("killed")
	if err := d.groups.remove(ctx, born); err != nil {
		return err
	}
	for _, fd := range strays {
		if err := awaitEnd(ctx, fd); err != nil {
			return err
		}
	}
	d.fault.reach("ungrouped")
	if known {
		d.ids.free(d.state, rec.UIDs, born)
	} else {
		d.ids.freeAll(d.state, id)
	}
	if born != id {
		if err := os.Remove(d.dir(born)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	d.fault.reach("freed")
	disk := filepath.Join(lock.Path, diskFile)
	if err := os.RemoveAll(lock.Path); err != nil {
		return err
	}
	d.images.Release(rec.Image, lock.Path)
	d.images.Release(filepath.Base(d.extras), lock.Path)
	d.fault.reach("removed")
	return awaitLoopRelease(ctx, disk, rec.Loop)
}

// sweep removes what belongs to no whole sandbox. It leaves alone what
// another process is making right now.
func (d *Driver) sweep(ctx context.Context) error {
	ids, err := d.List(ctx)
	if err != nil {
		return err
	}
	links, _ := os.ReadDir(d.state)
	for _, l := range links {
		place.DropLink(d.dir(l.Name()))
	}
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
		if d.lost(id) {
			if err := d.Destroy(ctx, id); err != nil {
				return fmt.Errorf("remove lost sandbox: %w", err)
			}
			delete(known, id)
			continue
		}
		lock, err := place.TryTake(d.dir(id))
		if err != nil {
			continue // busy, or gone already
		}
		if rec, err := readRecord(lock.Path); err != nil || !rec.Ready {
			if err := d.remove(ctx, lock); err != nil {
				lock.Release()
				return fmt.Errorf("remove half-made sandbox %s: %w", id, err)
			}
			delete(known, id)
		} else if err := errors.Join(d.thawLeft(lock.Path, rec), os.RemoveAll(filepath.Join(lock.Path, halfSnapshot))); err != nil {
			lock.Release()
			return fmt.Errorf("adopt sandbox %s: %w", id, err)
		}
		lock.Release()
	}
	d.disks.sweep()
	d.leaveExtras(len(known))
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
