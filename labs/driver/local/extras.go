package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/image"
)

// holdExtras makes the tree of makeExtras and keeps it from being collected: for
// this driver, until one with another agent is opened on its state, and below
// each sandbox for as long as that one lives.
func (d *Driver) holdExtras() error {
	if !d.ids.root { // their owners are the server's user, and so is its folder
		var err error
		d.extras, err = makeExtras(d.state, d.agent)
		return err
	}
	for {
		tree, err := makeExtras(d.images.Dir(), d.agent)
		if err != nil {
			return err
		}
		d.extras = tree
		err = d.images.HoldLayer(filepath.Base(tree), d.state)
		if errors.Is(err, labs.ErrNoImage) {
			continue // it was collected in between
		}
		return err
	}
}

// leaveExtras lets go of the trees of agents before this one.
func (d *Driver) leaveExtras(sandboxes int) {
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(d.extras), image.LayerPrefix+"*"))
	for _, tree := range others {
		switch {
		case tree == d.extras:
		case d.ids.root:
			d.images.Release(filepath.Base(tree), d.state)
		case sandboxes == 0:
			_ = os.RemoveAll(tree)
		}
	}
}

// makeExtras makes the tree that lies below every image: the command "lab",
// which is the agent's binary by another name. As a layer it costs a sandbox
// nothing, looks like a file of the image, and gives way to one that the image
// has there. Its name says what is in it, so that an upgrade changes nothing
// under running sandboxes.
func makeExtras(at string, agent *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(agent, 0, 1<<30)); err != nil {
		return "", fmt.Errorf("read the agent: %w", err)
	}
	tree := filepath.Join(at, image.LayerPrefix+hex.EncodeToString(h.Sum(nil)[:8]))
	if _, err := os.Stat(filepath.Join(tree, proto.LabPath)); err == nil {
		return tree, nil
	}
	next, err := os.MkdirTemp(at, ".next-")
	if err != nil {
		return "", fmt.Errorf("make the layer below the images: %w", err)
	}
	defer os.RemoveAll(next)
	err = errors.Join(os.Chmod(next, 0o755), writeExtras(filepath.Join(next, proto.LabPath), agent))
	if err == nil {
		err = os.Rename(next, tree)
	}
	if errors.Is(err, fs.ErrExist) { // another process was first
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("make the layer below the images: %w", err)
	}
	return tree, nil
}

func writeExtras(path string, agent *os.File) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) { // whatever the umask
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
		if filepath.Base(dir) == "usr" {
			break
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(agent, 0, 1<<30))
	return errors.Join(err, f.Chmod(0o755), f.Close())
}
