// Package sync is `cmh sync`: telling the hub what was done offline, and keeping
// what may be read there.
package sync

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Result is what `cmh sync --json` prints.
type Result struct {
	Recorded int                        `json:"recorded"` // changes that the hub has now
	Quizzes  map[string]*hub.QuizResult `json:"quizzes"`  // that it has marked, by "course lesson"
	Refused  []offline.Refused          `json:"refused"`  // now
	Waiting  []hub.LearningEvent        `json:"waiting"`  // still
	offline.Kept
}

// Command returns the sync command.
func Command(env *cli.Env, open func() (*offline.Hub, error)) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Tell the hub what you did offline, and keep what you may read there",
		Long: "Tell the hub what you did offline, and keep the catalogue and the lessons and quizzes of your courses on this machine, for when there is no network. " +
			"What you did is told by itself, too, with the next command that reaches the hub. --dry-run only shows what waits.",
		Example: "  cmh sync\n  cmh sync --dry-run\n  cmh sync --jq '.waiting | length'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := open()
			if err != nil {
				return err
			}
			return run(cmd.Context(), env, h, dry)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what waits")
	return cmd
}

func run(ctx context.Context, env *cli.Env, h *offline.Hub, dry bool) error {
	r := Result{Quizzes: map[string]*hub.QuizResult{}, Refused: []offline.Refused{}, Waiting: []hub.LearningEvent{}}
	waiting, err := h.Waiting(ctx)
	if err != nil {
		return err
	}
	r.Waiting = append(r.Waiting, waiting...)
	var trouble error
	if !dry && !env.WithoutHub() {
		if trouble = tell(ctx, h, &r); trouble == nil {
			r.Kept, trouble = h.Fetch(ctx)
		}
	}
	if err := cli.Print(env, r, func(w io.Writer) { show(w, r, trouble == nil && r.Courses > 0) }); err != nil {
		return err
	}
	return trouble
}

func tell(ctx context.Context, h *offline.Hub, r *Result) error {
	done, err := h.Catch(ctx)
	r.Recorded, r.Refused = done.Recorded, append(r.Refused, done.Refused...)
	maps.Copy(r.Quizzes, done.Quizzes)
	if waiting, err := h.Waiting(ctx); err == nil {
		r.Waiting = append([]hub.LearningEvent{}, waiting...)
	}
	return err
}

func show(w io.Writer, r Result, kept bool) {
	p := func(format string, a ...any) { _, _ = fmt.Fprintln(w, cli.CleanLine(fmt.Sprintf(format, a...))) }
	for _, key := range slices.Sorted(maps.Keys(r.Quizzes)) {
		q := r.Quizzes[key]
		course, lesson, _ := strings.Cut(key, " ")
		p("Quiz of %s in %s: %s, %d%%.", lesson, course, map[bool]string{true: "passed", false: "not passed"}[q.Passed], q.Score)
	}
	for _, e := range r.Waiting {
		p("Waits: %s of %s in %s, %s.", offline.Doing(e), e.LessonID, e.CourseID, e.OccurredAt.Local().Format("2006-01-02 15:04"))
	}
	if len(r.Waiting) == 0 {
		p("Nothing waits for the hub.")
	}
	if kept {
		p("Kept for reading offline: a catalogue of %d courses, and the texts of %d of yours.", r.Courses, r.Texts)
	}
}
