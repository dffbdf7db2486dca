package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
)

// Companion finds a program that belongs to cmh: in the folder of this one,
// where packages put them all, or in PATH. What it is needed for is said when it
// is nowhere.
func Companion(name, purpose string) (string, error) {
	self, err := os.Executable()
	if real, e := filepath.EvalSymlinks(self); e == nil { // Homebrew has links to cmh alone
		self = real
	}
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	dir := filepath.Dir(self)
	if err == nil {
		if beside := filepath.Join(dir, file); exists(beside) {
			return beside, nil
		}
	}
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	return "", hub.Errorf(hub.Unavailable, "%s needs the program %s, which comes with cmh. It is neither in %s nor in PATH.", purpose, name, dir)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Drawing starts the program that draws Markdown. It ends with this one, or when it
// is closed.
func Drawing(ctx context.Context) (io.ReadWriteCloser, error) {
	program, err := Companion("cmh-format", words.Mark("Drawing a text"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "markdown")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return drawing{out, in, sync.OnceValue(func() error {
		_ = cmd.Process.Kill() // fails when it has ended before
		return cmd.Wait()
	})}, cmd.Start()
}

type drawing struct {
	io.Reader
	io.Writer
	end func() error
}

func (d drawing) Close() error { return d.end() }

// formatter starts the program that puts JSON into the caller's form. Its
// process is the caller's, like this one.
func formatter(ctx context.Context, kind, expr string, out io.Writer) (io.WriteCloser, error) {
	program, err := Companion("cmh-format", "--"+kind)
	if err != nil {
		return nil, err
	}
	f := &formatting{cmd: exec.CommandContext(ctx, program, kind, expr)}
	f.cmd.Stdout, f.cmd.Stderr = out, &f.said
	if f.WriteCloser, err = f.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return f, f.cmd.Start()
}

// What it says of an expression.
var _ = [...]string{
	words.Heard("The --jq expression is not right: %s."), words.Heard("The --jq expression failed: %s."),
	words.Heard("The --template is not right: %s."), words.Heard("The --template failed: %s."),
}

type formatting struct {
	io.WriteCloser
	cmd  *exec.Cmd
	said strings.Builder
}

// Close waits until all is written.
func (f *formatting) Close() error {
	_ = f.WriteCloser.Close() // fails when the program has ended before
	err := f.cmd.Wait()
	said := strings.TrimSpace(f.said.String())
	switch exit, ok := errors.AsType[*exec.ExitError](err); {
	case !ok:
		return err
	case exit.ExitCode() == ExitUsage:
		return &hub.Error{Code: hub.Invalid, Message: said}
	case said != "":
		return errors.New(said)
	}
	return StatusError(ExitFailed) // nobody reads on, or it was stopped
}
