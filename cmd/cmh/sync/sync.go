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
	if err := cli.Print(env, r, func(w io.Writer) { show(env, w, r, trouble == nil && r.Courses > 0) }); err != nil {
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

func show(env *cli.Env, w io.Writer, r Result, kept bool) {
	say := env.Words()
	p := func(text string) { _, _ = fmt.Fprintln(w, cli.CleanLine(text)) }
	for _, key := range slices.Sorted(maps.Keys(r.Quizzes)) {
		q := r.Quizzes[key]
		course, lesson, _ := strings.Cut(key, " ")
		if q.Passed {
			p(say.Tf("Quiz of %s in %s: passed, %d%%.", lesson, course, q.Score))
		} else {
			p(say.Tf("Quiz of %s in %s: not passed, %d%%.", lesson, course, q.Score))
		}
	}
	for _, e := range r.Waiting {
		at := say.When(e.OccurredAt.Local(), "2006-01-02 15:04")
		switch e.Kind {
		case hub.QuizTaken:
			p(say.Tf("Waits: the quiz of %s in %s, %s.", e.LessonID, e.CourseID, at))
		case hub.LessonDone:
			p(say.Tf("Waits: the completion of %s in %s, %s.", e.LessonID, e.CourseID, at))
		default:
			p(say.Tf("Waits: the progress of %s in %s, %s.", e.LessonID, e.CourseID, at))
		}
	}
	if len(r.Waiting) == 0 {
		p(say.T("Nothing waits for the hub."))
	}
	if kept {
		p(say.N(r.Courses, "Kept for reading offline: a catalogue of %d course, and the texts of %d of yours.",
			"Kept for reading offline: a catalogue of %d courses, and the texts of %d of yours.", r.Courses, r.Texts))
	}
}
