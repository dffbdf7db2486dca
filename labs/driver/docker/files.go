package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// engineFiles are files of a container that the engine brings and mounts. A
// learner can write them, and no image of the container has them.
var engineFiles = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// maxEngineFile is more than such a file has. All of them have to fit into what
// is said at the dock; what is larger is left to the engine.
const maxEngineFile = 32 << 10

// mounted reads the engine's files of a sandbox, which the engine finds: nothing
// inside is looked up by us.
func (d *Driver) mounted(ctx context.Context, id string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range engineFiles {
		got, err := d.engine.CopyFromContainer(ctx, d.container(id), client.CopyFromContainerOptions{SourcePath: name})
		if cerrdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		r := tar.NewReader(got.Content)
		h, err := r.Next()
		if err == nil && h.Typeflag == tar.TypeReg && h.Size <= maxEngineFile {
			files[name], err = io.ReadAll(io.LimitReader(r, maxEngineFile))
		}
		if err = errors.Join(err, got.Content.Close()); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return files, nil
}

// level makes a tree that a learner had fit to be mounted on. Runtimes follow
// links in it on the way to where they mount, and more than one of them was led
// out of the tree that way: so there are none there.
func (d *Driver) level(ctx context.Context, container string) error {
	var entries []entry
	for _, dir := range []string{"/.lab", "/etc", "/proc", "/sys", "/dev", "/run"} {
		if d.about.apart && dir == path.Dir(proto.DockBinary) {
			// The engine has the volume there while it unpacks, where it can be.
			got, err := d.engine.ContainerStatPath(ctx, container, client.ContainerStatPathOptions{Path: dir})
			if err == nil && got.Stat.Mode.IsDir() && got.Stat.LinkTarget == "" {
				continue
			}
		}
		entries = append(entries, entry{dir[1:] + "/", 0o755, nil})
	}
	for _, name := range engineFiles {
		entries = append(entries, entry{name[1:], 0o644, nil})
	}
	if err := d.copyIn(ctx, container, "/", entries); err != nil {
		return fmt.Errorf("make places to mount on: %w", err)
	}
	return nil
}
