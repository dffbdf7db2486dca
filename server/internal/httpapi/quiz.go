package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// POST /v1/courses/{course}/lessons/{lesson}/quiz
func (api) takeQuiz(c *gin.Context, as app.Actor) (any, error) {
	var answers hub.QuizAnswers
	if err := decode(c, &answers); err != nil {
		return nil, err
	}
	if answers.Answers == nil {
		return nil, missing("answers")
	}
	return as.TakeQuiz(c.Request.Context(), c.Param("course"), c.Param("lesson"), answers)
}
