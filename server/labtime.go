package server

import (
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// labTimes reads the settings of how long labs live. Empty ones are the rules'
// own.
func labTimes(cfg Config) (free, premium app.LabTime, err error) {
	if free, err = labTime("lab-free", cfg.LabFree); err == nil {
		premium, err = labTime("lab-premium", cfg.LabPremium)
	}
	return free, premium, err
}

func labTime(name, s string) (t app.LabTime, err error) {
	if s == "" {
		return t, nil
	}
	parts := strings.Split(s, "/")
	into := []*time.Duration{&t.Life, &t.Most, &t.Idle}
	bad := hub.Errorf(hub.Invalid, "%s must look like 1h/2h/30m (life, life with extensions, left alone), not %q.", name, s)
	if len(parts) > len(into) {
		return t, bad
	}
	for i, p := range parts {
		if *into[i], err = time.ParseDuration(strings.TrimSpace(p)); err != nil || *into[i] <= 0 {
			return t, bad
		}
	}
	return t, nil
}
