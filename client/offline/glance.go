package offline

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	// glance is how long a glance waits for the hub: whoever has pressed a key is
	// waiting, and the rest of a tenth of a second is for the program to start.
	glance = 60 * time.Millisecond

	// How long what is kept is good enough for one without asking.
	freshCourses  = 10 * time.Minute
	freshSessions = 5 * time.Second
)

// sessionsPath is where the caller's sessions are kept. No client answers from
// there: labs need the hub.
const sessionsPath = "/v1/labs/sessions"

// Glance returns the courses of the catalogue, at once: as they are kept, or as the
// hub has them when it answers in no time. It never fails, nor renews a sign-in,
// which must not be given up halfway.
func (h *Hub) Glance(ctx context.Context) []hub.Course {
	h.glimpse(ctx, "/v1/courses?limit=100", freshCourses, func(ctx context.Context, quick *client.Client, _ string) {
		_, _ = h.catalogue(ctx, quick) // keeps what it gets
	})
	all, _ := h.catalogue(ctx, h.near)
	return all
}

// GlanceAt returns one course, with its lessons, as Glance does.
func (h *Hub) GlanceAt(ctx context.Context, course string) hub.Course {
	h.glimpse(ctx, "/v1/courses/"+course, freshCourses, func(ctx context.Context, quick *client.Client, _ string) {
		_, _ = quick.Course(ctx, course)
	})
	c, _ := h.nearCourse(ctx, course)
	return c
}

// GlanceSessions returns the caller's lab sessions as Glance does.
func (h *Hub) GlanceSessions(ctx context.Context) []hub.LabSession {
	token := h.glimpse(ctx, sessionsPath, freshSessions, func(ctx context.Context, quick *client.Client, token string) {
		if all, err := quick.LabSessions(ctx); err == nil {
			h.jot(token, all)
		}
	})
	return h.jotted(token)
}

// glimpse asks the hub for what is not fresh, if it can be asked. It returns the
// token that what is kept is found by.
func (h *Hub) glimpse(ctx context.Context, path string, fresh time.Duration, ask func(ctx context.Context, quick *client.Client, token string)) string {
	ctx, cancel := context.WithTimeout(ctx, h.glance)
	defer cancel()
	token, err := h.token(ctx)
	if err == nil && h.Quick != nil && !h.Away() && time.Since(h.cache.At(token, path)) > fresh {
		ask(ctx, h.Quick(token), token)
	}
	return token
}

// StartLab starts a lab, and keeps its session for a glance.
func (h *Hub) StartLab(ctx context.Context, lab string) (hub.LabSession, error) {
	s, err := h.Client.StartLab(ctx, lab)
	if token, e := h.token(ctx); err == nil && e == nil {
		rest := slices.DeleteFunc(h.jotted(token), func(o hub.LabSession) bool { return o.ID == s.ID })
		h.jot(token, append([]hub.LabSession{s}, rest...))
	}
	return s, err
}

// mostSessions is more than anybody chooses from.
const mostSessions = 50

// jot keeps of sessions what a glance shows.
func (h *Hub) jot(token string, all []hub.LabSession) {
	short := make([]hub.LabSession, 0, min(len(all), mostSessions))
	for _, s := range all[:min(len(all), mostSessions)] {
		short = append(short, hub.LabSession{ID: s.ID, LabID: s.LabID, Title: s.Title, State: s.State})
	}
	body, err := json.Marshal(short)
	if err != nil {
		return
	}
	if k, ok := h.cache.Get(token, sessionsPath); ok && string(k.Body) == string(body) {
		h.cache.Verified(token, sessionsPath)
		return
	}
	h.cache.Put(token, sessionsPath, client.Kept{Body: body})
}

func (h *Hub) jotted(token string) []hub.LabSession {
	k, _ := h.cache.Get(token, sessionsPath)
	var all []hub.LabSession
	_ = json.Unmarshal(k.Body, &all) // of nothing: none
	return all
}
