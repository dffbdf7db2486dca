package courses

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// labs reads the lab folders that the course names.
func (c *Course) labs(fsys fs.FS, list value) error {
	c.Document.Labs = []hub.Lab{}
	items := list.list()
	if len(items) > maxLabs {
		list.problem("a course has at most %d labs; split it.", maxLabs)
		return nil
	}
	seen, read := map[string]bool{}, scenario.Together(fsys)
	for _, item := range items {
		slug := item.slug()
		dir := "labs/" + slug
		switch {
		case slug == "":
			continue
		case scenario.Reserved(slug):
			item.problem("no lab can be called %s, which names a learner's sessions; rename it and its folder.", slug)
			continue
		case seen[slug]:
			item.problem("the lab %s is there twice; keep one.", slug)
			continue
		case !item.in.has(dir):
			item.problem("there is no folder %s; add it, or mend the name.", dir)
			continue
		}
		seen[slug] = true
		s, err := read(dir)
		if wrong, ok := errors.AsType[*scenario.Error](err); ok {
			item.in.wrong(wrong.File, wrong.Line, wrong.Col, "%s", hub.Word(wrong.Text))
			continue
		}
		if err != nil {
			return fmt.Errorf("read the lab %s: %w", slug, err)
		}
		if s.Slug != "" && s.Slug != slug {
			item.in.wrong(dir+"/lab.yaml", 0, 0, "gives the slug %s; make it the folder's name, %s, or leave it out.", clean(s.Slug), slug)
			continue
		}
		for i, st := range s.Steps {
			if st.Unchecked != "" && !st.Checked() { // here it is a mistake, not somebody else's
				item.in.wrong(dir+"/index.json", 0, 0, "step %d has no check: %s", i+1, hub.Word(st.Unchecked))
			}
		}
		s.Slug = slug
		c.Labs = append(c.Labs, s)
		c.Document.Labs = append(c.Document.Labs, Summary(Lab(s)))
	}
	return nil
}

// Lab is a scenario as learners see it, with all its texts but no script, hint
// or solution. Course, Free and UpdatedAt are left to whoever publishes it,
// and whether its needs are met to whoever runs it.
func Lab(s *scenario.Scenario) hub.Lab {
	l := hub.Lab{
		ID:            s.Slug,
		Title:         s.Title,
		Description:   s.Description,
		Difficulty:    s.Difficulty,
		EstimatedTime: s.Minutes,
		Instructions:  s.Intro.Text,
		Image:         s.Image,
		Needs:         append([]string{}, s.Needs...),
		Runnable:      s.Unsupported == "",
		Reason:        s.Unsupported,
		Steps:         make([]hub.LabStep, 0, len(s.Steps)),
		Finish:        s.Finish.Text,
		Licence:       s.Licence,
	}
	if len(s.Hosts) > 0 {
		for _, names := range s.HostNames() {
			l.Hosts = append(l.Hosts, names[0])
		}
	}
	l.Folder, l.Ports = cmp.Or(s.EditorPath, s.WorkDir), ports(s)
	for _, t := range s.Terminals {
		if session := t.Session(); session != "" {
			l.Terminals = append(l.Terminals, hub.LabTerminal{Name: t.Name, Session: session, Host: t.Host, Command: t.Command})
		}
	}
	for i, st := range s.Steps {
		l.Steps = append(l.Steps, hub.LabStep{
			Number: i + 1, Title: st.Title, Text: st.Text,
			Checked: st.Checked(), Hints: len(st.Hints), HasSolution: st.Solve != nil || st.Solution != "",
			Questions: questions(s.Questions(i + 1)),
		})
	}
	for _, w := range s.Warnings {
		l.Warnings = append(l.Warnings, w.String())
	}
	return l
}

// ports are those that a scenario's texts speak of, those with a name first.
func ports(s *scenario.Scenario) []hub.LabPort {
	var out []hub.LabPort
	named := map[int]bool{}
	for _, w := range s.Web {
		if w.Port > 0 && len(out) < maxPorts {
			out = append(out, hub.LabPort{Port: w.Port, Host: otherHost(s, w.Host), Name: w.Name})
			named[w.Port] = true
		}
	}
	for _, p := range s.Ports {
		if !named[p] && len(out) < maxPorts {
			out = append(out, hub.LabPort{Port: p})
		}
	}
	return out
}

// maxPorts is more than a learner looks at.
const maxPorts = 20

// otherHost is the lab's name of the host that name means; empty is its first.
func otherHost(s *scenario.Scenario, name string) string {
	for i, names := range s.HostNames() {
		if i > 0 && slices.Contains(names, strings.ToLower(name)) {
			return names[0]
		}
	}
	return ""
}

// questions are those of a step as learners see them: without what is right.
func questions(all []scenario.Question) []hub.LabQuestion {
	var out []hub.LabQuestion
	for i, q := range all {
		asked := hub.LabQuestion{Number: i + 1, Kind: q.Kind, Prompt: q.Prompt}
		for _, c := range q.Choices {
			asked.Choices = append(asked.Choices, c.Text)
		}
		out = append(out, asked)
	}
	return out
}

// Summary is a lab as lists show it: without its texts, and without what only
// its author wants to know.
func Summary(l hub.Lab) hub.Lab {
	steps := make([]hub.LabStep, 0, len(l.Steps))
	for _, st := range l.Steps {
		st.Text, st.Questions = "", nil
		steps = append(steps, st)
	}
	l.Instructions, l.Finish, l.Steps, l.Warnings = "", "", steps, nil
	l.Terminals, l.Folder, l.Ports = nil, "", nil
	return l
}
