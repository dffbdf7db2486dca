package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// TakeQuiz has answers to the quiz of a lesson marked; no answers are an empty
// sheet.
func (c *Client) TakeQuiz(ctx context.Context, course, lesson string, answers hub.QuizAnswers) (hub.QuizResult, error) {
	if answers.Answers == nil {
		answers.Answers = map[string][]string{}
	}
	return post[hub.QuizResult](ctx, c, "/v1/courses/"+seg(course)+"/lessons/"+seg(lesson)+"/quiz", answers)
}
