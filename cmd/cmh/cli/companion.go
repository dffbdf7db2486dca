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

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
)

// Companion finds a program that belongs to cmh: in the folder of this one,
// where packages put them all, or in PATH. What it is needed for is said when it
// is nowhere.
func Companion(name, purpose string) (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
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

// Drawing starts the program that draws Markdown. It ends with this one.
func Drawing(ctx context.Context) (io.ReadWriter, error) {
	program, err := Companion("cmh-format", words.Mark("Drawing a text"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "markdown")
	var both struct {
		io.Reader
		io.Writer
	}
	if both.Reader, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if both.Writer, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return both, cmd.Start()
}

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

type formatting struct {
	io.WriteCloser
	cmd  *exec.Cmd
	said strings.Builder
}

// Close waits until all is written.
func (f *formatting) Close() error {
	_ = f.WriteCloser.Close() // fails when the program has ended before
	err := f.cmd.Wait()
	switch exit, ok := errors.AsType[*exec.ExitError](err); {
	case !ok:
		return err
	case exit.ExitCode() == ExitUsage:
		return hub.Errorf(hub.Invalid, "%s", strings.TrimSpace(f.said.String()))
	}
	return StatusError(ExitFailed) // nobody reads on, or it was stopped
}
