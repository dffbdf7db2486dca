package app

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestStreaks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		zone, now string
		deeds     []string
		want      hub.Streak
	}{
		"nothing": {"UTC", "2026-03-10T12:00:00Z", nil, hub.Streak{Timezone: "UTC"}},
		"today":   {"UTC", "2026-03-10T12:00:00Z", []string{"2026-03-10T00:00:00Z"}, hub.Streak{Current: 1, Longest: 1, Today: true, LastDay: "2026-03-10", Timezone: "UTC"}},
		"many in a day are one": {
			"UTC", "2026-03-10T12:00:00Z",
			[]string{"2026-03-10T00:00:00Z", "2026-03-10T08:00:00Z", "2026-03-10T11:59:59Z"},
			hub.Streak{Current: 1, Longest: 1, Today: true, LastDay: "2026-03-10", Timezone: "UTC"},
		},
		"today is still to come": {
			"UTC", "2026-03-10T23:59:59Z",
			[]string{"2026-03-08T10:00:00Z", "2026-03-09T23:59:59Z"},
			hub.Streak{Current: 2, Longest: 2, LastDay: "2026-03-09", Timezone: "UTC"},
		},
		"broken": {
			"UTC", "2026-03-11T00:00:00Z",
			[]string{"2026-03-07T10:00:00Z", "2026-03-08T10:00:00Z", "2026-03-09T23:59:59Z"},
			hub.Streak{Longest: 3, LastDay: "2026-03-09", Timezone: "UTC"},
		},
		"the same moments are other days elsewhere": {
			"America/New_York", "2026-03-10T12:00:00Z",
			[]string{"2026-03-09T01:00:00Z", "2026-03-09T20:00:00Z"},
			hub.Streak{Current: 2, Longest: 2, LastDay: "2026-03-09", Timezone: "America/New_York"},
		},
		"over a night of 23 hours, and one of 25": { // clocks went forward on 29 March and back on 25 October
			"Europe/Paris", "2026-03-30T21:00:00Z",
			[]string{"2026-03-28T22:30:00Z", "2026-03-28T23:30:00Z", "2026-03-30T21:00:00Z"},
			hub.Streak{Current: 3, Longest: 3, Today: true, LastDay: "2026-03-30", Timezone: "Europe/Paris"},
		},
		"a clock that is wrong": {
			"UTC", "2026-03-10T12:00:00Z",
			[]string{"2026-03-10T10:00:00Z", "2026-03-11T10:00:00Z"},
			hub.Streak{Current: 1, Longest: 1, Today: true, LastDay: "2026-03-10", Timezone: "UTC"},
		},
		"long before there were computers": {
			"UTC", "2026-03-10T12:00:00Z",
			[]string{"0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z", "1969-12-31T23:59:59Z"},
			hub.Streak{Longest: 2, LastDay: "1969-12-31", Timezone: "UTC"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var deeds []postgres.Deed
			for _, d := range tc.deeds {
				deeds = append(deeds, postgres.Deed{Kind: postgres.StepPassed, At: at(t, d)})
			}
			if diff := cmp.Diff(tc.want, weigh(deeds, zoneOf(tc.zone), at(t, tc.now)).Streak); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever was done when and where: nothing is negative, more deeds never make
// less of it, and what is kept stays.
func TestAchievementsOnlyGrow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		zone := zoneOf(rapid.SampledFrom([]string{"UTC", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Nowhere/At_All", "Local", ""}).Draw(rt, "zone"))
		deeds := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) postgres.Deed {
			kind := rapid.SampledFrom([]postgres.DeedKind{postgres.LessonDone, postgres.QuizPassed, postgres.LabDone, postgres.StepPassed, postgres.CourseDone}).Draw(rt, "kind")
			return postgres.Deed{Kind: kind, At: start.Add(time.Duration(rapid.IntRange(0, 60*24*40).Draw(rt, "minute")) * time.Minute)}
		}), 0, 80).Draw(rt, "deeds")
		now := start.Add(time.Duration(rapid.IntRange(0, 60*24*45).Draw(rt, "now")) * time.Minute)
		slices.SortFunc(deeds, func(a, b postgres.Deed) int { return a.At.Compare(b.At) })
		was := hub.Achievements{}
		kept := map[string]time.Time{}
		for n := 0; n <= len(deeds); n++ {
			w := withKept(weigh(deeds[:n], zone, now), kept)
			if s := w.Streak; s.Current < 0 || s.Current > s.Longest || s.Longest < was.Streak.Longest || s.Today && s.Current == 0 {
				rt.Fatalf("after %d deeds: %+v", n, s)
			}
			if len(w.Achievements) != len(merits) {
				rt.Fatalf("%d achievements", len(w.Achievements))
			}
			open := false
			for _, a := range w.Achievements {
				if a.Progress < 0 || a.Progress > a.Goal || (a.EarnedAt != nil) != (a.Progress == a.Goal) {
					rt.Fatalf("%+v", a)
				}
				if _, had := kept[a.ID]; had && a.EarnedAt == nil || a.EarnedAt != nil && open {
					rt.Fatalf("lost, or not at the front: %+v", a)
				}
				if open = a.EarnedAt == nil; !open {
					kept[a.ID] = *a.EarnedAt
				}
			}
			was = w
		}
	})
}
