package server

import (
	"testing"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

// Without a setting, the limits are those that the documents name.
func TestLimitsAreThoseThatAreTold(t *testing.T) {
	t.Parallel()
	got, err := limits(Config{})
	if want := (app.Limits{Guest: 100, Free: 1000, Premium: 10_000, SignIn: 600, LabMinutes: 60}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}
