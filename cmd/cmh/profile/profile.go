// Package profile is `cmh profile ...`: what learners say about themselves.
package profile

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// Command returns the profile command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("profile", "See and change your profile", viewCmd(env), editCmd(env), usageCmd(env), exportCmd(env), deleteCmd(env))
}

func viewCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "view",
		Aliases: []string{"show"},
		Short:   "Show your profile",
		Example: "  cmh profile view\n  cmh profile view --json=username,profile",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			u, err := b.Profile(cmd.Context())
			if err != nil {
				return err
			}
			return show(env, u)
		},
	}
}

func show(env *cli.Env, u hub.User) error {
	return cli.Print(env, u, func(w io.Writer) {
		for _, l := range [][2]string{
			{words.Mark("Username"), u.Username},
			{words.Mark("E-mail"), u.Email},
			{words.Mark("Role"), string(u.Role)},
			{words.Mark("Tier"), u.SubscriptionTier},
			{words.Mark("Name"), u.Profile.DisplayName},
			{words.Mark("Bio"), u.Profile.Bio},
			{words.Mark("Company"), u.Profile.Company},
			{words.Mark("Location"), u.Profile.Location},
			{words.Mark("Timezone"), u.Profile.Timezone},
		} {
			if l[1] != "" {
				env.Pair(w, 9, l[0], l[1])
			}
		}
	})
}

func editCmd(env *cli.Env) *cobra.Command {
	var username string
	var p hub.Profile
	cmd := &cobra.Command{
		Use:     "edit",
		Short:   "Change your profile; what you don't name stays",
		Example: "  cmh profile edit --name \"Ada L.\" --timezone Europe/London\n  cmh profile edit --bio \"\"",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return edit(cmd.Context(), env, cmd.Flags().Changed, username, p)
		},
	}
	f := cmd.Flags()
	f.StringVar(&username, "username", "", "the `NAME` others see")
	f.StringVar(&p.DisplayName, "name", "", "your full `NAME`")
	f.StringVar(&p.Bio, "bio", "", "a `TEXT` about you")
	f.StringVar(&p.Company, "company", "", "where you `WORK`")
	f.StringVar(&p.Location, "location", "", "where you `LIVE`")
	f.StringVar(&p.Timezone, "timezone", "", "an IANA `ZONE`, such as Europe/London")
	return cmd
}

func edit(ctx context.Context, env *cli.Env, changed func(string) bool, username string, p hub.Profile) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	u, err := b.Profile(ctx)
	if err != nil {
		return err
	}
	var up hub.ProfileUpdate
	if changed("username") {
		up.Username = &username
	}
	next := u.Profile
	for _, s := range []struct {
		flag     string
		to, from *string
	}{
		{"name", &next.DisplayName, &p.DisplayName},
		{"bio", &next.Bio, &p.Bio},
		{"company", &next.Company, &p.Company},
		{"location", &next.Location, &p.Location},
		{"timezone", &next.Timezone, &p.Timezone},
	} {
		if changed(s.flag) {
			*s.to, up.Profile = *s.from, &next
		}
	}
	if up == (hub.ProfileUpdate{}) {
		return hub.Errorf(hub.Invalid, "Nothing to change: give at least one flag.")
	}
	if u, err = b.UpdateProfile(ctx, up); err != nil {
		return err
	}
	return show(env, u)
}
