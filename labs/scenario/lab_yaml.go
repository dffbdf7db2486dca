package scenario

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/cloudmastershub/cmh/labs/egress"
	"github.com/cloudmastershub/cmh/words"
)

// labYAML is what the scenario format lacks, in a file beside the index.
type labYAML struct {
	Slug   string     `yaml:"slug"`
	Image  string     `yaml:"image"`
	Time   int        `yaml:"time"`   // minutes
	Hosts  []labHost  `yaml:"hosts"`  // the first one is where the learner begins
	Egress []string   `yaml:"egress"` // host, host:port or *.host
	Steps  []stepYAML `yaml:"steps"`
}

// Slug is what names a lab: unique on the platform, and never to be mistaken
// for the id of a session.
var (
	slugForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	sessionForm = regexp.MustCompile(`^s-[a-z2-7]{10}$`)
)

// Reserved reports whether no lab may have that slug: /labs/sessions is the list
// of a learner's sessions, and over SSH the others are no lab's names.
func Reserved(slug string) bool {
	return slices.Contains([]string{"sessions", "cmh", "learn", "guest"}, slug)
}

// labYAML reads lab.yaml when there is one. It is this platform's own format,
// so what is wrong in it is an error, not a warning.
func (r *reader) labYAML(s *Scenario) error {
	file := path.Join(r.dir, "lab.yaml")
	b, err := r.read(file, maxText, anyLink)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &Error{File: file, Text: why(err)}
	}
	var l labYAML
	if err := unmarshalYAML(file, b, &l); err != nil {
		return err
	}
	fail := func(at string, text string) error {
		return &Error{File: file, Line: lineOf(b, at), Text: text}
	}
	if l.Slug != "" && (!slugForm.MatchString(l.Slug) || sessionForm.MatchString(l.Slug)) {
		return fail("$.slug", "slug: use small letters, digits and hyphens, at most 63 of them")
	}
	if Reserved(l.Slug) {
		return fail("$.slug", "slug: no lab can be called "+l.Slug+", which names a learner's sessions; choose another")
	}
	if l.Time < 0 || l.Time > 24*60 {
		return fail("$.time", "time: give minutes, from 1 to 1440")
	}
	if len(l.Steps) > len(s.Steps) {
		return fail("$.steps", "steps: there are more of them than in the index")
	}
	if err := hostsWanted(l.Hosts); err != nil {
		return fail("$.hosts", err.Error())
	}
	if _, err := egress.Parse(l.Egress); err != nil {
		return fail("$.egress", "egress: "+err.Error())
	}
	s.Egress = l.Egress
	s.Slug, s.Image = l.Slug, l.Image
	for i, h := range l.Hosts {
		if i == 0 {
			s.Hostname = h.Name
			if h.Image != "" {
				s.Image = h.Image
			}
			continue
		}
		s.Hosts = append(s.Hosts, Host{Name: h.Name, Image: h.Image})
	}
	if l.Time > 0 {
		s.Minutes = l.Time
	}
	return r.labSteps(file, func(at string) int { return lineOf(b, at) }, l.Steps, s)
}

// unmarshalYAML decodes b into out, refusing unknown keys, with the place of
// what is wrong.
func unmarshalYAML(file string, b []byte, out any) (err error) {
	// The library is given hostile documents; a crash in it is their fault.
	defer func() {
		if p := recover(); p != nil {
			err = &Error{File: file, Text: words.Kept("is no valid YAML")}
		}
	}()
	return yamlError(file, yaml.UnmarshalWithOptions([]byte(decode(b)), out, yaml.Strict()))
}

func yamlError(file string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{File: file, Text: err.Error()}
	var y yaml.Error
	if errors.As(err, &y) {
		e.Text = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Col = t.Position.Line, t.Position.Column
		}
	}
	return e
}

// lineOf is the line of the value at the YAML path at, or 0.
func lineOf(b []byte, at string) (line int) {
	defer func() { _ = recover() }()
	p, err := yaml.PathString(at)
	if err != nil {
		return 0
	}
	n, err := p.ReadNode(strings.NewReader(decode(b)))
	if err != nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
