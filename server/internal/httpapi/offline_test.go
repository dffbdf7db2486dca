package httpapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// machine is a learner's: what they read on it is kept.
type machine struct {
	online, offline *offline.Hub
	place           offline.Place
}

func newMachine(t *testing.T, api *apitest.API, token string) machine {
	t.Helper()
	m := machine{place: offline.Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}}
	cache := offline.OpenCache(m.place)
	whose := func(context.Context) (string, error) { return token, nil }
	far := client.New(api.URL, client.Token(token), client.Keep(cache))
	near := client.New(api.URL, client.Token(token), client.Keep(cache.Near()), client.Away())
	m.online, m.offline = offline.New(far, near, cache, m.place, false, whose), offline.New(near, near, cache, m.place, true, whose)
	return m
}

// Who is no premium member any more reads no premium text offline once their
// machine has heard of it, whichever answer it heard it from; what is free, and
// what they did, they keep.
func TestALostTierEndsWhatIsKept(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(*offline.Hub) error{
		"from the profile": func(h *offline.Hub) error { _, err := h.Profile(t.Context()); return err },
		"from a text": func(h *offline.Hub) error {
			if _, err := h.Lesson(t.Context(), "paid", "sorting"); hub.CodeOf(err) != hub.Forbidden {
				return errors.New("the hub lets them read on")
			}
			return nil
		},
		"from cmh sync": func(h *offline.Hub) error { _, err := h.Fetch(t.Context()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := apitest.New(t)
			api.Watch(t)
			teacher := newAuthor(t, api, hub.Instructor)
			teacher.publish(t, "paid", premium)
			teacher.publish(t, "free")
			c := api.User(t, hub.Premium)
			u, err := c.Profile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			token := api.Token(t, c)
			m := newMachine(t, api, token)
			for _, course := range []string{"paid", "free"} {
				if _, err := m.online.Enroll(t.Context(), course); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := m.online.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			if l, err := m.offline.Lesson(t.Context(), "paid", "sorting"); err != nil || l.Body == "" {
				t.Fatalf("while they pay: %+v, %v", l, err)
			}
			apitest.Code(t, finish(t, m.offline, "free", "counting"), "")
			if err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error { return tx.SetRole(ctx, u.ID, hub.Free) }); err != nil {
				t.Fatal(err)
			}
			plain := client.New(api.URL, client.Token(token))
			eventually(t, "no member any more", func() bool {
				_, refused := plain.Lesson(t.Context(), "paid", "sorting")
				now, err := plain.Profile(t.Context())
				return err == nil && now.Role == hub.Free && hub.CodeOf(refused) == hub.Forbidden
			})
			if err := hear(m.online); err != nil {
				t.Fatal(err)
			}
			for _, lesson := range []string{"sorting", "counting"} {
				if l, err := m.offline.Lesson(t.Context(), "paid", lesson); err == nil {
					t.Errorf("%s is still readable: %q", lesson, l.Body)
				}
			}
			if _, err := m.offline.Course(t.Context(), "free"); err != nil {
				t.Errorf("what is free: %v", err)
			}
			if done, err := m.online.Catch(t.Context()); err != nil || done.Recorded != 1 {
				t.Errorf("what they did: %+v, %v", done, err)
			}
		})
	}
}

func finish(t *testing.T, h *offline.Hub, course, lesson string) error {
	t.Helper()
	_, err := h.RecordProgress(t.Context(), []hub.ProgressEntry{entry(course, lesson, 100)})
	return err
}

// A revoked key reads nothing more on the machine that had it, from the first
// answer that says so; what was done with it waits for its owner to see.
func TestARevokedKeyEndsWhatIsKept(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "free")
	c := api.User(t, hub.Free)
	key, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Name: "bot", Scopes: []hub.Scope{hub.CoursesRead, hub.ProgressWrite}})
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, api, key.Token)
	if _, err := m.online.Course(t.Context(), "free"); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, finish(t, m.offline, "free", "counting"), "")
	if err := c.RevokeAPIKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = m.online.Course(t.Context(), "free")
	apitest.Code(t, err, hub.Unauthenticated)
	if _, err := m.offline.Course(t.Context(), "free"); !errors.Is(err, client.ErrNotKept) {
		t.Errorf("it reads on: %v", err)
	}
	if waits, err := m.offline.Waiting(t.Context()); err != nil || len(waits) != 1 {
		t.Errorf("what was done is gone: %v, %v", waits, err)
	}
}
