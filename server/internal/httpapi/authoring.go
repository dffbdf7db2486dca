package httpapi

import (
	"io"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/author/courses
func (api) authoredCourses(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	return page(as.AuthoredCourses(c.Request.Context(), p))
}

// POST /v1/author/courses
func (h api) uploadCourse(c *gin.Context, as app.Actor) (any, error) {
	if err := contentType(c, "application/gzip"); err != nil {
		return nil, err
	}
	publish, err := flag(c, "publish")
	if err != nil {
		return nil, err
	}
	return h.archived(c, as, func(archive io.Reader) (any, error) { return as.UploadCourse(c.Request.Context(), archive, publish) })
}

// GET /v1/author/courses/{course}
func (api) authoredCourse(c *gin.Context, as app.Actor) (any, error) {
	return as.AuthoredCourse(c.Request.Context(), c.Param("course"))
}

// PUT /v1/author/courses/{course}/publication
func (api) setPublished(c *gin.Context, as app.Actor) (any, error) {
	var p struct {
		Published *bool `json:"published"`
	}
	if err := decode(c, &p); err != nil {
		return nil, err
	}
	if p.Published == nil {
		return nil, missing("published")
	}
	return as.SetPublished(c.Request.Context(), c.Param("course"), *p.Published)
}

// GET /v1/author/courses/{course}/versions
func (api) courseEditions(c *gin.Context, as app.Actor) (any, error) {
	all, err := as.CourseEditions(c.Request.Context(), c.Param("course"))
	return array(all), err
}

// POST /v1/author/courses/{course}/versions/{version}/restore
func (api) restoreCourse(c *gin.Context, as app.Actor) (any, error) {
	version, err := strconv.Atoi(c.Param("version"))
	if err != nil || version < 1 || version > 1<<30 {
		return nil, hub.Errorf(hub.NotFound, "There is no such version of this course.")
	}
	return as.RestoreCourse(c.Request.Context(), c.Param("course"), version)
}

// DELETE /v1/courses/{course}/enroll
func (api) leave(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.Leave(c.Request.Context(), c.Param("course"))
}
