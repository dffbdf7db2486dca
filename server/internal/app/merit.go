package app

import (
	"slices"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// A merit is an achievement there is to be had: so many deeds of a kind, or so
// many days in a row. Its id is kept in rows, so it never changes.
type merit struct {
	id, title, description string
	of                     postgres.DeedKind // empty counts days in a row
	goal                   int
}

var merits = []merit{
	{"first-lesson", words.Kept("First page"), words.Kept("Complete a lesson"), postgres.LessonDone, 1},
	{"ten-lessons", words.Kept("Well read"), words.Kept("Complete 10 lessons"), postgres.LessonDone, 10},
	{"fifty-lessons", words.Kept("Bookworm"), words.Kept("Complete 50 lessons"), postgres.LessonDone, 50},
	{"first-quiz", words.Kept("Quick wit"), words.Kept("Pass a quiz"), postgres.QuizPassed, 1},
	{"ten-quizzes", words.Kept("Quizmaster"), words.Kept("Pass 10 quizzes"), postgres.QuizPassed, 10},
	{"first-lab", words.Kept("Hands on"), words.Kept("Complete a lab"), postgres.LabDone, 1},
	{"ten-labs", words.Kept("Lab rat"), words.Kept("Complete 10 labs"), postgres.LabDone, 10},
	{"first-course", words.Kept("Graduate"), words.Kept("Complete a course"), postgres.CourseDone, 1},
	{"five-courses", words.Kept("Scholar"), words.Kept("Complete 5 courses"), postgres.CourseDone, 5},
	{"streak-3", words.Kept("Warming up"), words.Kept("Learn on 3 days in a row"), "", 3},
	{"streak-7", words.Kept("A whole week"), words.Kept("Learn on 7 days in a row"), "", 7},
	{"streak-30", words.Kept("A whole month"), words.Kept("Learn on 30 days in a row"), "", 30},
}

// weigh says what deeds, oldest first, are worth at a moment: days are those of
// zone. What happens after now, by a clock that is wrong, is left out.
func weigh(deeds []postgres.Deed, zone *time.Location, now time.Time) hub.Achievements {
	days := newRun(zone)
	counts := map[postgres.DeedKind]int{}
	earned := map[string]time.Time{}
	for _, d := range deeds {
		if d.At.After(now) {
			continue
		}
		counts[d.Kind]++
		days.add(d.At)
		for _, m := range merits {
			if _, has := earned[m.id]; !has && m.reached(counts, days.longest) >= m.goal {
				earned[m.id] = d.At.UTC()
			}
		}
	}
	w := hub.Achievements{Streak: days.streak(now), Achievements: make([]hub.Achievement, 0, len(merits))}
	for _, m := range merits {
		a := hub.Achievement{ID: m.id, Title: m.title, Description: m.description, Goal: m.goal, Progress: min(m.goal, m.reached(counts, days.longest))}
		if at, ok := earned[m.id]; ok {
			a.EarnedAt = &at
		}
		w.Achievements = append(w.Achievements, a)
	}
	return w
}

func (m merit) reached(counts map[postgres.DeedKind]int, longest int) int {
	if m.of == "" {
		return longest
	}
	return counts[m.of]
}

// withKept adds what was earned before and follows from nothing any more: a
// course has gone, a clock was put right. It sorts the earned ones to the front.
func withKept(w hub.Achievements, kept map[string]time.Time) hub.Achievements {
	for i := range w.Achievements {
		a := &w.Achievements[i]
		if at, ok := kept[a.ID]; ok {
			a.EarnedAt, a.Progress = &at, a.Goal
		}
	}
	slices.SortStableFunc(w.Achievements, func(a, b hub.Achievement) int {
		switch {
		case a.EarnedAt != nil && b.EarnedAt != nil:
			return a.EarnedAt.Compare(*b.EarnedAt)
		case a.EarnedAt != nil:
			return -1
		case b.EarnedAt != nil:
			return 1
		}
		return 0
	})
	return w
}

// A run counts days in a row. A day is a date, whatever its length: the zone's
// clocks may change in it.
type run struct {
	zone             *time.Location
	last             int // the latest day, counted from 1970; meaningless while longest is 0
	current, longest int
}

func newRun(zone *time.Location) *run { return &run{zone: zone} }

func (r *run) day(t time.Time) int {
	y, m, d := t.In(r.zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// add counts a moment that isn't before the ones added so far.
func (r *run) add(t time.Time) {
	switch day := r.day(t); {
	case r.longest > 0 && day == r.last:
		return
	case r.longest > 0 && day == r.last+1:
		r.current++
		r.last = day
	default:
		r.current, r.last = 1, day
	}
	r.longest = max(r.longest, r.current)
}

func (r *run) streak(now time.Time) hub.Streak {
	s := hub.Streak{Longest: r.longest, Timezone: r.zone.String()}
	if r.longest == 0 {
		return s
	}
	s.LastDay = time.Unix(int64(r.last)*24*60*60, 0).UTC().Format(time.DateOnly)
	today := r.day(now)
	s.Today = r.last == today
	if r.last >= today-1 {
		s.Current = r.current
	}
	return s
}

// zoneOf is the time zone of that name, or UTC where there is none.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "Local" {
		return zone
	}
	return time.UTC
}
