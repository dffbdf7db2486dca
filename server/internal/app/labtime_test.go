package app

import (
	"testing"
	"time"
)

// With the defaults a free member's first lab of the day leaves something to
// extend it by, and none lives longer than the day's rest.
func TestALabLeavesSomeOfTheDay(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration][2]time.Duration{
		time.Hour:        {45 * time.Minute, time.Hour},
		90 * time.Minute: {time.Hour, 90 * time.Minute},
		30 * time.Minute: {23 * time.Minute, 30 * time.Minute},
		15 * time.Minute: {15 * time.Minute, 15 * time.Minute},
		24 * time.Hour:   {DefaultFree.Life, DefaultFree.Most},
	} {
		if got := DefaultFree.within(left); got.Life != want[0] || got.Most != want[1] || got.Idle != DefaultFree.Idle {
			t.Errorf("%v left: %+v", left, got)
		}
	}
}
