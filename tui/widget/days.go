package widget

import (
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// Days is how much was completed on each day where the learner is.
type Days map[date]int

type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(at time.Time) date {
	y, m, d := at.Date()
	return date{y, m, d}
}

// DaysOf counts lessons and labs.
func DaysOf(courses []hub.CourseProgress, zone *time.Location) Days {
	d := Days{}
	count := func(at *time.Time) {
		if at != nil {
			d[dateOf(at.In(zone))]++
		}
	}
	for _, c := range courses {
		for _, l := range c.Lessons {
			count(l.CompletedAt)
		}
		for _, l := range c.Labs {
			count(l.CompletedAt)
		}
	}
	return d
}

// On is how much was completed on the day that at is in.
func (d Days) On(at time.Time) int { return d[dateOf(at)] }

// Noon is the middle of the day, some days later: from there a day is not missed
// where clocks are changed.
func Noon(at time.Time, later int) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day()+later, 12, 0, 0, 0, at.Location())
}

// shades are a day's doings: none, one, two, four, more. They differ without
// colour.
var shades = []string{"·", "░", "▒", "▓", "█"}

// Shade is the mark of a day on which n things were completed.
func Shade(th theme.Theme, n int) string {
	switch {
	case n <= 0:
		return shades[0]
	case n <= 2:
		return th.Good.Render(shades[n])
	case n <= 4:
		return th.Good.Render(shades[3])
	}
	return th.Good.Render(shades[4])
}

// Last is a mark for each of the last days, the last one today; empty when nothing
// was done on any.
func (d Days) Last(th theme.Theme, now time.Time, days int) string {
	var b strings.Builder
	any := false
	for i := 1 - days; i <= 0; i++ {
		n := d.On(Noon(now, i))
		any = any || n > 0
		b.WriteString(Shade(th, n))
	}
	if !any {
		return ""
	}
	return b.String()
}
