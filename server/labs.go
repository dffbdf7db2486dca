package server

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/all"
	"github.com/cloudmastershub/cmh/labs/image"
)

// OpenImages opens the store of the labs' images.
func OpenImages(cfg Config) (*image.Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return image.Open(cfg.ImageDir)
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
	d, err := all.Open(ctx, cfg.LabDriver, all.Config{State: filepath.Join(cfg.DataDir, "labs"), Images: images, Agent: cfg.LabAgent})
	if err != nil {
		return nil, nil, fmt.Errorf("labs cannot run here (CMH_LAB_DRIVER=none starts without them): %w", err)
	}
	return d, func() {
		if c, ok := d.(io.Closer); ok {
			_ = c.Close() // sandboxes go on
		}
	}, nil
}
