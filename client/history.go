package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// LabHistory lists the caller's lab sessions, running ones included, the newest
// first.
func (c *Client) LabHistory(ctx context.Context, f hub.LabHistoryFilter) (hub.Page[hub.LabAttempt], error) {
	return list[hub.LabAttempt](ctx, c, "/v1/labs/history", filled(map[string]string{"lab": f.Lab, "course": f.Course}), f.Paging)
}

// QuizAttempts lists how the caller answered the quiz of a lesson, the newest
// first.
func (c *Client) QuizAttempts(ctx context.Context, course, lesson string, p hub.Paging) (hub.Page[hub.QuizAttempt], error) {
	return list[hub.QuizAttempt](ctx, c, "/v1/courses/"+seg(course)+"/lessons/"+seg(lesson)+"/quiz/attempts", nil, p)
}
