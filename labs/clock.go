package labs

import (
	"context"
	"errors"
	"time"
)

// Expire makes sandbox id end by itself a little after left, whatever becomes
// of this process. Each call replaces the one before. A sandbox whose agent is
// older than this request is left to the caller.
func (e *Engine) Expire(ctx context.Context, id string, left time.Duration) error {
	err := e.inside(ctx, id, func(s *Sandbox) error { return s.Expire(ctx, left) })
	if unknown := (*AgentError)(nil); errors.As(err, &unknown) {
		return nil
	}
	return err
}

// Idle is for how long nobody has been attached to sandbox id and nothing has
// happened in it: no input, no output on a terminal, no command, no check.
func (e *Engine) Idle(ctx context.Context, id string) (idle time.Duration, err error) {
	err = e.inside(ctx, id, func(s *Sandbox) error {
		h, err := s.Hello(ctx)
		idle = time.Duration(h.IdleMS) * time.Millisecond
		return err
	})
	return idle, err
}
