package main

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
)

// suggest tells a shell what a word may be: what is kept on this machine, and the
// hub's answer if it is there at once. What can't be found out is no suggestion.
func (m *machine) suggest(ctx context.Context, word string, before []string) (all []cli.Suggestion) {
	add := func(word, about string) { all = append(all, cli.Suggestion{Word: word, About: about}) }
	if word == cli.ProfileWord {
		for _, name := range config.Profiles(config.Dir()) {
			add(name, "")
		}
		return all
	}
	if _, _, err := m.sdk(); err != nil {
		return nil
	}
	switch word {
	case cli.CourseWord:
		for _, c := range m.hub.Glance(ctx) {
			add(c.Slug, c.Title)
		}
	case cli.LessonWord:
		if len(before) == 0 {
			return nil
		}
		for _, l := range m.hub.GlanceAt(ctx, before[len(before)-1]).Lessons {
			add(l.ID, l.Title)
		}
	case cli.LabWord:
		for _, c := range m.hub.Glance(ctx) {
			for _, l := range c.Labs {
				add(l.ID, l.Title)
			}
		}
	case cli.RefWord, cli.SessionWord:
		for _, s := range m.hub.GlanceSessions(ctx) {
			if !hub.Ended(s.State) {
				add(s.ID, s.Title+" ("+s.State+")")
			}
			if word == cli.RefWord {
				add(s.LabID, s.Title+" ("+s.State+")")
			}
		}
	}
	return all
}
