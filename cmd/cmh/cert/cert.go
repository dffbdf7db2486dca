// Package cert is `cmh cert`: what one has completed, shown to others.
package cert

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the cert command.
func Command(env *cli.Env) *cobra.Command {
	cmd := cli.Group("cert", "List, verify and print certificates", listCmd(env), verifyCmd(env), downloadCmd(env))
	cmd.Aliases = []string{"certificate"}
	return cmd
}

func listCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List your certificates",
		Long:    "List your certificates, the newest first. You get one for each course of which you have completed every lesson and lab.",
		Example: "  cmh cert list\n  cmh cert list --jq '.[].id'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			all, err := b.Certificates(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[hub.Certificate]{Title: "ID", Cell: func(c hub.Certificate) string { return c.ID }},
				cli.Column[hub.Certificate]{Title: "ISSUED", Cell: func(c hub.Certificate) string { return date(c) }},
				cli.Column[hub.Certificate]{Title: "COURSE", Cell: func(c hub.Certificate) string { return c.Course }},
				cli.Column[hub.Certificate]{Title: "TITLE", Cell: func(c hub.Certificate) string { return c.Title }},
			)
		},
	}
}

func verifyCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "verify ID",
		Short: "Say whose certificate that is",
		Long: "Say whose certificate that is, and of what. Nobody needs to be signed in. An account that is closed has no certificates. " +
			"Exit status 5 says that it is none.",
		Example: "  cmh cert verify bdwp-hqpk-xm2a-7cft\n  cmh cert verify bdwp-hqpk-xm2a-7cft --jq .name",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := certificate(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			return cli.Print(env, c, func(w io.Writer) {
				env.Fprintf(w, "%s has completed %s on %s.\n", cli.CleanLine(c.Name), cli.CleanLine(c.Title), env.Words().When(c.IssuedAt.UTC(), "2006-01-02"))
			})
		},
	}
}

func downloadCmd(env *cli.Env) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "download ID",
		Short:   "Print a certificate, as text or SVG",
		Long:    "Print a certificate as text, or as an SVG image.",
		Example: "  cmh cert download bdwp-hqpk-xm2a-7cft\n  cmh cert download bdwp-hqpk-xm2a-7cft --format svg >certificate.svg",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, ok := map[string]func(io.Writer, hub.Certificate){"text": text, "svg": svg}[format]
			if !ok {
				return hub.Errorf(hub.Invalid, "--format is text or svg, not %q.", format)
			}
			c, err := certificate(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			if format == "text" && env.ForHumans() && env.Accessible() {
				draw = func(w io.Writer, c hub.Certificate) { _, _ = io.WriteString(w, strings.Join(lines(c), "\n")+"\n") }
			}
			return cli.Print(env, c, func(w io.Writer) { draw(w, c) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of it: text or svg")
	return cmd
}

func certificate(ctx context.Context, env *cli.Env, id string) (hub.Certificate, error) {
	b, err := env.Backend()
	if err != nil {
		return hub.Certificate{}, err
	}
	return b.Certificate(ctx, id)
}
