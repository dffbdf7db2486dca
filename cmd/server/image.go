package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/labs/image/debian"
	"github.com/cloudmastershub/cmh/server"
)

func imageCommand(env *cli.Env, config configFunc) *cobra.Command {
	open := func() (*image.Store, error) {
		cfg, err := config()
		if err != nil {
			return nil, err
		}
		return server.OpenImages(cfg)
	}
	return cli.Group("image", "Make and list the images that labs start from", imageBuildCommand(open), imagePullCommand(open), imageImportCommand(open),
		imageListCommand(open), imageRemoveCommand(open), imageGCCommand(env, open, config))
}

func imageBuildCommand(open func() (*image.Store, error)) *cobra.Command {
	var (
		r    image.Recipe
		list string
	)
	c := &cobra.Command{
		Use:   "build",
		Short: "Build the Debian image that labs use by default, or one with other packages, unless it is there already",
		Long: "Build the Debian image that labs use by default, unless it is there already.\n\n" +
			"With --packages and --name it builds another one: the file lists packages, one or more a line, with comments after #.",
		Example: "  cmh-server image build\n  cmh-server image build --name web --packages web.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list != "" {
				if r.Name == "" {
					return hub.Errorf(hub.Invalid, "Give an image with packages of its own a name, with --name.")
				}
				raw, err := os.ReadFile(list)
				if err != nil {
					return err
				}
				if r.Packages = debian.List(string(raw)); len(r.Packages) == 0 {
					return hub.Errorf(hub.Invalid, "%s lists no packages.", list)
				}
			}
			store, err := open()
			if err != nil {
				return err
			}
			r.Progress = cmd.ErrOrStderr()
			root, err := store.Build(cmd.Context(), r)
			return printImage(cmd, root, err)
		},
	}
	c.Flags().StringVar(&r.Name, "name", "", "what the image is called (debian)")
	c.Flags().StringVar(&list, "packages", "", "a file that lists the packages beyond Debian's minimal set")
	c.Flags().StringVar(&r.Suite, "suite", "", "the release of Debian (bookworm)")
	return c
}

func printImage(cmd *cobra.Command, r image.Root, err error) error {
	if err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", r.Name, r.Digest)
	}
	return err
}

func imagePullCommand(open func() (*image.Store, error)) *cobra.Command {
	var called string
	c := &cobra.Command{
		Use:   "pull REFERENCE",
		Short: "Install an image from a registry",
		Long: "Install an image from a registry, for linux on this machine's kind of processor. A lab names it by the reference.\n\n" +
			"What a tag points to now stays what labs get until you pull again; a reference with a digest never changes.\n" +
			"Credentials are those of docker login and podman login.",
		Example: "  cmh-server image pull ubuntu:24.04\n  cmh-server image pull ghcr.io/me/lab@sha256:... --name lab",
		Args:    cli.Args("REFERENCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			r, err := store.Pull(cmd.Context(), args[0], called)
			return printImage(cmd, r, err)
		},
	}
	c.Flags().StringVar(&called, "name", "", "a name of its own for the image, beside the reference")
	return c
}

func imageImportCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "import PATH NAME",
		Short:   "Install an image from an OCI layout, an archive of one or of docker save",
		Example: "  docker save ubuntu:24.04 -o ubuntu.tar && cmh-server image import ubuntu.tar ubuntu",
		Args:    cli.Args("PATH", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			r, err := store.Import(cmd.Context(), args[0], args[1])
			return printImage(cmd, r, err)
		},
	}
}

func imageRemoveCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME...",
		Short:   "Forget names and references of images; gc frees the space",
		Example: "  cmh-server image remove ubuntu:24.04 && cmh-server image gc",
		Args:    atLeast("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			return store.Remove(cmd.Context(), args...)
		},
	}
}

func imageGCCommand(env *cli.Env, open func() (*image.Store, error), config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:     "gc",
		Short:   "Remove the images that have no name and that no lab or checkpoint uses",
		Example: "  cmh-server image gc",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := open()
			if err != nil {
				return err
			}
			cfg, err := config()
			if err != nil {
				return err
			}
			used, err := server.UsedImages(cfg)
			if err != nil {
				return err
			}
			removed, err := store.GC(cmd.Context(), used...)
			for _, digest := range removed {
				fmt.Fprint(env.Out, env.Shown().Tf("removed %s\n", digest))
			}
			return err
		},
	}
}

func imageListCommand(open func() (*image.Store, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the images",
		Example: "  cmh-server image list",
		Args:    cli.Args(),
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
