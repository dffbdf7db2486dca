package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/all"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// OpenImages opens the store of the labs' images.
func OpenImages(cfg Config) (*image.Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	store, err := image.Open(cfg.ImageDir)
	if err != nil {
		return nil, err
	}
	store.UseTiny(filepath.Join(filepath.Dir(cfg.LabAgent), "lab-tiny"))
	return store, nil
}

// UsedImages are the digests that labs and checkpoints of this server are made
// of, those of versions that didn't tell the store included.
func UsedImages(cfg Config) ([]string, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return local.UsedImages(filepath.Join(cfg.DataDir, "labs"))
}

// installed answers whether an image is there, from the store as it is then, and
// gives a text that is another once the answers may be. Where it can't be told, a
// lab may be tried, which says why not, and no such answer lasts.
func installed(cfg Config) (is func(string) bool, state func() string, err error) {
	store, err := OpenImages(cfg)
	if err != nil {
		return nil, nil, err
	}
	var untold atomic.Int64
	return func(name string) bool {
			_, err := store.Resolve(cmp.Or(name, cfg.LabImage))
			if err != nil && !errors.Is(err, labs.ErrNoImage) { // no descriptor, no space: that passes
				untold.Add(1)
				return true
			}
			return err == nil
		}, func() string {
			return fmt.Sprint(store.State(), untold.Load())
		}, nil
}

// oneLearner says that a sandbox of d can take all of this machine.
func oneLearner(ctx context.Context, d labs.Driver) bool {
	if e, ok := d.(interface{ OneLearner() bool }); ok {
		return e.OneLearner()
	}
	return !local.Probe(ctx).MultiLearner
}

// openDriver opens the driver that sandboxes are made with; nil is none.
func openDriver(ctx context.Context, cfg Config) (labs.Driver, func(), error) {
	if cfg.LabDriver == "none" {
		return nil, func() {}, nil
	}
	images, err := OpenImages(cfg)
	if err != nil {
		return nil, nil, err
	}
	state := "labs"
	if cfg.LabDriver != "local" { // what one driver made another would take for damaged
		state += "-" + cfg.LabDriver
	}
	d, err := all.Open(ctx, cfg.LabDriver, all.Config{
		State: filepath.Join(cfg.DataDir, state), Images: images, Agent: cfg.LabAgent, Engine: cfg.LabEngine, OldRuntime: cfg.LabOldRunc == "yes",
	})
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "labs cannot run here (CMH_LAB_DRIVER=none starts without them): %s", err)
	}
	return d, func() {
		if c, ok := d.(io.Closer); ok {
			_ = c.Close() // sandboxes go on
		}
	}, nil
}
