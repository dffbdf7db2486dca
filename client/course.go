package client

import (
	"context"
	"net/url"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Courses lists courses, without texts.
func (c *Client) Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	q := url.Values{}
	for name, value := range map[string]string{"q": f.Query, "provider": f.Provider, "level": f.Level, "category": f.Category} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Enrolled {
		q.Set("enrolled", "true")
	}
	return list[hub.Course](ctx, c, "/v1/courses", q, f.Paging)
}

// Course returns a course by slug or id, without lesson bodies.
func (c *Client) Course(ctx context.Context, course string) (hub.Course, error) {
	return get[hub.Course](ctx, c, "/v1/courses/"+seg(course), nil)
}

// Lessons returns a course's lessons in order, without bodies.
func (c *Client) Lessons(ctx context.Context, course string) ([]hub.Lesson, error) {
	return get[[]hub.Lesson](ctx, c, "/v1/courses/"+seg(course)+"/lessons", nil)
}

// Lesson returns one lesson with its body.
func (c *Client) Lesson(ctx context.Context, course, lesson string) (hub.Lesson, error) {
	return get[hub.Lesson](ctx, c, "/v1/courses/"+seg(course)+"/lessons/"+seg(lesson), nil)
}

// Enroll enrolls in the newest version of a course.
func (c *Client) Enroll(ctx context.Context, course string) (hub.Enrollment, error) {
	return post[hub.Enrollment](ctx, c, "/v1/courses/"+seg(course)+"/enroll", nil)
}
