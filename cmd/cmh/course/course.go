// Package course is `cmh course ...`: finding courses and joining them.
package course

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the course command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("course", "Find courses and join them",
		listCmd(env), searchCmd(env), viewCmd(env), enrollCmd(env), leaveCmd(env))
}

// courses walks the pages of a list until there are limit courses, or no more.
func courses(ctx context.Context, b cli.Learning, f hub.CourseFilter, limit int) ([]hub.Course, error) {
	var all []hub.Course
	for {
		f.Limit = min(limit-len(all), 100)
		page, err := b.Courses(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if len(all) >= limit || page.Next == "" || len(page.Items) == 0 {
			return all[:min(limit, len(all))], nil
		}
		f.Cursor = page.Next
	}
}
