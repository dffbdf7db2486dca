package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/server"
)

func imageCommand(config configFunc) *cobra.Command {
	open := func() (*image.Store, error) {
		cfg, err := config()
		if err != nil {
			return nil, err
		}
		return server.OpenImages(cfg)
	}
	c := &cobra.Command{
		Use: "image", Short: "Make and list the images that labs start from", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(imageBuildCommand(open), imageImportCommand(open), imageListCommand(open))
	return c
}

func imageBuildCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "build",
		Short:   "Build the Debian image that labs use by default, unless it is there already",
		Example: "  cmh-server image build",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			r, err := store.Build(cmd.Context(), image.Recipe{Progress: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", r.Name, r.Digest)
			return nil
		},
	}
}

func imageImportCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "import PATH NAME",
		Short:   "Install an image from an OCI layout or a docker save archive",
		Example: "  docker save ubuntu:24.04 -o ubuntu.tar && cmh-server image import ubuntu.tar ubuntu",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			r, err := store.Import(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", r.Name, r.Digest)
			return nil
		},
	}
}

func imageListCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the images",
		Example: "  cmh-server image list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			images, err := store.List()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			for _, r := range images {
				fmt.Fprintf(w, "%s\t%.19s\t%s\t%s\n", r.Name, r.Digest, r.Created.Format(time.DateOnly), r.Source)
			}
			return w.Flush()
		},
	}
}
