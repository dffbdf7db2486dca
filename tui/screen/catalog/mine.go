package catalog

import (
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// mine is what the learner has to do with what is listed. The list does without it
// until it is there, or where it can't be had.
type mine struct {
	done    map[string]int       // percent of a course or lab, by id
	running map[string]time.Time // when a lab's session ends, by the lab's id
}

func (m Model) know() tea.Msg {
	got := mine{map[string]int{}, map[string]time.Time{}}
	courses, _ := m.api.Progress(m.ctx)
	for _, c := range courses {
		got.done[c.CourseID] = c.Percentage
		for _, l := range c.Labs {
			got.done[l.LabID] = l.Percentage
		}
	}
	if m.labs {
		sessions, _ := m.api.LabSessions(m.ctx)
		for _, s := range sessions {
			if !hub.Ended(s.State) {
				got.running[s.LabID] = s.ExpiresAt
			}
		}
	}
	return got
}

// dressed is an item with what the learner has to do with it, in the marks of a
// course's path.
func (m Model) dressed(it item) item {
	if m.env.Guest() || it.mark != "" {
		return it
	}
	sp, done := m.env.Theme.Speaker, m.mine.done[it.id]
	end, running := m.mine.running[it.id]
	switch {
	case running:
		it.mark = "▶ "
		it.meta = slices.Concat([]string{widget.Left(sp, end, m.env.Now()), sp.T("running")}, it.meta)
	case done >= 100:
		it.mark = "✓ "
	case done > 0 || it.enrolled:
		it.mark = "◐ "
		it.meta = slices.Concat([]string{fmt.Sprintf("%d%%", done)}, it.meta)
	default:
		it.mark = "○ "
	}
	return it
}
