package courses

import (
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// The words that lists can be filtered by.
var (
	Levels    = []string{"beginner", "intermediate", "advanced"}
	Providers = []string{"aws", "azure", "gcp", "multi"}
)

// Bounds of single values, in characters, and of lists.
const (
	maxTitle   = 200
	maxProse   = 4000
	maxURL     = 2000
	maxLessons = 200
	maxLabs    = 200
)

var (
	sessionForm = regexp.MustCompile(`^s-[a-z2-7]{10}$`)
	uuidForm    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// IsSlug reports whether s may name a course, a lesson or a lab. What looks
// like the id of a lab session or of a course is no slug, so that either can
// be given where the other is.
func IsSlug(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' {
		return false
	}
	for i := range len(s) { // every request does this: no regular expression
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return (len(s) != 12 || !sessionForm.MatchString(s)) && (len(s) != 36 || !uuidForm.MatchString(s))
}

const slugRule = "must be small letters, digits and hyphens, at most 63 of them, such as linux-shell."

// Read reads the course folder fsys. What its author got wrong is reported
// together, as an *Error; any other error is about reading.
func Read(fsys fs.FS) (*Course, error) {
	f, err := load(fsys)
	if err != nil {
		return nil, err
	}
	const name = "course.yaml"
	if _, ok := f.files[name]; !ok {
		f.wrong(name, 0, 0, "is missing; every course folder has one.")
		return nil, f.err()
	}
	root, ok := f.yamlFile(name)
	if !ok {
		return nil, f.err()
	}
	c := &Course{Answers: map[string]map[string]Answer{}, Hash: f.hash}
	c.head(root)
	if err := c.labs(fsys, root.get("labs")); err != nil {
		return nil, err
	}
	c.lessons(root.get("lessons"))
	if c.Document.Duration == 0 {
		c.Document.Duration = c.length()
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// head is what the course says about itself.
func (c *Course) head(root fields) {
	root.known("slug", "title", "description", "level", "provider", "category", "thumbnail", "free", "duration",
		"learning_objectives", "prerequisites", "certification_info", "lessons", "labs")
	root.require("slug", "title", "description", "level", "provider", "category", "lessons")
	d := &c.Document
	d.Slug = root.get("slug").slug()
	d.Title = root.get("title").text(maxTitle)
	d.Description = root.get("description").prose(maxProse)
	d.Level = root.get("level").oneOf(Levels)
	d.Provider = root.get("provider").oneOf(Providers)
	d.Category = root.get("category").text(60)
	d.Thumbnail = root.get("thumbnail").url()
	d.Free = root.get("free").yes()
	d.Duration = root.get("duration").number(1, 100_000)
	d.LearningObjectives = root.get("learning_objectives").texts(500)
	d.Prerequisites = root.get("prerequisites").texts(500)
	if v := root.get("certification_info"); !v.absent() {
		if m, ok := v.fields(); ok {
			m.known("name", "url")
			m.require("name")
			d.CertificationInfo = &hub.Certification{Name: m.get("name").text(maxTitle), URL: m.get("url").url()}
		}
	}
}

func (c *Course) lessons(list value) {
	c.Document.Lessons = []hub.Lesson{}
	items := list.list()
	if !list.absent() && len(items) == 0 {
		list.problem("a course has at least one lesson.")
	}
	if len(items) > maxLessons {
		list.problem("a course has at most %d lessons; split it.", maxLessons)
		return
	}
	seen := map[string]bool{}
	for _, item := range items {
		m, ok := item.fields()
		if !ok {
			continue
		}
		l := c.lesson(m)
		if l.ID != "" && seen[l.ID] {
			m.get("id").problem("another lesson has the id %s; every lesson has its own.", l.ID)
		}
		seen[l.ID] = true
		c.Document.Lessons = append(c.Document.Lessons, l)
	}
}

func (c *Course) lesson(m fields) hub.Lesson {
	m.known("id", "title", "description", "file", "duration", "video_url", "transcript", "resources", "quiz", "lab")
	m.require("id", "title", "file")
	l := hub.Lesson{
		ID:          m.get("id").slug(),
		Title:       m.get("title").text(maxTitle),
		Description: m.get("description").prose(maxProse),
		Duration:    m.get("duration").number(1, 10_000),
		VideoURL:    m.get("video_url").url(),
		Lab:         m.get("lab").text(63),
	}
	if l.Lab != "" && !slices.ContainsFunc(c.Document.Labs, func(lab hub.Lab) bool { return lab.ID == l.Lab }) {
		m.get("lab").problem("there is no lab %s in this course; add it to labs, or mend the name.", clean(l.Lab))
	}
	if name := m.get("file").path(); name != "" {
		l.Body = m.in.text(name)
		if strings.TrimSpace(l.Body) == "" {
			m.get("file").problem("the lesson %s has no text; write it.", clean(name))
		}
	}
	if name := m.get("transcript").path(); name != "" {
		l.Transcript = transcript(m.in.text(name))
	}
	for _, item := range m.get("resources").list() {
		if r, ok := item.fields(); ok {
			r.known("title", "url")
			r.require("title", "url")
			l.Resources = append(l.Resources, hub.Resource{Title: r.get("title").text(maxTitle), URL: r.get("url").url()})
		}
	}
	if name := m.get("quiz").path(); name != "" {
		if quiz, answers := m.in.quiz(name); quiz != nil {
			l.Quiz, c.Answers[l.ID] = quiz, answers
		}
	}
	return l
}

// length is how long the lessons and labs take together, in minutes.
func (c *Course) length() int {
	n := 0
	for _, l := range c.Document.Lessons {
		n += l.Duration
	}
	for _, l := range c.Document.Labs {
		n += l.EstimatedTime
	}
	return n
}

func (v value) slug() string {
	s := v.text(200)
	if s != "" && !IsSlug(s) {
		v.problem("%s: a name like this "+slugRule, clean(s))
		return ""
	}
	return s
}

func (v value) oneOf(words []string) string {
	s := v.text(60)
	if s != "" && !slices.Contains(words, s) {
		v.problem("%s is not one of %s.", clean(s), strings.Join(words, ", "))
		return ""
	}
	return s
}

// url is a link that is safe to offer: http or https, with a host.
func (v value) url() string {
	s := v.text(maxURL)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		v.problem("%s is not a link; it begins with https://.", clean(s))
		return ""
	}
	return s
}

// path is the name of a file in the folder.
func (v value) path() string {
	s := v.text(500)
	if s == "" {
		return ""
	}
	name := inside(s)
	if name == "" {
		v.problem("%s leads out of the course folder; name a file inside it.", clean(s))
		return ""
	}
	if _, ok := v.in.files[name]; !ok {
		v.problem("there is no file %s in the course folder; add it, or mend the name.", clean(name))
		return ""
	}
	return name
}
