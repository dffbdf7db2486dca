package lab

import (
	"bytes"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/cast"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func recordingsCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "recordings",
		Short:   "List, save and delete your recordings",
		Long:    "List your recordings, the newest first. They are made while cmh lab record is on, and yours alone.",
		Example: "  cmh lab recordings\n  cmh lab recordings --json=id,title,duration\n  cmh lab recordings export r-4kq2m7ah3x >lab.cast",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			rs, err := b.Recordings(cmd.Context())
			if err != nil {
				return err
			}
			if len(rs) == 0 && !env.JSON {
				env.Say("You have no recordings. Begin with: cmh lab record on")
				return nil
			}
			return cli.PrintList(env, rs,
				cli.Column[hub.Recording]{Title: "RECORDING", Cell: func(r hub.Recording) string { return r.ID }},
				cli.Column[hub.Recording]{Title: "BEGAN", Cell: func(r hub.Recording) string { return env.Shown().When(r.StartedAt.Local(), "2006-01-02 15:04") }},
				cli.Column[hub.Recording]{Title: "LENGTH", Cell: func(r hub.Recording) string {
					return time.Duration(r.Duration * float64(time.Second)).Round(time.Second).String()
				}},
				cli.Column[hub.Recording]{Title: "TITLE", Cell: func(r hub.Recording) string { return r.Title }},
			)
		},
	}
	cmd.AddCommand(exportCmd(env), deleteRecordingCmd(env))
	return cmd
}

func exportCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "export ID",
		Short:   "Print a recording as an asciicast",
		Long:    "Print a recording as an asciicast (version 2), which asciinema and its players understand.",
		Example: "  cmh lab recordings export r-4kq2m7ah3x >lab.cast",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			file, err := b.Recording(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = env.Out.Write(file) // JSON: control characters are escaped in it
			return err
		},
	}
}

func deleteRecordingCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID",
		Short:   "Delete a recording",
		Long:    "Delete a recording. One that is being made ends.",
		Example: "  cmh lab recordings delete r-4kq2m7ah3x",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.RemoveRecording(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Deleted.")
			return nil
		},
	}
}

func replayCmd(env *cli.Env, local bool) *cobra.Command {
	var (
		speed float64
		idle  time.Duration
	)
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Play a recording in the terminal",
		Long: "Play a recording in the terminal. Only what draws is let through: nothing of it can set your window's title, reach your clipboard or make your " +
			"terminal answer. On your own machine a .cast file may take the place of ID.",
		Example: "  cmh lab replay r-4kq2m7ah3x --speed 2 --idle 1s\n  cmh lab replay ./lab.cast",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if speed <= 0 || speed > 1000 || idle < 0 {
				return hub.Errorf(hub.Invalid, "--speed is a number from 0.001 to 1000, --idle a time.")
			}
			file, err := recordingOf(cmd, env, args[0], local)
			if err != nil {
				return err
			}
			r, err := cast.NewReader(bytes.NewReader(file))
			if err != nil {
				return hub.Wrap(err, hub.Invalid, "That is no recording.")
			}
			return cast.Play(cmd.Context(), r, env.Out, cast.Pace{Speed: speed, Idle: idle})
		},
	}
	cmd.Flags().Float64Var(&speed, "speed", 1, "play so many `TIMES` as fast")
	cmd.Flags().DurationVar(&idle, "idle", 2*time.Second, "make no pause longer than this `LONG`; 0 for as long as they were")
	return cmd
}

func recordingOf(cmd *cobra.Command, env *cli.Env, name string, local bool) ([]byte, error) {
	if local {
		if file, err := os.ReadFile(name); err == nil {
			return file, nil
		}
	}
	b, err := env.Backend()
	if err != nil {
		return nil, err
	}
	return b.Recording(cmd.Context(), name)
}
