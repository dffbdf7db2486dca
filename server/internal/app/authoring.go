package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// maxEditions is how many versions of a course are listed.
const maxEditions = 100

// UploadCourse makes a new version of a course out of its folder, the caller's
// own. archive is a tar.gz; it is read only after the caller proved to be an
// author, and one that could do harm is refused whole. A course that wasn't there
// is a draft until it is published, which may be now. The same content again
// makes no version.
func (a Actor) UploadCourse(ctx context.Context, archive io.Reader, publish bool) (done hub.AuthoredCourse, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return done, err
	}
	tree, err := scenario.Unpack(archive, scenario.Limits{})
	if err != nil {
		return done, importError(err)
	}
	c, err := courses.Read(tree)
	if wrong, ok := errors.AsType[*courses.Error](err); ok {
		return done, hub.Errorf(hub.Invalid, "%s", wrong.Phrase())
	}
	if err != nil {
		return done, hub.Wrap(err, hub.Invalid, "The course can't be read.")
	}
	err = a.authors(ctx, func(ctx context.Context, tx postgres.Tx) error {
		owner, err := a.ownerOf(ctx, tx, c.Document.Slug)
		if err != nil {
			return err
		}
		if err := a.app.publish(ctx, tx, c, owner, true); err != nil {
			return err
		}
		course, err := tx.AuthoredCourse(ctx, c.Document.Slug)
		if err != nil {
			return err
		}
		if publish && !course.Published {
			return a.setPublished(ctx, tx, course, true, &done)
		}
		done = course.AuthoredCourse
		return nil
	})
	return done, err
}

// authors runs what changes a course. Whatever anybody was shown may be another
// afterwards, even after an error: a commit may have been done and not heard of.
func (a Actor) authors(ctx context.Context, change func(context.Context, postgres.Tx) error) error {
	err := a.app.DB.InTx(ctx, change)
	a.app.published.Add(1)
	return err
}

// AuthoredCourses lists the courses that the caller looks after, drafts
// included: their own, or as an admin all. Limit defaults to 30.
func (a Actor) AuthoredCourses(ctx context.Context, p hub.Paging) (hub.Page[hub.AuthoredCourse], error) {
	page := hub.Page[hub.AuthoredCourse]{Items: []hub.AuthoredCourse{}}
	if err := a.need(hub.Instructor); err != nil {
		return page, err
	}
	var w wrongs
	w.limit(&p)
	err := w.err()
	if err != nil {
		return page, err
	}
	owner := a.user.ID
	if a.seesAll() {
		owner = ""
	}
	page.Next, err = paged(ctx, a.app, "courses of "+owner, p.Cursor, func(ctx context.Context, tx postgres.Tx, after *string) (next *string, err error) {
		page.Items, next, err = tx.AuthoredCourses(ctx, owner, p.Limit, after)
		return next, err
	})
	return page, err
}

// authored finds a course that the caller looks after. Another's is not there.
func (a Actor) authored(ctx context.Context, tx postgres.Tx, ref string) (c postgres.Authored, err error) {
	if !courses.IsSlug(ref) && !isUUID(ref) {
		return c, errNoCourse
	}
	c, err = tx.AuthoredCourse(ctx, ref)
	if err == nil && c.OwnerID != a.user.ID && !a.seesAll() {
		err = errNoCourse
	}
	return c, err
}

var errNoCourse = &hub.Error{Code: hub.NotFound, Message: "There is no such course."}

// AuthoredCourse returns the newest version of a course that the caller looks
// after, published or not, with its texts.
func (a Actor) AuthoredCourse(ctx context.Context, course string) (d hub.Course, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return d, err
	}
	var c postgres.Authored
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if c, err = a.authored(ctx, tx, course); err != nil {
			return err
		}
		p, err := tx.PublicationOf(ctx, c.ID, c.Version)
		if err != nil {
			return err
		}
		return json.Unmarshal(p.Document, &d)
	})
	d.ID, d.Version, d.CreatedAt, d.UpdatedAt = c.ID, c.Version, c.CreatedAt, c.UpdatedAt
	a.dress(d)
	return d, err
}

// SetPublished makes a course be there for everybody, or only for those who are
// enrolled in it already.
func (a Actor) SetPublished(ctx context.Context, course string, published bool) (done hub.AuthoredCourse, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return done, err
	}
	err = a.authors(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err := a.authored(ctx, tx, course)
		if err != nil {
			return err
		}
		return a.setPublished(ctx, tx, c, published, &done)
	})
	return done, err
}

func (a Actor) setPublished(ctx context.Context, tx postgres.Tx, c postgres.Authored, published bool, done *hub.AuthoredCourse) error {
	changed, err := tx.SetPublished(ctx, c.ID, published, a.app.now())
	if err != nil {
		return err
	}
	if changed {
		action := "course.published"
		if !published {
			action = "course.unpublished"
		}
		if err := tx.Audit(ctx, a.user.ID, c.OwnerID, action, map[string]any{"course": c.Slug, "version": c.Version}); err != nil {
			return err
		}
	}
	c, err = tx.AuthoredCourse(ctx, c.Slug)
	*done = c.AuthoredCourse
	return err
}

// CourseEditions lists the versions of a course that the caller looks after, the
// newest first, with what each changed.
func (a Actor) CourseEditions(ctx context.Context, course string) ([]hub.CourseEdition, error) {
	if err := a.need(hub.Instructor); err != nil {
		return nil, err
	}
	var found []postgres.Edition
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err := a.authored(ctx, tx, course)
		if err != nil {
			return err
		}
		found, err = tx.Editions(ctx, c.ID, maxEditions+1)
		return err
	})
	all := make([]hub.CourseEdition, 0, len(found))
	for i, e := range found[:min(len(found), maxEditions)] {
		var before postgres.Edition
		if i+1 < len(found) {
			before = found[i+1]
		}
		e.CourseEdition.Lessons, e.CourseEdition.Labs = changes(before.Lessons, e.Lessons), changes(before.Labs, e.Labs)
		all = append(all, e.CourseEdition)
	}
	return all, err
}

// changes compares the marks of parts.
func changes(before, after map[string]string) hub.Changes {
	c := hub.Changes{Added: []string{}, Removed: []string{}, Changed: []string{}}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		switch was, ok := before[id]; {
		case !ok:
			c.Added = append(c.Added, id)
		case was != after[id]:
			c.Changed = append(c.Changed, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[id]; !ok {
			c.Removed = append(c.Removed, id)
		}
	}
	return c
}

// RestoreCourse brings a version of a course back, as its newest: the ones in
// between stay, and so does everybody who is enrolled in one. The newest itself
// changes nothing.
func (a Actor) RestoreCourse(ctx context.Context, course string, version int) (done hub.AuthoredCourse, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return done, err
	}
	err = a.authors(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if err := tx.LockPublishing(ctx); err != nil {
			return err
		}
		c, err := a.authored(ctx, tx, course)
		if err != nil {
			return err
		}
		p, err := tx.PublicationOf(ctx, c.ID, version)
		if err != nil {
			return err
		}
		if version != c.Version {
			if err := a.app.restore(ctx, tx, p); err != nil {
				return err
			}
			if err := tx.Audit(ctx, a.user.ID, c.OwnerID, "course.restored", map[string]any{"course": c.Slug, "version": version}); err != nil {
				return err
			}
		}
		c, err = tx.AuthoredCourse(ctx, c.Slug)
		done = c.AuthoredCourse
		return err
	})
	return done, err
}

func (a *App) restore(ctx context.Context, tx postgres.Tx, p postgres.Publication) error {
	var d hub.Course
	if err := json.Unmarshal(p.Document, &d); err != nil {
		return fmt.Errorf("read a version of %s: %w", p.Slug, err)
	}
	if len(p.Labs) != len(d.Labs) {
		return hub.Errorf(hub.Conflict, "That version comes from before versions of labs were remembered. Upload it again instead.")
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
		return hub.Errorf(hub.Conflict, "Labs of other courses have the names %s by now.", strings.Join(taken, ", "))
	}
	p.Index = indexOf(d)
	done, err := tx.Publish(ctx, p, a.now())
	if err != nil {
		return err
	}
	return tx.Event(ctx, p.OwnerID, "course.published", map[string]any{"course_id": done.ID, "course": done.Slug, "version": done.Version})
}

// Leave takes the caller out of a course. What they did in it stays, and counts
// again when they come back.
func (a Actor) Leave(ctx context.Context, course string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err := a.courseIn(ctx, tx, course)
		if err != nil {
			return err
		}
		left, err := tx.Leave(ctx, a.user.ID, c.ID)
		if err != nil || !left {
			return err
		}
		return tx.Event(ctx, a.user.ID, "course.left", map[string]string{"course_id": c.ID, "course": c.Slug})
	})
	a.app.known.forgetTakes(a.user.ID)
	return err
}
