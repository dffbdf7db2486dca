package lab

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// onOff returns a command that switches something of a session, or says how it
// stands.
func onOff[T any](env *cli.Env, name, short, long string, set func(cli.Backend, context.Context, string, bool) (T, error),
	get func(cli.Backend, context.Context, string) (T, error), say func(T) string,
) *cobra.Command {
	return &cobra.Command{
		Use:       name + " on|off|status [REF]",
		Short:     short,
		Long:      long + "\n" + refHelp,
		Example:   "  cmh lab " + name + " on\n  cmh lab " + name + " status log-triage --json",
		ValidArgs: []string{"on", "off", "status"},
		Args:      cli.Args("on|off|status", "[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "on" && args[0] != "off" && args[0] != "status" {
				return hub.Errorf(hub.Invalid, "Say on, off or status.")
			}
			b, ref, err := backendAndSession(cmd.Context(), env, args[1:])
			if err != nil {
				return err
			}
			var v T
			if args[0] == "status" {
				v, err = get(b, cmd.Context(), ref)
			} else {
				v, err = set(b, cmd.Context(), ref, args[0] == "on")
			}
			if err != nil {
				return err
			}
			return cli.Print(env, v, func(w io.Writer) { _, _ = fmt.Fprintln(w, say(v)) })
		},
	}
}

func shareCmd(env *cli.Env) *cobra.Command {
	return onOff(env, "share", "Let those who teach look on in your lab",
		"Let the author of the lab's course and the admins look on in your lab: they see its terminals and can do nothing there. "+
			"Each terminal says when somebody begins. Off ends it within seconds.",
		cli.Backend.ShareLab, cli.Backend.LabSharing, func(s hub.LabSharing) string {
			if s.Shared {
				return env.Tf("Shared since %s: those who teach may look on. They need: cmh lab watch %s", env.Words().When(s.SharedAt.Local(), "15:04"), s.SessionID)
			}
			return env.T("Not shared: nobody can look on.")
		})
}

func recordCmd(env *cli.Env) *cobra.Command {
	return onOff(env, "record", "Record what your lab's shells print",
		"Record what your lab's shells print, from the next attach on. What you type is not recorded, so what you type where nothing is shown, a password, "+
			"is not in it. Recordings are yours alone: cmh lab recordings.",
		cli.Backend.RecordLab, cli.Backend.LabRecording, func(r hub.LabRecording) string {
			if r.Recording {
				return env.T("Recorded, from the next attach on.")
			}
			return env.T("Not recorded.")
		})
}

func watchCmd(env *cli.Env, attach Attach) *cobra.Command {
	return &cobra.Command{
		Use:   "watch [SESSION]",
		Short: "Look on in a lab whose learner lets you",
		Long: "Look on in a lab whose learner lets you: you see the terminal and can do nothing there. Without SESSION the sessions that you may look on in " +
			"are listed. Ctrl-C leaves. For the authors of a course, and admins.",
		Example: "  cmh lab watch\n  cmh lab watch s-4kq2m7ah3x",
		Args:    cli.Args("[SESSION]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listShared(cmd.Context(), env, b)
			}
			if !env.InTTY || !env.OutTTY || attach == nil {
				return hub.Errorf(hub.Invalid, "Looking on needs a terminal of your own: cmh lab watch %s, or ssh watch-%s@HOST", args[0], args[0])
			}
			status, detached, err := attach(cmd.Context(), func(ctx context.Context, publicKey string) (hub.SSHCertificate, error) {
				return b.WatchCertificate(ctx, args[0], publicKey)
			}, "", func(s string) { env.Say("%s", env.T(s)) })
			if detached {
				return nil
			}
			return ended(env, status, err)
		},
	}
}

func listShared(ctx context.Context, env *cli.Env, b cli.Backend) error {
	shared, err := b.SharedLabs(ctx)
	if err != nil {
		return err
	}
	if len(shared) == 0 && !env.JSON {
		env.Say("No learner lets you look on right now.")
		return nil
	}
	return cli.PrintList(env, shared,
		cli.Column[hub.SharedLab]{Title: "SESSION", Cell: func(s hub.SharedLab) string { return s.SessionID }},
		cli.Column[hub.SharedLab]{Title: "LEARNER", Cell: func(s hub.SharedLab) string { return s.Learner }},
		cli.Column[hub.SharedLab]{Title: "TITLE", Cell: func(s hub.SharedLab) string { return s.Title }},
	)
}
