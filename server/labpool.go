package server

import (
	"strconv"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/pool"
)

// warmLabs is the pool of sandboxes that wait, or nil where none are wanted or
// the driver has none to claim. Together with those in use they stay below most.
func warmLabs(cfg Config, driver labs.Driver, most int) (*pool.Pool, error) {
	size := 2
	if cfg.LabWarm != "" {
		var err error
		if size, err = strconv.Atoi(cfg.LabWarm); err != nil || size < 0 || size > 100 {
			return nil, hub.Errorf(hub.Invalid, "lab-warm must be a whole number from 0 to 100, not %q.", cfg.LabWarm)
		}
	}
	d, ok := driver.(labs.Claimer)
	if !ok || size == 0 {
		return nil, nil
	}
	return pool.New(d, pool.Config{
		Size: size, Most: most, Log: cfg.Log, Busy: pool.Host(cfg.DataDir),
		First: []labs.Spec{{Image: cfg.LabImage}},
	}), nil
}
