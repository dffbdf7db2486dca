package author

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func killercodaCmd(env *cli.Env) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "killercoda PATH|GIT-URL|ARCHIVE",
		Short: "Import a repository of Killercoda or Katacoda scenarios",
		Long: "Import a repository of Killercoda or Katacoda scenarios: a local checkout, an archive of one (zip, tar.gz, tar), or a git " +
			"URL (https, ssh, git) that is cloned. " +
			"It becomes one course, each scenario a lab. What this installation cannot run is imported to be read, and says why. " +
			"Importing again changes only what changed. Exits with 0 when at least one scenario was imported, else with 1.",
		Example: "  cmh author import killercoda ./scenarios --dry-run\n" +
			"  cmh author import killercoda https://github.com/killercoda/scenario-examples\n" +
			"  cmh author import killercoda . --strict --json=labs,warnings",
		Args: cli.Args("PATH|GIT-URL|ARCHIVE"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), env, args[0]) },
	}
	cmd.Flags().StringVar(&o.slug, "slug", "", "a `SLUG` for the course; its folder's name when absent")
	cmd.Flags().StringVar(&o.title, "title", "", "a `TITLE` for the course")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only report; needs no sandbox and stores nothing")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "take warnings for errors: import only what has none")
	return cmd
}

type importOptions struct {
	slug, title    string
	dryRun, strict bool
}

func (o importOptions) run(ctx context.Context, env *cli.Env, from string) error {
	if !env.ShowCause { // somebody else's machine
		return hub.Errorf(hub.Invalid, "Files can't be read here. Run cmh on your own machine.")
	}
	backend, err := env.Backend()
	if err != nil {
		return err
	}
	importer, ok := backend.(Importer)
	if !ok {
		return hub.Errorf(hub.Invalid, "Nothing can be imported here. Run cmh on your own machine.")
	}
	archive, err := archiveOf(ctx, env, from)
	if err != nil {
		return err
	}
	defer func() {
		_ = archive.Close()
		_ = os.Remove(archive.Name())
	}()
	opts := hub.ImportOptions{Kind: "killercoda", Slug: o.slug, Title: o.title, DryRun: o.dryRun || o.strict}
	report, err := send(ctx, importer, opts, archive)
	if err != nil {
		return err
	}
	clean := len(report.Warnings)+len(report.Rejected) == 0
	if o.strict && clean && !o.dryRun && len(report.Labs) > 0 {
		opts.DryRun = false
		if report, err = send(ctx, importer, opts, archive); err != nil {
			return err
		}
	}
	if err := cli.Print(env, report, func(w io.Writer) { o.print(env, w, report) }); err != nil {
		return err
	}
	switch {
	case len(report.Labs) == 0:
		env.Say("No scenario was imported.")
		return cli.StatusError(cli.ExitFailed)
	case o.strict && !clean:
		env.Say("Nothing was imported: with --strict every warning is an error.")
		return cli.StatusError(cli.ExitFailed)
	}
	return nil
}

// archiveOf packs what the learner names into a file that the caller removes.
func archiveOf(ctx context.Context, env *cli.Env, from string) (*os.File, error) {
	if info, err := os.Stat(from); err == nil && info.Mode().IsRegular() {
		return repack(ctx, from)
	}
	dir, name, done, err := source(ctx, env, from)
	if err != nil {
		return nil, err
	}
	defer done()
	return pack(ctx, dir, name)
}

// send uploads the archive from its beginning.
func send(ctx context.Context, importer Importer, o hub.ImportOptions, archive *os.File) (hub.ImportReport, error) {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return hub.ImportReport{}, err
	}
	// The file stays ours to close.
	return importer.ImportScenarios(ctx, o, io.NewSectionReader(archive, 0, 1<<62))
}

func (o importOptions) print(env *cli.Env, w io.Writer, r hub.ImportReport) {
	_ = cli.PrintList(env, r.Labs,
		cli.Column[hub.ImportedLab]{Title: "LAB", Cell: func(l hub.ImportedLab) string { return l.Slug }},
		cli.Column[hub.ImportedLab]{Title: "TITLE", Cell: func(l hub.ImportedLab) string { return l.Title }},
		cli.Column[hub.ImportedLab]{Title: "STEPS", Cell: func(l hub.ImportedLab) string { return fmt.Sprint(l.Steps) }},
		cli.Column[hub.ImportedLab]{Title: "CHECKS", Cell: func(l hub.ImportedLab) string { return fmt.Sprint(l.Checks) }},
		cli.Column[hub.ImportedLab]{Title: "QUESTIONS", Cell: func(l hub.ImportedLab) string { return fmt.Sprint(l.Quizzes) }},
		cli.Column[hub.ImportedLab]{Title: "ASSETS", Cell: func(l hub.ImportedLab) string { return fmt.Sprint(l.Assets) }},
		cli.Column[hub.ImportedLab]{Title: "NEEDS", Cell: func(l hub.ImportedLab) string { return strings.Join(l.Needs, ",") }},
		cli.Column[hub.ImportedLab]{Title: "RUNS HERE", Cell: func(l hub.ImportedLab) string { return runs(env.Shown(), l) }},
		cli.Column[hub.ImportedLab]{Title: "STATE", Cell: func(l hub.ImportedLab) string { return l.State }, Word: true},
	)
	for _, line := range r.Rejected {
		env.Say("rejected: %s", line)
	}
	for _, line := range r.Warnings {
		env.Say("warning: %s", env.Words().Told(line))
	}
	for _, l := range r.Labs {
		if len(l.UnknownKeys) > 0 {
			env.Say("%s: keys that mean nothing here: %s", l.Path, strings.Join(l.UnknownKeys, ", "))
		}
	}
	readable := 0
	for _, l := range r.Labs {
		if !l.Runnable {
			readable++
		}
	}
	env.Say("%d scenarios found, %d to run here, %d only to read, %d rejected, %d warnings. Licence: %s.",
		len(r.Labs)+len(r.Rejected), len(r.Labs)-readable, readable, len(r.Rejected), len(r.Warnings), r.Licence)
	switch {
	case r.Course != "":
		env.Say("They are the course %s, version %d. See it with: cmh course view %s", r.Course, r.Version, r.Course)
	case o.dryRun:
		env.Say("This was a dry run: nothing was stored.")
	}
	if r.Licence == "none found" {
		env.Say("The repository names no licence: whether you may publish it is for you to know.")
	}
}

func runs(sp words.Speaker, l hub.ImportedLab) string {
	if l.Runnable {
		return sp.T("yes")
	}
	return sp.Tf("no: %s", sp.Told(l.Reason))
}
