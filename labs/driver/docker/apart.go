package docker

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

// secretFile is in the folder of a sandbox that is apart: what its agent asks for.
const secretFile = "secret"

// profileFile is beside the agent in the volume, for Podman, which wants a path.
const profileFile = "seccomp.json"

// fits says whether the agent can run where the engine makes containers.
func fits(agent, arch string) error {
	f, err := elf.Open(agent)
	if err != nil {
		return fmt.Errorf("load the agent: %w", err)
	}
	defer f.Close()
	known := map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}
	if has := known[f.Machine]; has != arch {
		return fmt.Errorf("the engine runs linux/%s and the agent %s is for %s: build one with GOOS=linux GOARCH=%s CGO_ENABLED=0 go build ./labs/agent, and name it with CMH_LAB_AGENT",
			arch, agent, cmp.Or(has, f.Machine.String()), arch)
	}
	return nil
}

// ownKey marks what is ours in an engine that other machines may use too, where
// a folder's path could be two machines'.
func ownKey(state string) (string, error) {
	file := filepath.Join(state, ".key")
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = writeNew(file, []byte(randomHex()[:12])); err == nil {
			raw, err = os.ReadFile(file)
		}
	}
	if err == nil && len(raw) != 12 {
		err = fmt.Errorf("%s is damaged", file)
	}
	return string(raw), err
}

// writeNew writes a file whole, or leaves the one that is there.
func writeNew(file string, raw []byte) error {
	next := file + "." + randomHex()
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	defer os.Remove(next)
	if err := os.Link(next, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// supply has the engine hold the agent in a volume, which the container of an
// image that is there is made for once, and never started.
func (d *Driver) supply(ctx context.Context, ref string) error {
	d.supplying.Lock()
	defer d.supplying.Unlock()
	if d.supplied {
		return nil
	}
	lock, err := place.Take(ctx, filepath.Join(d.state, ".agent"), true)
	if err != nil {
		return err
	}
	defer lock.Release()
	made, err := d.engine.VolumeCreate(ctx, client.VolumeCreateOptions{Name: d.volume, Labels: map[string]string{stateLabel: d.key}})
	if err != nil {
		return fmt.Errorf("make a volume for the agent: %w", err)
	}
	helper := "cmh-" + d.key + "-.agent" // no sandbox has that id
	if err := d.removeNamed(ctx, helper); err != nil {
		return err
	}
	opts := client.ContainerCreateOptions{Name: helper, Config: d.config(ref, nil), HostConfig: bare()}
	opts.HostConfig.Mounts = []mount.Mount{d.agentVolume(false)}
	c, err := d.engine.ContainerCreate(ctx, opts)
	if err != nil {
		return fmt.Errorf("make a container for the agent: %w", err)
	}
	defer func() { _ = d.removeNamed(context.WithoutCancel(ctx), helper) }()
	raw, err := os.ReadFile(d.agent)
	if err != nil {
		return err
	}
	at := path.Dir(proto.DockBinary)
	got, err := d.engine.ContainerStatPath(ctx, c.ID, client.ContainerStatPathOptions{Path: proto.DockBinary})
	if err != nil || got.Stat.Size != int64(len(raw)) { // it comes last
		err = d.copyIn(ctx, c.ID, at, []entry{{profileFile, 0o444, d.filter}, {path.Base(proto.DockBinary), 0o555, raw}})
		if err != nil {
			return fmt.Errorf("give the agent to the engine: %w", err)
		}
	}
	if d.about.podman {
		d.profile = made.Volume.Mountpoint + "/" + profileFile
	}
	d.supplied = true
	return nil
}

// agentVolume is where the agent lies, below what the sandbox can write.
func (d *Driver) agentVolume(readOnly bool) mount.Mount {
	return mount.Mount{
		Type: mount.TypeVolume, Source: d.volume, Target: path.Dir(proto.DockBinary), ReadOnly: readOnly,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	}
}

// sweepVolumes removes earlier agents that no sandbox runs any more. The engine
// refuses while one does.
func (d *Driver) sweepVolumes(ctx context.Context) error {
	all, err := d.engine.VolumeList(ctx, client.VolumeListOptions{Filters: make(client.Filters).Add("label", stateLabel+"="+d.key)})
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range all.Items {
		if v.Name != d.volume && strings.HasPrefix(v.Name, "cmh-"+d.key) {
			_, _ = d.engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{})
		}
	}
	return nil
}

// say puts what the agent is to know into a container that is not yet started.
func (d *Driver) say(ctx context.Context, dir, container string, spec labs.Spec, from kept) error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	if err := os.WriteFile(filepath.Join(dir, secretFile), secret, 0o600); err != nil {
		return err
	}
	raw, err := json.Marshal(proto.Apart{
		Dock: proto.Dock{Env: place.Environment(spec.Env), Files: from.Files},
		Boot: proto.Boot{ID: spec.ID, Secret: secret},
	})
	if err != nil {
		return err
	}
	if err := d.copyIn(ctx, container, "/", []entry{{proto.ApartFile[1:], 0o600, raw}}); err != nil {
		return fmt.Errorf("hand over to the container: %w", err)
	}
	return nil
}

// An entry is a file to be made in a container, or a folder without content.
type entry struct {
	name    string
	mode    int64
	content []byte
}

func (d *Driver) copyIn(ctx context.Context, container, dir string, entries []entry) error {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.content))}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(e.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := d.engine.CopyToContainer(ctx, container, client.CopyToContainerOptions{DestinationPath: dir, Content: &buf, AllowOverwriteDirWithFile: true})
	return err
}

// dialThrough has the engine start a process beside the agent, whose streams
// are the connection.
func (d *Driver) dialThrough(ctx context.Context, id string) (conn *line, err error) {
	if !place.ValidID(id) {
		return nil, labs.ErrNotFound
	}
	secret, err := os.ReadFile(filepath.Join(d.dir(id), secretFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return nil, err
	}
	made, err := d.execute(ctx, id)
	if err != nil {
		return nil, err
	}
	got, err := d.engine.ExecAttach(ctx, made, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", id, err)
	}
	conn = &line{Conn: got.Conn, r: got.Reader, key: proto.HostKey(secret).Public().(ed25519.PublicKey)}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	nonce := make([]byte, proto.NonceSize)
	if _, err = io.ReadFull(conn, nonce); err == nil {
		_, err = conn.Write(proto.Proof(secret, nonce))
	}
	if !stop() || err != nil {
		conn.Close()
		return nil, fmt.Errorf("dial %s: the agent asks for no proof: %w", id, errors.Join(err, ctx.Err()))
	}
	return conn, nil
}

// execute prepares such a process in a sandbox that lives.
func (d *Driver) execute(ctx context.Context, id string) (string, error) {
	for {
		made, err := d.engine.ExecCreate(ctx, d.container(id), client.ExecCreateOptions{
			User: "0:0", AttachStdin: true, AttachStdout: true, Env: []string{"GOMAXPROCS=1"}, Cmd: []string{proto.DockBinary, proto.DialMode},
		})
		if err == nil {
			return made.ID, nil
		}
		if cerrdefs.IsNotFound(err) {
			return "", fmt.Errorf("%w: %s", labs.ErrNotFound, id)
		}
		got, lookErr := d.engine.ContainerInspect(ctx, d.container(id), client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(lookErr) || lookErr == nil && (got.Container.State == nil || !got.Container.State.Running && !got.Container.State.Paused) {
			return "", fmt.Errorf("%w: %s", labs.ErrNotFound, id)
		}
		// Held for a snapshot, it can't be entered.
		if lookErr != nil || !got.Container.State.Paused || pause(ctx) != nil {
			return "", fmt.Errorf("dial %s: %w", id, err)
		}
	}
}
