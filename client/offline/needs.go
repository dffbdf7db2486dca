package offline

import (
	"context"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// needs asks what only the hub can answer. While it can't be reached nobody waits
// for it once more: the client that is Away says at once what needs it.
func needs[T any](h *Hub, ask func(*client.Client) (T, error)) (T, error) {
	if h.Away() {
		return ask(h.near)
	}
	v, err := ask(h.Client)
	h.lost(err)
	return v, err
}

// What follows is what screens show beside what is kept. Whoever is in a lab
// asks for it without these: a lab is not given up for one answer that was lost.

// Leave leaves a course.
func (h *Hub) Leave(ctx context.Context, course string) error {
	_, err := needs(h, func(c *client.Client) (struct{}, error) { return struct{}{}, c.Leave(ctx, course) })
	return err
}

// Labs lists labs.
func (h *Hub) Labs(ctx context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error) {
	return needs(h, func(c *client.Client) (hub.Page[hub.Lab], error) { return c.Labs(ctx, f) })
}

// Lab returns a lab.
func (h *Hub) Lab(ctx context.Context, id string) (hub.Lab, error) {
	return needs(h, func(c *client.Client) (hub.Lab, error) { return c.Lab(ctx, id) })
}

// LabSessions lists the caller's sessions, and keeps them for a glance.
func (h *Hub) LabSessions(ctx context.Context) ([]hub.LabSession, error) {
	all, err := needs(h, func(c *client.Client) ([]hub.LabSession, error) { return c.LabSessions(ctx) })
	if token, e := h.token(ctx); err == nil && e == nil {
		h.jot(token, all)
	}
	return all, err
}

// Usage is how much of their limits the caller has used.
func (h *Hub) Usage(ctx context.Context) (hub.Usage, error) {
	return needs(h, func(c *client.Client) (hub.Usage, error) { return c.Usage(ctx) })
}

// Keys lists the caller's SSH keys.
func (h *Hub) Keys(ctx context.Context) ([]hub.Key, error) {
	return needs(h, func(c *client.Client) ([]hub.Key, error) { return c.Keys(ctx) })
}

// APIKeys lists the caller's API keys.
func (h *Hub) APIKeys(ctx context.Context) ([]hub.APIKey, error) {
	return needs(h, func(c *client.Client) ([]hub.APIKey, error) { return c.APIKeys(ctx) })
}

// Sessions lists where the caller is signed in.
func (h *Hub) Sessions(ctx context.Context) ([]hub.Session, error) {
	return needs(h, func(c *client.Client) ([]hub.Session, error) { return c.Sessions(ctx) })
}
