package author

import (
	"context"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// Publisher is what the commands about courses need of the hub.
type Publisher interface {
	AuthoredCourses(ctx context.Context, p hub.Paging) (hub.Page[hub.AuthoredCourse], error)
	AuthoredCourse(ctx context.Context, course string) (hub.Course, error)
	UploadCourse(ctx context.Context, archive io.Reader, publish bool) (hub.AuthoredCourse, error)
	SetPublished(ctx context.Context, course string, published bool) (hub.AuthoredCourse, error)
	CourseEditions(ctx context.Context, course string) ([]hub.CourseEdition, error)
	RestoreCourse(ctx context.Context, course string, version int) (hub.AuthoredCourse, error)
}

func publisher(env *cli.Env) (Publisher, error) {
	b, err := env.Backend()
	if err != nil {
		return nil, err
	}
	p, ok := b.(Publisher)
	if !ok {
		return nil, hub.Errorf(hub.Invalid, "This can't be done here. Run cmh on your own machine.")
	}
	return p, nil
}

func courseCommands(env *cli.Env) []*cobra.Command {
	return []*cobra.Command{
		pushCmd(env), coursesCmd(env), viewCmd(env), versionsCmd(env), rollbackCmd(env),
		publishCmd(env, "publish", "Show a course to everybody", true),
		publishCmd(env, "unpublish", "Hide a course from everybody who isn't enrolled", false),
	}
}

func pushCmd(env *cli.Env) *cobra.Command {
	var publish bool
	cmd := &cobra.Command{
		Use:   "push FOLDER|ARCHIVE",
		Short: "Bring a course to the hub, as a new version",
		Long: "Bring a course to the hub: its folder, or an archive of one (zip, tar.gz, tar). A course that wasn't there is a draft that only you and admins see, until it " +
			"is published. One that is published has a new version at once; who is enrolled stays in theirs until they enroll again. The same content makes no version.",
		Example: "  cmh author push ./my-course\n  cmh author push ./my-course --publish",
		Args:    cli.Args("FOLDER|ARCHIVE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !env.ShowCause { // somebody else's machine
				return hub.Errorf(hub.Invalid, "Files can't be read here. Run cmh on your own machine.")
			}
			p, err := publisher(env)
			if err != nil {
				return err
			}
			archive, err := archiveOf(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			defer func() {
				_ = archive.Close()
				_ = os.Remove(archive.Name())
			}()
			if _, err := archive.Seek(0, io.SeekStart); err != nil {
				return err
			}
			return shown(env)(p.UploadCourse(cmd.Context(), archive, publish))
		},
	}
	cmd.Flags().BoolVar(&publish, "publish", false, "show it to everybody")
	return cmd
}

// shown prints how a course stands.
func shown(env *cli.Env) func(hub.AuthoredCourse, error) error {
	return func(c hub.AuthoredCourse, err error) error {
		if err != nil {
			return err
		}
		return cli.Print(env, c, func(w io.Writer) {
			env.Fprintf(w, "%s is at version %d, %s.\n", cli.CleanLine(c.Slug), c.Version, env.T(visibility(c)))
			if !c.Published {
				env.Say("Show it to everybody with: cmh author publish %s", c.Slug)
			}
		})
	}
}

func visibility(c hub.AuthoredCourse) string {
	if c.Published {
		return words.Mark("published")
	}
	return words.Mark("not published")
}

func coursesCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "courses",
		Short:   "List the courses that you look after",
		Long:    "List the courses that you look after, drafts included; as an admin, all.",
		Example: "  cmh author courses\n  cmh author courses --jq '.[] | select(.published | not) | .slug'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := publisher(env)
			if err != nil {
				return err
			}
			all, err := cli.All(math.MaxInt, func(at hub.Paging) (hub.Page[hub.AuthoredCourse], error) {
				return p.AuthoredCourses(cmd.Context(), at)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[hub.AuthoredCourse]{Title: "COURSE", Cell: func(c hub.AuthoredCourse) string { return c.Slug }},
				cli.Column[hub.AuthoredCourse]{Title: "VERSION", Cell: func(c hub.AuthoredCourse) string { return strconv.Itoa(c.Version) }},
				cli.Column[hub.AuthoredCourse]{Title: "STATE", Cell: visibility, Word: true},
				cli.Column[hub.AuthoredCourse]{Title: "LEARNERS", Cell: func(c hub.AuthoredCourse) string { return strconv.Itoa(c.Learners) }},
				cli.Column[hub.AuthoredCourse]{Title: "TITLE", Cell: func(c hub.AuthoredCourse) string { return c.Title }},
			)
		},
	}
}

func versionsCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "versions COURSE",
		Short:   "List the versions of a course, with what each changed",
		Example: "  cmh author versions my-course\n  cmh author versions my-course --jq '.[0].lessons.changed'",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := publisher(env)
			if err != nil {
				return err
			}
			all, err := p.CourseEditions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[hub.CourseEdition]{Title: "VERSION", Cell: func(e hub.CourseEdition) string { return strconv.Itoa(e.Version) }},
				cli.Column[hub.CourseEdition]{Title: "WHEN", Cell: func(e hub.CourseEdition) string { return env.Shown().When(e.CreatedAt.Local(), "2006-01-02 15:04:05") }},
				cli.Column[hub.CourseEdition]{Title: "LEARNERS", Cell: func(e hub.CourseEdition) string { return strconv.Itoa(e.Learners) }},
				cli.Column[hub.CourseEdition]{Title: "LESSONS", Cell: func(e hub.CourseEdition) string { return changed(e.Lessons) }},
				cli.Column[hub.CourseEdition]{Title: "LABS", Cell: func(e hub.CourseEdition) string { return changed(e.Labs) }},
				cli.Column[hub.CourseEdition]{Title: "FROM", Cell: func(e hub.CourseEdition) string {
					if e.RestoredFrom == 0 {
						return ""
					}
					return strconv.Itoa(e.RestoredFrom)
				}},
			)
		},
	}
}

// changed is a diff in a word for each part: +new -gone ~other.
func changed(c hub.Changes) string {
	var words []string
	for _, part := range []struct {
		sign string
		ids  []string
	}{{"+", c.Added}, {"-", c.Removed}, {"~", c.Changed}} {
		for _, id := range part.ids {
			words = append(words, part.sign+id)
		}
	}
	return strings.Join(words, " ")
}

func rollbackCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "rollback COURSE VERSION",
		Short:   "Bring a version of a course back, as its newest",
		Long:    "Bring a version of a course back, as its newest. The ones in between stay, and so does everybody who is enrolled in one.",
		Example: "  cmh author rollback my-course 3\n  cmh author rollback my-course 3 --yes",
		Args:    cli.Args("COURSE", "VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.Atoi(args[1])
			if err != nil || version < 1 {
				return hub.Errorf(hub.Invalid, "Versions are counted from 1.")
			}
			if err := env.Confirm(cmd.Context(), env.Tf("Make version %d of %s the newest, for everybody who begins it?", version, args[0])); err != nil {
				return err
			}
			p, err := publisher(env)
			if err != nil {
				return err
			}
			return shown(env)(p.RestoreCourse(cmd.Context(), args[0], version))
		},
	}
}

func publishCmd(env *cli.Env, verb, short string, published bool) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " COURSE",
		Short:   short,
		Example: "  cmh author " + verb + " my-course",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !published {
				if err := env.Confirm(cmd.Context(), env.Tf("Hide %s from everybody who isn't enrolled?", args[0])); err != nil {
					return err
				}
			}
			p, err := publisher(env)
			if err != nil {
				return err
			}
			return shown(env)(p.SetPublished(cmd.Context(), args[0], published))
		},
	}
}
