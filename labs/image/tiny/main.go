// Command lab-tiny is the whole userland of the tiny image: a shell and the
// small tools, in one static binary that acts as the name it is called by. It
// is there so that a lab can always be run, on a machine without a mirror, a
// registry or a network; labs about Linux itself want the Debian image.
//
// The shell is mvdan.cc/sh, the tools that touch files are u-root's, and the
// rest is below, with the options that people type.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/u-root/u-root/pkg/core"
	"github.com/u-root/u-root/pkg/core/base64"
	"github.com/u-root/u-root/pkg/core/cat"
	"github.com/u-root/u-root/pkg/core/cp"
	"github.com/u-root/u-root/pkg/core/find"
	"github.com/u-root/u-root/pkg/core/mkdir"
	"github.com/u-root/u-root/pkg/core/mktemp"
	"github.com/u-root/u-root/pkg/core/mv"
	"github.com/u-root/u-root/pkg/core/rm"
	"github.com/u-root/u-root/pkg/core/tar"
	"github.com/u-root/u-root/pkg/core/touch"
	"github.com/u-root/u-root/pkg/core/xargs"
)

// A status ends the program without a word.
type status int

func (s status) Error() string { return fmt.Sprintf("status %d", int(s)) }

// tools are the programs by name; names.txt lists them for the image. Their
// errors are printed by run.
var tools = map[string]func(args []string) error{
	"base64": uroot(base64.New), "cat": uroot(cat.New), "chmod": changeMode, "cp": uroot(cp.New), "find": uroot(find.New),
	"ls": list, "mkdir": uroot(mkdir.New), "mktemp": uroot(mktemp.New), "mv": uroot(mv.New), "rm": uroot(rm.New),
	"tar": uroot(tar.New), "touch": uroot(touch.New), "xargs": uroot(xargs.New),

	"basename": basename, "chown": chown, "dirname": dirname, "ln": ln, "readlink": readlink, "realpath": realpath, "rmdir": rmdir,
	"sha256sum": sha256sum, "stat": stat,

	"cut": cut, "grep": grep, "head": head, "sort": sortLines, "tail": tail, "tee": tee, "tr": tr, "uniq": uniq, "wc": wc,

	"clear": clearScreen, "date": date, "env": env, "hostname": hostname, "id": id, "kill": kill, "pgrep": pgrep, "printenv": env,
	"ps": ps, "seq": seq, "sleep": sleep, "uname": uname, "which": which, "whoami": whoami,
}

// words are the shell's own; as programs they are for xargs and find.
var words = []string{"[", "echo", "false", "printf", "pwd", "test", "true"}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "-")
	args := os.Args[1:]
	if name == "lab-tiny" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	os.Exit(run(name, args))
}

func run(name string, args []string) int {
	if name == "sh" || name == "bash" {
		return shell(context.Background(), args)
	}
	tool, ok := tools[name]
	if !ok {
		for _, w := range words {
			if w == name {
				return shell(context.Background(), append([]string{"-c", `"$0" "$@"`, name}, args...))
			}
		}
		fmt.Fprintf(os.Stderr, "lab-tiny: there is no %q here\n", name)
		return 127
	}
	err := tool(args)
	var s status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	return 1
}

func uroot(make func() core.Command) func([]string) error {
	return func(args []string) error { return make().Run(args...) }
}

// options takes single letters off the front of args, together or apart.
// Those in valued take a value. "--" ends them.
func options(args []string, plain, valued string) (map[byte]string, []string, error) {
	opts := map[byte]string{}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		arg := args[0][1:]
		args = args[1:]
		if arg == "-" {
			break
		}
		for arg != "" {
			c := arg[0]
			arg = arg[1:]
			switch {
			case strings.IndexByte(plain, c) >= 0:
				opts[c] = ""
			case strings.IndexByte(valued, c) >= 0 && (arg != "" || len(args) > 0):
				if arg == "" {
					arg, args = args[0], args[1:]
				}
				opts[c], arg = arg, ""
			default:
				return nil, nil, fmt.Errorf("unknown option, or one without its value: -%c", c)
			}
		}
	}
	return opts, args, nil
}

func has(opts map[byte]string, c byte) bool { _, ok := opts[c]; return ok }
