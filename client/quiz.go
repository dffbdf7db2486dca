package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// TakeQuiz has answers to the quiz of a lesson marked.
func (c *Client) TakeQuiz(ctx context.Context, course, lesson string, answers hub.QuizAnswers) (hub.QuizResult, error) {
	return post[hub.QuizResult](ctx, c, "/v1/courses/"+seg(course)+"/lessons/"+seg(lesson)+"/quiz", answers)
}
