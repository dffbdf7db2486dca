// Package about is what cmh says about itself: its version, its exit statuses,
// its environment, shell completion, help.
package about

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Version is what `cmh version --json` prints.
type Version struct {
	Version  string `json:"version"` // semantic version
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	API      string `json:"api"`
	Platform string `json:"platform"`
}

// VersionCommand returns the version command.
func VersionCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of cmh",
		Example: "  cmh version\n  cmh version --json",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			v := Version{client.Version, client.Commit, client.Date, runtime.Version(), "v1", runtime.GOOS + "/" + runtime.GOARCH}
			return cli.Print(env, v, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "cmh %s (%s, %s, %s)\n", v.Version, v.Commit, v.Go, v.Platform)
			})
		},
	}
}

// CompletionCommand returns the completion command.
func CompletionCommand(env *cli.Env) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print completion for bash, zsh, fish or powershell",
		Example:   "  source <(cmh completion bash)\n  cmh completion fish >~/.config/fish/completions/cmh.fish",
		ValidArgs: shells,
		Args:      cli.Args("SHELL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				if err := root.GenBashCompletionV2(env.Out, true); err != nil {
					return err
				}
				_, err := io.WriteString(env.Out, bashAlone)
				return err
			case "zsh":
				return root.GenZshCompletion(env.Out)
			case "fish":
				var b strings.Builder
				if err := root.GenFishCompletion(&b, true); err != nil {
					return err
				}
				// What begins with a dash, such as --json=id, is no option of split's.
				_, err := io.WriteString(env.Out, strings.Replace(b.String(), `string split --max 1 \t`, `string split --max 1 -- \t`, 1))
				return err
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(env.Out)
			}
			return hub.Errorf(hub.Invalid, "SHELL is one of bash, zsh, fish, powershell.")
		},
	}
}

// bashAlone has the completion of bash work where the package bash-completion isn't,
// which knows the words of a line: without it they are what blanks are between.
const bashAlone = `
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
    __cmh_init_completion()
    {
        local line=${COMP_LINE:0:COMP_POINT}
        read -r -a words <<<"${line}"
        [[ ${line} == *[[:space:]] ]] && words+=("")
        cword=$((${#words[@]} - 1))
        cur=${words[cword]}
        prev=${words[cword > 0 ? cword - 1 : 0]}
    }
fi
`

// HelpCommand returns the help command.
func HelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command or a topic",
		Example: "  cmh help lab start\n  cmh help exit-codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 || found == nil {
				return hub.Errorf(hub.Invalid, "There is no help about %q.", args)
			}
			return found.Help()
		},
	}
}

// Topics returns the help topics, which are commands that do nothing.
func Topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "The exit statuses of cmh", Long: exitCodes},
		{Use: "environment", Short: "The environment variables that cmh reads", Long: environment},
		{Use: "keys", Short: "The keys of the screens", Long: keys},
		{Use: "json", Short: "JSON, filters and templates", Long: jsonHelp},
	}
}

const exitCodes = `The exit statuses of cmh. They are part of its interface and don't change.

  0    done
  1    failed
  2    wrong usage, or a request that can't work as written
  3    a check or a quiz was not passed
  4    log in first
  5    not found
  6    forbidden, or not in your tier
  75   try later: a limit, or the hub is not available; a check that could
       not be made; a wait that took too long
  130  interrupted
  255  the connection to the lab was lost

The status of a command in a lab (cmh lab ssh, cmh lab attach) passes through
as it is. "Nothing to check" is never 0.`

const environment = `The environment variables that cmh reads. A flag wins over the environment,
which wins over config.yaml.

  CMH_SERVER         address of the hub (default http://127.0.0.1:8080)
  CMH_TOKEN          API key or access token; wins over a sign-in, is not kept
  CMH_CONFIG_DIR     where settings and sign-ins are (default ~/.config/cmh)
  CMH_PROFILE        which of several hubs: cmh config profiles
  CMH_OFFLINE        1: don't ask the hub, use what is kept on this machine
  CMH_NO_INPUT, CI   never ask for anything
  CMH_INSECURE_HTTP  let http:// leave this machine
  CMH_PAGER, PAGER   how to page long texts (default less -FRX)
  CMH_PREFIX         key before commands in a lab's screen (default ctrl-])
  CMH_ACCESSIBLE     1: lines of text instead of screens
  CMH_LANGUAGE       language, such as de; else LC_ALL, LC_MESSAGES, LANG
  CMH_THEME          light or dark: what screens are drawn on; else they ask
  CMH_NO_UPDATE_NOTIFIER
                     1: say nothing of a newer cmh
  CMH_LAB_IMAGE      image of labs that name none, for author test
  CMH_IMAGE_DIR      where images are kept, for author test
  CMH_LAB_AGENT      where lab-agent is, for author test
  NO_COLOR           no colours
  CLICOLOR_FORCE     colours also where nobody looks
  TERM               "dumb" means no colours and no screens`
