package me

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// draw lays everything out anew.
func (m *Model) draw() {
	if !m.loaded || m.all.err != nil {
		return
	}
	m.text.Lines = nil
	m.streak()
	m.heat()
	m.achievements()
	m.certificates()
	m.doors()
	m.text.Clamp(m.height)
}

func (m *Model) add(lines ...string) {
	for _, l := range lines {
		m.text.Lines = append(m.text.Lines, "  "+l)
	}
}

func (m *Model) section(title string) { m.add("", m.env.Theme.Section.Render(title), "") }

// pair is a line with something at its right end.
func (m *Model) pair(left, right string) {
	m.add(widget.Between(left, m.env.Theme.Faint.Render(right), m.width-6))
}

// note is a text that can be read over, wrapped, under the one before it.
func (m *Model) note(indent, text string) {
	for _, l := range widget.Wrap(text, m.width-6-len(indent)) {
		m.add(indent + m.env.Theme.Faint.Render(l))
	}
}

func (m *Model) streak() {
	s, th := m.all.reached.Streak, m.env.Theme
	text := th.T("No day in a row yet: finish a lesson, a quiz or a step of a lab.")
	switch {
	case s.Current > 0 && s.Today:
		text = th.Good.Render("✓") + " " + th.N(s.Current, "%d day in a row, today among them", "%d days in a row, today among them", s.Current)
	case s.Current > 0:
		text = th.N(s.Current, "%d day in a row; today would be one more", "%d days in a row; today would be one more", s.Current)
	}
	m.add("", th.Title.Render(safe.Line(orElse(m.env.User.Profile.DisplayName, m.env.User.Username))))
	if s.Longest > s.Current {
		text += th.Tf(" (longest: %d)", s.Longest)
	}
	m.add(strings.Split(ansi.Wrap(text, m.width-6, ""), "\n")...)
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

var weekdays = [7]string{words.Mark("Mon"), "", words.Mark("Wed"), "", words.Mark("Fri"), "", words.Mark("Sun")}

// heat is a map of days, a column a week, with what was completed on each.
func (m *Model) heat() {
	th, now := m.env.Theme, m.env.Now()
	monday := -(int(now.Weekday()) + 6) % 7 // from today
	weeks := max(1, min(26, (m.width-12)/2))
	done := widget.DaysOf(m.all.courses, now.Location())
	var rows [7]strings.Builder
	total := 0
	for day := monday - 7*(weeks-1); day <= 0; day++ {
		n := done.On(widget.Noon(now, day))
		total += n
		rows[(day-monday+7*weeks)%7].WriteString(widget.Shade(th, n) + " ")
	}
	m.section(th.N(weeks, "Activity: %d done in %d week", "Activity: %d done in %d weeks", total, weeks))
	for i := range rows {
		m.add(widget.Fit(th.T(weekdays[i]), 4) + rows[i].String())
	}
}

func (m *Model) achievements() {
	all, th := m.all.reached.Achievements, m.env.Theme
	if len(all) == 0 {
		return
	}
	m.section(th.T("Achievements"))
	for _, a := range all {
		if a.EarnedAt != nil {
			m.pair(th.Good.Render("✓")+" "+safe.Line(th.T(a.Title)), th.When(*a.EarnedAt, "2 Jan 2006"))
		} else {
			m.pair("○ "+safe.Line(th.T(a.Title)), widget.Of(th.Speaker, a.Progress, a.Goal))
		}
		m.note("  ", safe.Line(th.T(a.Description)))
	}
}

func (m *Model) certificates() {
	th := m.env.Theme
	m.section(th.T("Certificates"))
	for _, c := range m.all.certs {
		m.pair("★ "+safe.Line(c.Title), th.When(c.IssuedAt, "2 Jan 2006"))
		for _, l := range widget.Wrap(th.Tf("anybody verifies it: %s", orElse(c.URL, "cmh cert verify "+c.ID)), m.width-8) {
			m.add("  " + l) // whole: it is to be copied
		}
	}
	if len(m.all.certs) == 0 {
		m.note("", th.T("None yet: there is one for each course that you complete."))
		return
	}
	m.note("", th.T("cmh cert download saves one."))
}

// doors are the ways on from here.
func (m *Model) doors() {
	th := m.env.Theme
	m.section(th.T("Account and settings"))
	m.add(th.Accent.Render("a")+"  "+th.T("limits, API keys, SSH keys, sign-ins"), th.Accent.Render(",")+"  "+th.T("settings of cmh on this machine"))
	m.note("", th.T("cmh --accessible does all of this in lines of text."))
}
