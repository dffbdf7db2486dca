package server

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
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
	switch cfg.LabDriver {
	case "none":
		return nil, func() {}, nil
	case "local":
	default:
		return nil, nil, fmt.Errorf("there is no lab driver %q: use local or none (CMH_LAB_DRIVER)", cfg.LabDriver)
	}
	images, err := OpenImages(cfg)
	if err != nil {
		return nil, nil, err
	}
	d, err := local.Open(ctx, local.Config{State: filepath.Join(cfg.DataDir, "labs"), Images: images, Agent: cfg.LabAgent})
	if err != nil {
		return nil, nil, fmt.Errorf("labs cannot run here (CMH_LAB_DRIVER=none starts without them): %w", err)
	}
	return d, func() { _ = d.Close() }, nil // sandboxes go on
}
