package lab

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func nextCmd(env *cli.Env) *cobra.Command {
	return act(env, "next", "Go on to the next step", "Go on to the next step, once the current one has passed. The text of the new step is shown.",
		func(b cli.Backend, ctx context.Context, ref string) (hub.LabSession, error) {
			return b.NextLabStep(ctx, ref)
		},
		func(ctx context.Context, b cli.Backend, s hub.LabSession) error { return showStep(ctx, env, b, s) })
}

func skipCmd(env *cli.Env) *cobra.Command {
	return act(env, "skip", "Leave a step undone and go on", "Leave a step undone and go on. It can be had after three checks that were not right.",
		func(b cli.Backend, ctx context.Context, ref string) (hub.LabSession, error) {
			return b.SkipLabStep(ctx, ref)
		},
		func(ctx context.Context, b cli.Backend, s hub.LabSession) error { return showStep(ctx, env, b, s) })
}

func submitCmd(env *cli.Env) *cobra.Command {
	return act(env, "submit", "Hand a lab in; its sandbox goes away", "Hand a lab in. What you did is recorded and its sandbox goes away.",
		func(b cli.Backend, ctx context.Context, ref string) (hub.LabSession, error) {
			return b.SubmitLab(ctx, ref)
		}, nil)
}

func stopCmd(env *cli.Env) *cobra.Command {
	return act(env, "stop", "Throw a lab's sandbox away", "Throw a lab's sandbox away. Steps that have passed stay passed. Its files are kept, where the hub keeps anything: see cmh lab resume.",
		func(b cli.Backend, ctx context.Context, ref string) (hub.LabSession, error) {
			return b.StopLab(ctx, ref)
		}, nil)
}
