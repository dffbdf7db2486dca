package auth

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// deviceSignIn is a backend that can sign in with a code. The rules, behind SSH,
// can't: whoever is there is signed in already.
type deviceSignIn interface {
	BeginDevice(ctx context.Context, name string) (hub.DeviceCode, error)
	DeviceLogin(ctx context.Context, d hub.DeviceCode) (hub.Login, error)
}

// byCode signs in by a code that somebody confirms elsewhere.
func byCode(ctx context.Context, env *cli.Env, k Keeper) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	with, ok := b.(deviceSignIn)
	if !ok {
		return hub.Errorf(hub.Invalid, "Signing in with a code works on your own machine only.")
	}
	d, err := with.BeginDevice(ctx, "")
	if err != nil {
		return err
	}
	code := cli.CleanLine(d.UserCode)
	env.Fprintf(env.Err, "Your code is %s\n\nOpen %s on any device and enter it,\nor run this where you are signed in: cmh auth device approve %s\n\n",
		code, cli.CleanLine(d.VerificationURI), code)
	env.Say("Waiting…")
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(min(max(d.ExpiresIn, 1), 3600))*time.Second, errRanOut)
	defer cancel()
	l, err := with.DeviceLogin(ctx, d)
	if context.Cause(ctx) == errRanOut { //nolint:errorlint // it is that one or none
		err = errRanOut
	}
	if err != nil {
		return err
	}
	return signedIn(env, k, &l.User)
}

var errRanOut = hub.Errorf(hub.Unavailable, "Nobody confirmed the code in time. Begin anew.")

func deviceCmd(env *cli.Env) *cobra.Command {
	return cli.Group("device", "Sign in programs that show you a code", approveCmd(env), denyCmd(env))
}

func approveCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "approve CODE",
		Short:   "Sign in the program that shows a code",
		Long:    "Sign in the program that shows a code, as yourself. Do it only for a code that you see in a terminal of yours: whoever sent you one would be you.",
		Example: "  cmh auth device approve BDWP-HQPK",
		Args:    cli.Args("CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			d, err := b.DeviceRequest(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			question := env.Tf("Let %s act for you? It has asked at %s UTC.", cli.CleanLine(env.T(orUnnamed(d.Client))), env.Words().When(d.CreatedAt.UTC(), "15:04:05"))
			if err := env.Confirm(cmd.Context(), question); err != nil {
				return err
			}
			if err := b.ApproveDevice(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Signed in.")
			return nil
		},
	}
}

func orUnnamed(client string) string {
	if client == "" {
		return words.Mark("a program without a name")
	}
	return client
}

func denyCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "deny CODE",
		Short:   "Refuse the program that shows a code",
		Example: "  cmh auth device deny BDWP-HQPK",
		Args:    cli.Args("CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.DenyDevice(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Refused.")
			return nil
		},
	}
}
