// Package lesson is `cmh lesson ...`: reading.
package lesson

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the lesson command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("lesson", "Read lessons", listCmd(env), viewCmd(env), doneCmd(env))
}

func listCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list COURSE",
		Short:   "List the lessons of a course",
		Example: "  cmh lesson list linux-shell\n  cmh lesson list linux-shell --json=id,title",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := b.Lessons(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.Lesson]{Title: "LESSON", Cell: func(l hub.Lesson) string { return l.ID }},
				cli.Column[hub.Lesson]{Title: "MINUTES", Cell: func(l hub.Lesson) string { return strconv.Itoa(l.Duration) }},
				cli.Column[hub.Lesson]{Title: "QUIZ", Cell: func(l hub.Lesson) string { return cli.YesNo(l.Quiz != nil) }, Word: true},
				cli.Column[hub.Lesson]{Title: "LAB", Cell: func(l hub.Lesson) string { return l.Lab }},
				cli.Column[hub.Lesson]{Title: "TITLE", Cell: func(l hub.Lesson) string { return l.Title }},
			)
		},
	}
}

func viewCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "view COURSE LESSON",
		Aliases: []string{"show"},
		Short:   "Read a lesson",
		Example: "  cmh lesson view linux-shell reading-logs\n  cmh lesson view linux-shell reading-logs --jq .body >logs.md",
		Args:    cli.Args("COURSE", "LESSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			l, err := b.Lesson(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if env.JSON {
				return cli.Print(env, l, nil)
			}
			if err := env.Read(cmd.Context(), text(env, l)); err != nil {
				return err
			}
			if l.Quiz != nil {
				env.Say("Test yourself: cmh quiz take %s %s", args[0], l.ID)
			}
			if l.Lab != "" {
				env.Say("Practise it: cmh lab start %s", l.Lab)
			}
			env.Say("Mark it done: cmh lesson done %s %s", args[0], l.ID)
			return nil
		},
	}
}

func text(env *cli.Env, l hub.Lesson) string {
	var b strings.Builder
	if !strings.HasPrefix(strings.TrimSpace(l.Body), "# ") {
		b.WriteString(cli.CleanLine(l.Title) + "\n\n")
	}
	if u := cli.CleanLine(l.VideoURL); u != "" {
		b.WriteString(env.T("Video:") + " " + u + "\n\n")
	}
	b.WriteString(env.Markdown(l.Body))
	if l.Transcript != "" {
		b.WriteString("\n" + env.Markdown("## "+env.T("What is said in the video")+"\n\n"+l.Transcript))
	}
	if len(l.Resources) > 0 {
		b.WriteString("\n" + env.T("Worth following") + "\n")
	}
	for _, r := range l.Resources {
		fmt.Fprintf(&b, "  %s: %s\n", cli.CleanLine(r.Title), cli.CleanLine(r.URL))
	}
	return b.String()
}

func doneCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "done COURSE LESSON",
		Short:   "Mark a lesson as done; doing it twice is fine",
		Example: "  cmh lesson done linux-shell reading-logs",
		Args:    cli.Args("COURSE", "LESSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			rows, err := b.RecordProgress(cmd.Context(), []hub.ProgressEntry{{CourseID: args[0], LessonID: args[1], ProgressPercentage: 100}})
			if err != nil {
				return missing(err)
			}
			if len(rows) != 1 {
				return hub.Errorf(hub.Internal, "The server did not say what became of it.")
			}
			return cli.Print(env, rows[0], func(w io.Writer) {
				env.Fprintf(w, "Done: %s.\n", cli.CleanLine(rows[0].LessonID))
				env.Say("What's next: cmh next")
			})
		},
	}
}

// missing makes of a refused row, which may be one of many, what it means for
// the only one: that there is no such course or lesson.
func missing(err error) error {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Code != hub.Invalid || len(e.Fields) != 1 || !strings.HasSuffix(e.Fields[0].Pointer, "_id") {
		return err
	}
	return &hub.Error{Code: hub.NotFound, Message: e.Fields[0].Detail, RequestID: e.RequestID}
}
