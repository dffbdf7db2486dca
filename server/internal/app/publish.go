package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Publish stores a course as a new version of itself, the caller's own. An
// admin may publish over anybody's course, and it stays theirs. The same
// content again changes nothing.
func (a Actor) Publish(ctx context.Context, c *courses.Course) (hub.Course, error) {
	if err := a.need(hub.Instructor); err != nil {
		return hub.Course{}, err
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		owner, err := a.ownerOf(ctx, tx, c.Document.Slug)
		if err != nil {
			return err
		}
		return a.app.publish(ctx, tx, c, owner, false)
	})
	a.app.published.Add(1) // even after an error: a commit may have been done and not heard of
	if err != nil {
		return hub.Course{}, err
	}
	return a.Course(ctx, c.Document.Slug)
}

// ownerOf is whose a course will be that the caller brings.
func (a Actor) ownerOf(ctx context.Context, tx postgres.Tx, slug string) (string, error) {
	if a.user.Role != hub.Admin {
		return a.user.ID, nil
	}
	was, err := tx.PublishedCourse(ctx, slug)
	if hub.CodeOf(err) == hub.NotFound {
		return a.user.ID, nil
	}
	return was.OwnerID, err
}

// PublishStarter publishes the courses that come with the server, as nobody's.
// It is for the server's start and no door leads to it. A slug that an author
// took first stays theirs: that course is left out, and the log says so.
func (a *App) PublishStarter(ctx context.Context) error {
	for name, folder := range courses.Starter() {
		c, err := courses.Read(folder)
		if err != nil {
			return fmt.Errorf("starter course %s: %w", name, err)
		}
		err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return a.publish(ctx, tx, c, "", false) })
		a.published.Add(1)
		switch code := hub.CodeOf(err); {
		case err == nil:
		case code == hub.Conflict || code == hub.Forbidden:
			a.Log.WarnContext(ctx, "starter course left out", "course", c.Document.Slug, "err", err)
		default:
			return fmt.Errorf("publish the starter course %s: %w", c.Document.Slug, err)
		}
	}
	return nil
}

// publish stores c as the newest version of its course, owned by ownerID or,
// when that is empty, by nobody; a course that wasn't there is only a draft, if
// so said. It does nothing when the newest version has the same content. Whether
// the caller may publish is decided before.
func (a *App) publish(ctx context.Context, tx postgres.Tx, c *courses.Course, ownerID string, draft bool) error {
	p, err := publication(c)
	if err != nil {
		return err
	}
	p.OwnerID, p.Draft = ownerID, draft
	if err := tx.LockPublishing(ctx); err != nil {
		return err
	}
	was, err := tx.PublishedCourse(ctx, p.Slug)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
	case err != nil:
		return err
	case was.OwnerID != ownerID:
		return hub.Errorf(hub.Forbidden, "The course %s belongs to somebody else. Give yours another slug.", p.Slug)
	case was.Hash == p.Hash:
		return nil
	}
	slugs := make([]string, 0, len(p.Labs))
	for _, l := range p.Labs {
		slugs = append(slugs, l.Slug)
	}
	taken, err := tx.LabsElsewhere(ctx, p.Slug, slugs)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return hub.Errorf(hub.Conflict, "Labs of other courses already have the names %s. Give yours other names.", strings.Join(taken, ", "))
	}
	done, err := tx.Publish(ctx, p, a.now())
	if err != nil {
		return err
	}
	return tx.Event(ctx, ownerID, "course.published", map[string]any{"course_id": done.ID, "course": done.Slug, "version": done.Version})
}

// maxIndexed bounds the text of a course that search sees: a tsvector holds
// 1 MiB at most.
const maxIndexed = 256 << 10

// publication is c in the form it is stored in.
func publication(c *courses.Course) (postgres.Publication, error) {
	d := c.Document
	if !courses.IsSlug(d.Slug) {
		return postgres.Publication{}, hub.Errorf(hub.Invalid, "The course's slug %q must be small letters, digits and hyphens.", d.Slug)
	}
	p := postgres.Publication{Slug: d.Slug}
	d.ID, d.Version, d.Enrolled, d.Labs = "", 0, false, nil
	seen := map[string]bool{}
	for _, s := range c.Labs {
		switch {
		case !courses.IsSlug(s.Slug):
			return p, hub.Errorf(hub.Invalid, "The lab's slug %q must be small letters, digits and hyphens.", s.Slug)
		case seen[s.Slug]:
			return p, hub.Errorf(hub.Invalid, "Two labs of the course have the slug %s.", s.Slug)
		}
		seen[s.Slug] = true
		lab := courses.Lab(s)
		lab.Course, lab.Free = d.Slug, d.Free
		stored, err := labPublication(s, lab)
		if err != nil {
			return p, err
		}
		p.Labs = append(p.Labs, stored)
		d.Labs = append(d.Labs, courses.Summary(lab))
	}
	var err error
	if p.Document, err = encode(whole(d)); err != nil {
		return p, err
	}
	if p.Outline, err = encode(outline(d)); err != nil {
		return p, err
	}
	if p.Answers, err = encode(c.Answers); err != nil {
		return p, err
	}
	content := [][]byte{[]byte(c.Hash), p.Document, p.Outline, p.Answers}
	for _, l := range p.Labs {
		content = append(content, []byte(l.Hash))
	}
	p.Hash = hash(content...)
	p.Index = indexOf(d)
	return p, nil
}

// indexOf is what d is found by.
func indexOf(d hub.Course) postgres.CourseIndex {
	var shown, text strings.Builder
	fmt.Fprintf(&shown, "%s\n%s\n", d.Description, strings.Join(d.LearningObjectives, "\n"))
	for _, l := range d.Lessons {
		fmt.Fprintf(&shown, "%s\n%s\n", l.Title, l.Description)
		fmt.Fprintf(&text, "%s\n", l.Body)
	}
	for _, l := range d.Labs {
		fmt.Fprintf(&shown, "%s\n%s\n", l.Title, l.Description)
	}
	return postgres.CourseIndex{
		Title: d.Title, Provider: d.Provider, Level: d.Level, Category: d.Category, Free: d.Free,
		Trigrams: trigrams(d.Title), About: indexed(shown.String()), Text: indexed(text.String()),
	}
}

// labPublication is a lab, and what learners see of it, in the form it is
// stored in.
func labPublication(s *scenario.Scenario, lab hub.Lab) (p postgres.LabPublication, err error) {
	p = postgres.LabPublication{Slug: s.Slug, Assets: s.Assets}
	if p.Document, err = encode(lab); err != nil {
		return p, err
	}
	if p.Scenario, err = encode(s); err != nil {
		return p, err
	}
	p.Hash = hash(p.Document, p.Scenario, p.Assets)
	return p, nil
}

// whole is a document whose lists are never null.
func whole(d hub.Course) hub.Course {
	d.Lessons = append([]hub.Lesson{}, d.Lessons...)
	d.Labs = append([]hub.Lab{}, d.Labs...)
	d.Prerequisites = append([]string{}, d.Prerequisites...)
	d.LearningObjectives = append([]string{}, d.LearningObjectives...)
	return d
}

// outline is a course as lists show it: what there is, without the texts.
func outline(d hub.Course) hub.Course {
	d = whole(d)
	for i, l := range d.Lessons {
		d.Lessons[i] = hub.Lesson{ID: l.ID, Title: l.Title, Description: l.Description, Duration: l.Duration, Quiz: closed(l.Quiz), Lab: l.Lab}
	}
	for i := range d.Labs {
		d.Labs[i].Steps = []hub.LabStep{}
	}
	return d
}

// closed is a quiz without its questions: there is one, and how hard it is.
func closed(q *hub.Quiz) *hub.Quiz {
	if q == nil {
		return nil
	}
	return &hub.Quiz{Pass: q.Pass, Questions: []hub.Question{}}
}

// encode refuses what JSON can hold and PostgreSQL can't.
func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a course: %w", err)
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if strings.HasPrefix(string(b[i:min(i+6, len(b))]), `\u0000`) {
			return nil, hub.Errorf(hub.Invalid, "A text of the course holds a NUL character. Remove it.")
		}
		i++ // whatever is escaped escapes nothing
	}
	return b, nil
}

// hash names content, each part with its length.
func hash(parts ...[]byte) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%d:", len(p))
		sum.Write(p)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func indexed(s string) string {
	if len(s) > maxIndexed {
		s = s[:maxIndexed]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// trigrams are the three-letter pieces of a text's words, each word with two
// blanks before and one after it, so that beginnings weigh more. Sorted order
// doesn't matter; each is there once.
func trigrams(s string) []string {
	pieces, seen := []string{}, map[string]bool{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !isLetter(r) }) {
		padded := []rune("  " + word + " ")
		for i := 0; i+3 <= len(padded) && len(pieces) < maxTrigrams; i++ {
			if piece := string(padded[i : i+3]); !seen[piece] {
				seen[piece] = true
				pieces = append(pieces, piece)
			}
		}
	}
	return pieces
}

const maxTrigrams = 500

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf && cmp.Compare(r, utf8.RuneError) != 0
}
