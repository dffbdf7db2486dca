package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/courses
func (api) courses(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	enrolled, err := flag(c, "enrolled")
	if err != nil {
		return nil, err
	}
	if err := named(c, "provider", "level"); err != nil {
		return nil, err
	}
	return page(as.Courses(c.Request.Context(), hub.CourseFilter{
		Query: c.Query("q"), Provider: c.Query("provider"), Level: c.Query("level"), Category: c.Query("category"),
		Enrolled: enrolled, Paging: p,
	}))
}

// GET /v1/courses/{course}
func (api) course(c *gin.Context, as app.Actor) (any, error) {
	return as.Course(c.Request.Context(), c.Param("course"))
}

// GET /v1/courses/{course}/lessons
func (api) lessons(c *gin.Context, as app.Actor) (any, error) {
	ls, err := as.Lessons(c.Request.Context(), c.Param("course"))
	return array(ls), err
}

// GET /v1/courses/{course}/lessons/{lesson}
func (api) lesson(c *gin.Context, as app.Actor) (any, error) {
	return as.Lesson(c.Request.Context(), c.Param("course"), c.Param("lesson"))
}

// POST /v1/courses/{course}/enroll
func (api) enroll(c *gin.Context, as app.Actor) (any, error) {
	e, err := as.Enroll(c.Request.Context(), c.Param("course"))
	return created{e}, err
}
