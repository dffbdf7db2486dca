// Package prove is `cmh author test`: it plays an author's labs and says which
// steps are proven. Labs run in this process, with no hub. What a proof is,
// package labs/proof decides.
package prove

import (
	"context"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/proof"
)

// Command returns the test command.
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "test PATH",
		Short: "Prove that the checks of labs are red before the work and green after it",
		Long: "Prove labs: a lab folder, a course folder, or a repository of scenarios. Each lab is played in fresh sandboxes, of this machine and with no hub, or with --hosted in sessions of the hub: " +
			"its set-up ends, each step's check is red, the step's solution is typed into the learner's terminal, the check is green; " +
			"and all of it again from a reset. " +
			"Questions in texts have to refuse a wrong answer and take the right one. " +
			"The solution of a step is its solve script, else the blocks of its text that can be run and those of its written solution.\n\n" +
			"A step is proven, early (green before the work), flaky (its verdicts differ between plays), unsolvable, broken (can't be checked), " +
			"untried (no solution is known) or unverified (no check). Flaky, unsolvable and broken steps fail; " +
			"early and untried ones only with --strict, or in a lab with a lab.yaml.\n\n" +
			"Exit status 0 when something was proven and nothing failed, 1 when not, 2 for wrong usage, 75 when no sandbox can be made here.",
		Example: "  cmh author test ./labs/find-the-log\n" +
			"  cmh author test ./linux-shell --hosted --runs 3\n" +
			"  cmh author test . --runs 3 --parallel 4 --junit report.xml\n" +
			"  cmh author test ./scenarios --format github --strict",
		Args: cli.Args("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), env, args[0]) },
	}
	f := cmd.Flags()
	f.IntVar(&o.runs, "runs", 1, "play everything `N` times")
	f.IntVar(&o.parallel, "parallel", max(1, runtime.NumCPU()/2), "play `N` labs at once")
	f.StringArrayVar(&o.only, "lab", nil, "only the lab called `NAME`; may be repeated")
	f.BoolVar(&o.strict, "strict", false, "let early and untried steps fail, and labs that can't run here")
	f.BoolVar(&o.anyway, "anyway", false, "try labs that need what this machine can't give, too")
	f.BoolVar(&o.onHub, "hosted", false, "play the labs on the hub: as drafts that only you see, in sessions of your own")
	f.BoolVar(&o.list, "list", false, "only read the labs and say what they are; needs no sandbox")
	f.StringVar(&o.format, "format", "text", "`FORMAT` of the findings: text, or github for annotations")
	f.StringVar(&o.junit, "junit", "", "also write a JUnit report to `FILE`")
	f.StringVar(&o.solutions, "solutions", "", "take what to type from `DIR`/LAB/stepN.sh, a line at a time, where there is such a file")
	f.DurationVar(&o.patience, "patience", time.Minute, "wait `DURATION` for the end of a typed command")
	f.StringVar(&o.host.image, "image", "", "the `IMAGE` of labs that name none; debian when absent")
	f.StringVar(&o.host.images, "image-dir", "", "the `FOLDER` where images are kept")
	f.StringVar(&o.host.agent, "agent", "", "the lab-agent `PROGRAM`, when it is not beside cmh")
	return cmd
}

type options struct {
	runs, parallel           int
	only                     []string
	strict, anyway, list     bool
	onHub                    bool
	format, junit, solutions string
	patience                 time.Duration
	host                     host
}

// host is what labs are run with. Empty fields are the environment's, else
// the default.
type host struct{ image, images, agent string }

// maxRuns is more than anybody waits for.
const maxRuns = 1000

func (o options) run(ctx context.Context, env *cli.Env, from string) (err error) {
	switch {
	case !env.ShowCause: // somebody else's machine
		return hub.Errorf(hub.Invalid, "Labs can't be tested here. Run cmh on your own machine.")
	case o.runs < 1 || o.runs > maxRuns || o.parallel < 1 || o.parallel > maxRuns:
		return hub.Errorf(hub.Invalid, "--runs and --parallel take numbers from 1 to %d.", maxRuns)
	case o.format != "text" && o.format != "github":
		return hub.Errorf(hub.Invalid, "--format is text or github.")
	case o.patience <= 0:
		return hub.Errorf(hub.Invalid, "--patience is a time such as 90s.")
	}
	subjects, problems, err := find(from, o.only, o.solutions)
	if err != nil {
		return err
	}
	if o.list {
		return list(env, subjects, problems)
	}
	var found []proof.Lab
	if len(subjects) > 0 {
		if o.onHub {
			found, err = o.hosted(ctx, env, from, subjects)
		} else {
			found, err = o.prove(ctx, env, subjects)
		}
		if err != nil {
			return err
		}
	}
	result := summarise(found, problems)
	if o.junit != "" {
		if err := writeJUnit(o.junit, result); err != nil {
			return err
		}
	}
	if err := cli.Print(env, result, func(w io.Writer) { o.print(env, w, result, from) }); err != nil {
		return err
	}
	if !result.OK {
		return cli.StatusError(cli.ExitFailed)
	}
	return nil
}

func (o options) prove(ctx context.Context, env *cli.Env, subjects []proof.Subject) ([]proof.Lab, error) {
	engine, done, err := open(ctx, o.host.withDefaults(env))
	if err != nil {
		return nil, err
	}
	defer done()
	abilities, _ := labs.Abilities(engine.Driver)
	prover := proof.Prover{
		Stage: proof.Here(engine), Abilities: abilities, Runs: o.runs, Parallel: o.parallel, Strict: o.strict, Anyway: o.anyway, Patience: o.patience,
		Said: said(env),
	}
	return prover.Prove(ctx, subjects)
}

// said tells whoever watches of each lab as it ends.
func said(env *cli.Env) func(proof.Lab) {
	return func(l proof.Lab) {
		if env.ErrTTY && !env.JSON {
			env.Say("%s  %s", mark(l.State), cli.CleanLine(l.Name))
		}
	}
}

func (h host) withDefaults(env *cli.Env) host {
	or := func(v *string, name string) {
		if *v == "" {
			*v = env.Var(name)
		}
	}
	or(&h.image, "CMH_LAB_IMAGE")
	or(&h.images, "CMH_IMAGE_DIR")
	or(&h.agent, "CMH_LAB_AGENT")
	if h.agent == "" {
		h.agent = beside("lab-agent")
	}
	return h
}

// Result is what `cmh author test --json` prints.
type Result struct {
	OK         bool        `json:"ok"`
	Labs       []proof.Lab `json:"labs"`
	Problems   []Problem   `json:"problems"` // of files that are no labs because of them
	Proven     int         `json:"proven"`   // steps
	Flaky      []string    `json:"flaky"`    // LAB step N
	Unsolvable []string    `json:"unsolvable"`
	Broken     []string    `json:"broken"`
	Early      []string    `json:"early"`
	Untried    []string    `json:"untried"`
	Skipped    []string    `json:"skipped"` // labs
}

// Problem is why something is no lab.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
	said hub.Phrase
}

// exists says what is wrong with a path that has to be there.
func exists(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return hub.Errorf(hub.NotFound, "There is no folder %s.", dir)
	}
	if !info.IsDir() {
		return hub.Errorf(hub.Invalid, "%s is no folder.", dir)
	}
	return nil
}
