package offline

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
)

const (
	// Lease is how long what only premium members may read stays readable after
	// the hub has last confirmed that its reader is one.
	Lease = 14 * 24 * time.Hour

	// rest is how long a hub that could not be reached isn't asked again for
	// what is kept.
	rest = 15 * time.Second
)

// Hub is a client that goes on when the hub can't be reached: what learners read
// comes from the cache then, and what they do goes into the journal. What the
// hub refuses stays refused.
type Hub struct {
	*client.Client
	near   *client.Client // asks the cache only
	cache  *Cache
	place  Place
	token  func(context.Context) (string, error)
	always bool          // the learner asked for it
	glance time.Duration // how long a glance waits

	// Say tells the learner what they should know, once each, in the language of
	// Words. Both are set before anything is asked.
	Say    func(string)
	Words  words.Speaker
	silent atomic.Bool // a screen has the terminal

	// Quick makes a client for one glance: with this token, into the cache. nil asks
	// nobody.
	Quick func(token string) *client.Client

	mu      sync.Mutex
	until   time.Time // when the hub may be asked again
	gone    bool      // it could not be reached when it was last asked
	said    bool
	count   int           // events that wait, as far as known
	told    int           // events that it has been told
	changed chan struct{} // closed when one of these has changed
}

// New joins a client that asks the hub and one that is Away, over one cache, of
// which the second keeps the Near side. With always, the hub is not asked at all.
// token is what both ask with.
func New(far, near *client.Client, cache *Cache, p Place, always bool, token func(context.Context) (string, error)) *Hub {
	return &Hub{Client: far, near: near, cache: cache, place: p, always: always, token: token, glance: glance, Say: func(string) {}, changed: make(chan struct{})}
}

// Away reports whether the hub is not asked right now.
func (h *Hub) Away() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.always || time.Now().Before(h.until)
}

func (h *Hub) inform(s string) {
	if !h.silent.Load() {
		h.Say(s)
	}
}

// Standing is how it stands with the hub, and a channel that is closed once that
// has changed.
func (h *Hub) Standing() (hub.Standing, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := hub.Standing{Away: h.always || h.gone, Waits: h.count, Told: h.told}
	if s.Away {
		s.AsOf = h.cache.Oldest()
	}
	return s, h.changed
}

// note changes what Standing tells, and wakes whoever waits for that.
func (h *Hub) note(change func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if change() {
		close(h.changed)
		h.changed = make(chan struct{})
	}
}

// reached notes whether the hub has answered.
func (h *Hub) reached(yes bool) {
	back := false
	h.note(func() bool {
		was := h.gone
		h.gone, h.until = !yes, time.Time{}
		if yes {
			h.cache.Fresh() // what is shown from now on is the hub's
			back, h.said = was && h.said, false
		} else {
			h.until = time.Now().Add(rest)
		}
		return h.gone != was
	})
	if back {
		h.inform(h.Words.T("Online again."))
	}
}

// lost reports whether err means that the hub can't be reached, and notes it. Of
// a call that its caller has given up, nobody knows; nor of one that nobody may
// make who isn't signed in, which need not have left: the hub's own refusals have an
// id.
func (h *Hub) lost(err error) bool {
	yes := client.Unreachable(err)
	refused, _ := errors.AsType[*hub.Error](err)
	switch {
	case yes && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		h.reached(false) // the client's own patience ended, not the caller's
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), hub.CodeOf(err) == hub.Unauthenticated && refused.RequestID == "":
	default:
		h.reached(!yes)
	}
	return yes
}

// either asks the hub, and the cache when it can't be reached, or takes long and
// the cache has an answer.
func either[T any](ctx context.Context, h *Hub, far func(context.Context) (T, error), near func() (T, error)) (T, error) {
	var cause error
	if !h.Away() {
		var instead T
		hurried, y := h.hurry(ctx, true, func() (ok bool) {
			var err error
			instead, err = near()
			return err == nil
		})
		v, err := far(hurried)
		if slow, _ := y.end(err); slow {
			h.reached(false)
			h.tell()
			return instead, nil
		}
		if !h.lost(err) {
			return v, err
		}
		cause = err
	}
	v, err := near()
	switch {
	case cause != nil && errors.Is(err, client.ErrNotKept):
		return v, cause
	case err == nil:
		h.tell()
	}
	return v, err
}

// tell says, once, that what is shown is not from now, and what waits.
func (h *Hub) tell() {
	at := h.cache.Oldest()
	h.mu.Lock()
	first, waits := !h.said && !at.IsZero(), h.count
	h.said = h.said || first
	h.mu.Unlock()
	if !first {
		return
	}
	text := h.Words.Tf("Offline: this is as of %s.", Age(h.Words, time.Since(at)))
	if waits > 0 {
		text += " " + h.Words.N(waits, "%d change waits for the hub.", "%d changes wait for the hub.", waits)
	}
	h.inform(text)
}

// Age words how long ago something was.
func Age(s words.Speaker, d time.Duration) string {
	switch {
	case d < time.Minute:
		return s.T("a moment ago")
	case d < time.Hour:
		return s.N(int(d.Minutes()), "%d minute ago", "%d minutes ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return s.N(int(d.Hours()), "%d hour ago", "%d hours ago", int(d.Hours()))
	}
	return s.N(int(d.Hours()/24), "%d day ago", "%d days ago", int(d.Hours()/24))
}

// Profile says who is signed in. Who has fallen below premium loses the texts
// that are kept.
func (h *Hub) Profile(ctx context.Context) (hub.User, error) {
	before, known := peek[hub.User](ctx, h, "/v1/users/profile")
	return either(ctx, h, func(ctx context.Context) (hub.User, error) {
		u, err := h.Client.Profile(ctx)
		if err == nil && known && before.Role != hub.Free && u.Role == hub.Free {
			if token, err := h.token(ctx); err == nil {
				h.cache.DropTexts(token)
			}
		}
		return u, err
	}, func() (hub.User, error) { return h.near.Profile(ctx) })
}

// peek looks into what is kept without answering with it.
func peek[T any](ctx context.Context, h *Hub, path string) (v T, ok bool) {
	token, err := h.token(ctx)
	if err != nil {
		return v, false
	}
	k, ok := h.cache.Get(token, path)
	ok = ok && json.Unmarshal(k.Body, &v) == nil
	return v, ok
}

// Courses lists courses. Offline, the whole catalogue that is kept is searched.
func (h *Hub) Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	near := func() (hub.Page[hub.Course], error) {
		if f.Cursor != "" && !strings.HasPrefix(f.Cursor, nearCursor) { // the hub's: it knows what follows
			return hub.Page[hub.Course]{}, &hub.Error{Code: hub.Unavailable, Message: "You are offline, and this needs the hub.", Err: client.ErrNotKept}
		}
		all, err := h.catalogue(ctx, h.near)
		if err != nil {
			return hub.Page[hub.Course]{}, err
		}
		return search(all, f), nil
	}
	if strings.HasPrefix(f.Cursor, nearCursor) {
		return near()
	}
	return either(ctx, h, func(ctx context.Context) (hub.Page[hub.Course], error) { return h.Client.Courses(ctx, f) }, near)
}

const (
	pageSize = 100
	mostPage = 200
)

// catalogue is all courses there are.
func (h *Hub) catalogue(ctx context.Context, c *client.Client) ([]hub.Course, error) {
	var all []hub.Course
	p := hub.Paging{Limit: pageSize}
	for range mostPage {
		page, err := c.Courses(ctx, hub.CourseFilter{Paging: p})
		if err != nil {
			if len(all) > 0 && errors.Is(err, client.ErrNotKept) {
				return all, nil // as much as is kept
			}
			return nil, err
		}
		all = append(all, page.Items...)
		if p.Cursor = page.Next; p.Cursor == "" || len(page.Items) == 0 {
			break
		}
	}
	return all, nil
}

const nearCursor = "kept:"

// search does with kept courses what the hub does with all.
func search(all []hub.Course, f hub.CourseFilter) hub.Page[hub.Course] {
	words := strings.Fields(strings.ToLower(f.Query))
	var found []hub.Course
	for _, c := range all {
		if f.Provider != "" && c.Provider != f.Provider || f.Level != "" && c.Level != f.Level ||
			f.Category != "" && c.Category != f.Category || f.Enrolled && !c.Enrolled {
			continue
		}
		text := ""
		if len(words) > 0 {
			text = strings.ToLower(c.Slug + " " + c.Title + " " + c.Description + " " + c.Category)
		}
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			found = append(found, c)
		}
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(f.Cursor, nearCursor))
	from = max(0, min(from, len(found)))
	limit := f.Limit
	if limit <= 0 {
		limit = 30
	}
	page := hub.Page[hub.Course]{Items: found[from:min(from+limit, len(found))]}
	if from+limit < len(found) {
		page.Next = nearCursor + strconv.Itoa(from+limit)
	}
	return page
}

// Course returns a course.
func (h *Hub) Course(ctx context.Context, course string) (hub.Course, error) {
	return either(ctx, h, func(ctx context.Context) (hub.Course, error) { return h.Client.Course(ctx, course) }, func() (hub.Course, error) { return h.nearCourse(ctx, course) })
}

// outline is a course as it is kept, to look something up in it.
func (h *Hub) outline(ctx context.Context, course string) (hub.Course, error) {
	if c, ok := peek[hub.Course](ctx, h, "/v1/courses/"+url.PathEscape(course)); ok {
		return c, nil
	}
	return h.nearCourse(ctx, course)
}

// nearCourse is a course as it is kept: by itself, or as the catalogue has it.
func (h *Hub) nearCourse(ctx context.Context, course string) (hub.Course, error) {
	c, err := h.near.Course(ctx, course)
	if err == nil {
		return c, nil
	}
	all, _ := h.catalogue(ctx, h.near)
	for _, c := range all {
		if c.Slug == course || c.ID == course {
			return c, nil
		}
	}
	return c, err
}

// Lessons returns the lessons of a course, without texts.
func (h *Hub) Lessons(ctx context.Context, course string) ([]hub.Lesson, error) {
	return either(ctx, h, func(ctx context.Context) ([]hub.Lesson, error) { return h.Client.Lessons(ctx, course) }, func() ([]hub.Lesson, error) {
		l, err := h.near.Lessons(ctx, course)
		if err == nil {
			return l, nil
		}
		c, courseErr := h.nearCourse(ctx, course)
		if courseErr != nil {
			return nil, err
		}
		return c.Lessons, nil
	})
}

// Lesson returns a lesson with its text.
func (h *Hub) Lesson(ctx context.Context, course, lesson string) (hub.Lesson, error) {
	return either(ctx, h, func(ctx context.Context) (hub.Lesson, error) { return h.Client.Lesson(ctx, course, lesson) },
		func() (hub.Lesson, error) { return h.nearLesson(ctx, course, lesson) })
}

func (h *Hub) nearLesson(ctx context.Context, course, lesson string) (hub.Lesson, error) {
	c, courseErr := h.outline(ctx, course)
	slug := course
	if courseErr == nil {
		slug = c.Slug
		if !slices.ContainsFunc(c.Lessons, func(l hub.Lesson) bool { return l.ID == lesson }) && len(c.Lessons) > 0 {
			return hub.Lesson{}, hub.Errorf(hub.NotFound, "There is no such lesson.")
		}
	}
	l, err := h.near.Lesson(ctx, slug, lesson)
	if err != nil || courseErr == nil && c.Free {
		return l, err
	}
	token, err := h.token(ctx)
	if err != nil {
		return hub.Lesson{}, err
	}
	at := h.cache.At(token, "/v1/courses/"+url.PathEscape(slug)+"/lessons/"+url.PathEscape(lesson))
	if age := time.Since(at); age > Lease || age < -24*time.Hour { // or a clock that was set back
		return hub.Lesson{}, hub.Errorf(hub.Forbidden, "The hub has not confirmed for %d days that you may read this. Go online once: cmh sync", int(Lease.Hours()/24))
	}
	return l, nil
}

// Progress returns how far the caller is, with what waits for the hub.
func (h *Hub) Progress(ctx context.Context) ([]hub.CourseProgress, error) {
	return either(ctx, h, func(ctx context.Context) ([]hub.CourseProgress, error) { return h.Client.Progress(ctx) }, func() ([]hub.CourseProgress, error) {
		all, err := h.near.Progress(ctx)
		if err != nil {
			return nil, err
		}
		events, err := h.Waiting(ctx)
		if err != nil {
			return nil, err
		}
		for i := range all {
			overlay(&all[i], events)
		}
		return all, nil
	})
}

// overlay adds to p what waits.
func overlay(p *hub.CourseProgress, events []hub.LearningEvent) {
	for _, e := range events {
		if e.CourseID != p.CourseID && e.CourseID != p.Course || e.Kind == hub.QuizTaken {
			continue
		}
		for i := range p.Lessons {
			l := &p.Lessons[i]
			if l.LessonID != e.LessonID {
				continue
			}
			l.Percentage = max(l.Percentage, percentage(e))
			if l.Percentage == 100 && l.CompletedAt == nil {
				at := e.OccurredAt
				l.CompletedAt = &at
				p.LessonsDone++
			}
		}
	}
	sum := 0
	for _, l := range p.Lessons {
		sum += l.Percentage
	}
	for _, l := range p.Labs {
		sum += l.Percentage
	}
	if n := len(p.Lessons) + len(p.Labs); n > 0 {
		p.Percentage = sum / n
	}
}

func percentage(e hub.LearningEvent) int {
	if e.Kind == hub.LessonDone {
		return 100
	}
	return e.ProgressPercentage
}

// Next returns what to do next, without what is done and waits.
func (h *Hub) Next(ctx context.Context) ([]hub.NextStep, error) {
	return either(ctx, h, func(ctx context.Context) ([]hub.NextStep, error) { return h.Client.Next(ctx) }, func() ([]hub.NextStep, error) {
		all, err := h.near.Next(ctx)
		if err != nil {
			return nil, err
		}
		events, err := h.Waiting(ctx)
		return slices.DeleteFunc(all, func(n hub.NextStep) bool {
			return slices.ContainsFunc(events, func(e hub.LearningEvent) bool {
				return e.CourseID == n.Course && e.LessonID == n.Lesson && (n.Kind == "quiz") == (e.Kind == hub.QuizTaken)
			})
		}), err
	})
}

// Achievements returns what the caller has achieved.
func (h *Hub) Achievements(ctx context.Context) (hub.Achievements, error) {
	return either(ctx, h, func(ctx context.Context) (hub.Achievements, error) { return h.Client.Achievements(ctx) }, func() (hub.Achievements, error) { return h.near.Achievements(ctx) })
}

// Certificates lists the caller's certificates.
func (h *Hub) Certificates(ctx context.Context) ([]hub.Certificate, error) {
	return either(ctx, h, func(ctx context.Context) ([]hub.Certificate, error) { return h.Client.Certificates(ctx) }, func() ([]hub.Certificate, error) { return h.near.Certificates(ctx) })
}
