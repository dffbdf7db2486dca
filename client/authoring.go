package client

import (
	"context"
	"io"
	"net/url"
	"strconv"

	"github.com/cloudmastershub/cmh/client/hub"
)

// AuthoredCourses lists the courses that the caller looks after, drafts
// included. The caller has to be an instructor, here and below.
func (c *Client) AuthoredCourses(ctx context.Context, p hub.Paging) (hub.Page[hub.AuthoredCourse], error) {
	return list[hub.AuthoredCourse](ctx, c, "/v1/author/courses", nil, p)
}

// AuthoredCourse returns the newest version of one of them, with its texts.
func (c *Client) AuthoredCourse(ctx context.Context, course string) (hub.Course, error) {
	return get[hub.Course](ctx, c, "/v1/author/courses/"+seg(course), nil)
}

// UploadCourse makes a new version of a course out of its folder, packed as a
// tar.gz of at most 64 MiB. A course that wasn't there is a draft until it is
// published.
func (c *Client) UploadCourse(ctx context.Context, archive io.Reader, publish bool) (hub.AuthoredCourse, error) {
	return send[hub.AuthoredCourse](ctx, c, "/v1/author/courses", url.Values{"publish": {strconv.FormatBool(publish)}}, archive)
}

// SetPublished makes a course be there for everybody, or only for who is
// enrolled.
func (c *Client) SetPublished(ctx context.Context, course string, published bool) (hub.AuthoredCourse, error) {
	return put[hub.AuthoredCourse](ctx, c, "/v1/author/courses/"+seg(course)+"/publication", hub.Publication{Published: published})
}

// CourseEditions lists the versions of a course, the newest first.
func (c *Client) CourseEditions(ctx context.Context, course string) ([]hub.CourseEdition, error) {
	return get[[]hub.CourseEdition](ctx, c, "/v1/author/courses/"+seg(course)+"/versions", nil)
}

// RestoreCourse brings a version of a course back, as its newest.
func (c *Client) RestoreCourse(ctx context.Context, course string, version int) (hub.AuthoredCourse, error) {
	return post[hub.AuthoredCourse](ctx, c, "/v1/author/courses/"+seg(course)+"/versions/"+strconv.Itoa(version)+"/restore", nil)
}

// Leave takes the caller out of a course. What they did in it stays.
func (c *Client) Leave(ctx context.Context, course string) error {
	return remove(ctx, c, "/v1/courses/"+seg(course)+"/enroll")
}
