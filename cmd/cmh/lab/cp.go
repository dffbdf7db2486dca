package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func cpCmd(env *cli.Env) *cobra.Command {
	var (
		at     place
		folder bool
	)
	cmd := &cobra.Command{
		Use:   "cp FROM... TO",
		Short: "Copy files to a lab, or from it",
		Long: "Copy files to a lab, or from it. What lies in a lab is written REF:PATH, or :PATH when only one lab runs; a path without / in front begins in " +
			"the learner's home. Of FROM and TO one side is in the lab. Links are not followed.\n" + refHelp,
		Example: "  cmh lab cp notes.txt :\n  cmh lab cp :answers/path .\n  cmh lab cp -r site s-4kq2m7ah3x:/var/www",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return hub.Errorf(hub.Invalid, "FROM and TO are both needed. Usage: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.check(); err != nil {
				return err
			}
			j, err := readCopy(args)
			if err != nil {
				return err
			}
			j.folders, j.env = folder, env
			var ref []string
			if j.ref != "" {
				ref = []string{j.ref}
			}
			b, name, err := backendAndSession(cmd.Context(), env, ref)
			if err != nil {
				return err
			}
			if j.lab, err = labssh.OpenFiles(cmd.Context(), at.certify(b, name)); err != nil {
				return ended(env, 0, err)
			}
			defer j.lab.Close()
			return j.run(cmd.Context())
		},
	}
	hostFlag(cmd, &at)
	cmd.Flags().BoolVarP(&folder, "recursive", "r", false, "copy folders with what is in them")
	return cmd
}

// A copying is one run of the command.
type copying struct {
	env     *cli.Env
	lab     *labssh.Files
	ref     string
	out     bool // from the lab to here
	folders bool
	from    []string
	to      string
}

// readCopy finds out which side of a copy is the lab's.
func readCopy(args []string) (*copying, error) {
	j := &copying{}
	last := len(args) - 1
	toRef, to, toLab := inLab(args[last])
	j.to = to
	for i, arg := range args[:last] {
		ref, p, lab := inLab(arg)
		switch {
		case lab == toLab:
			return nil, hub.Errorf(hub.Invalid, "One side of a copy is in the lab, as :PATH or REF:PATH, and the other is not.")
		case i > 0 && ref != j.ref:
			return nil, hub.Errorf(hub.Invalid, "Copy from one lab at a time.")
		}
		j.ref, j.from = ref, append(j.from, p)
	}
	if j.out = !toLab; toLab {
		j.ref = toRef
	}
	return j, nil
}

// inLab reads REF:PATH. A name with a / before the colon is a file here, and so
// is a drive.
func inLab(arg string) (ref, p string, lab bool) {
	ref, p, ok := strings.Cut(arg, ":")
	if !ok || len(ref) == 1 || ref != "" && !plainName(ref) {
		return "", arg, false
	}
	if p == "" {
		p = "."
	}
	return ref, p, true
}

func (j *copying) run(ctx context.Context) error {
	for _, from := range j.from {
		var err error
		if j.out {
			err = j.fetch(ctx, from)
		} else {
			err = j.send(ctx, from)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failed says of which file something went wrong.
func failed(name string, err error) error {
	code := hub.Conflict
	if errors.Is(err, fs.ErrNotExist) {
		code = hub.NotFound
	}
	why := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		why = e.Err
	}
	return hub.Errorf(code, "%s: %s.", cli.CleanLine(name), cli.CleanLine(strings.TrimSuffix(why.Error(), ".")))
}

// send copies a file or a folder of ours into the lab.
func (j *copying) send(ctx context.Context, from string) error {
	st, err := os.Stat(from)
	if err != nil {
		return failed(from, err)
	}
	to := j.to
	if there, err := j.lab.Stat(to); err == nil && there.IsDir() {
		to = path.Join(to, filepath.Base(from))
	} else if len(j.from) > 1 {
		return hub.Errorf(hub.Invalid, "%s is no folder in the lab, and several files can't become one.", to)
	}
	if !st.IsDir() {
		return j.sendFile(from, to, st.Mode())
	}
	if !j.folders {
		return hub.Errorf(hub.Invalid, "%s is a folder. Copy it with -r.", from)
	}
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return failed(p, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := path.Join(to, filepath.ToSlash(rel))
		switch info, err := d.Info(); {
		case err != nil:
			return failed(p, err)
		case d.IsDir():
			if err := j.lab.MkdirAll(target); err != nil {
				return failed(":"+target, err)
			}
			return nil
		case !info.Mode().IsRegular():
			j.env.Say("%s is no ordinary file, and is left out.", p)
			return nil
		default:
			return j.sendFile(p, target, info.Mode())
		}
	})
}

func (j *copying) sendFile(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return failed(from, err)
	}
	defer src.Close()
	dst, err := j.lab.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return failed(":"+to, err)
	}
	_, err = io.Copy(dst, src)
	if e := dst.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = j.lab.Chmod(to, mode.Perm())
	}
	if err != nil {
		return failed(":"+to, err)
	}
	return nil
}

// fetch copies a file or a folder of the lab's to here. The lab is hostile: what
// it calls its files decides nothing about where they go.
func (j *copying) fetch(ctx context.Context, from string) error {
	st, err := j.lab.Stat(from)
	if err != nil {
		return failed(":"+from, err)
	}
	dir, name := filepath.Dir(j.to), filepath.Base(j.to)
	if here, err := os.Stat(j.to); err == nil && here.IsDir() {
		dir, name = j.to, path.Base(path.Clean(from))
	} else if len(j.from) > 1 {
		return hub.Errorf(hub.Invalid, "%s is no folder, and several files can't become one.", j.to)
	}
	if !filepath.IsLocal(name) || name == "." {
		return hub.Errorf(hub.Invalid, "Say what %s is to be called here.", cli.CleanLine(from))
	}
	if !st.IsDir() && !st.Mode().IsRegular() {
		return hub.Errorf(hub.Invalid, ":%s is no ordinary file.", cli.CleanLine(from))
	}
	if st.IsDir() && !j.folders {
		return hub.Errorf(hub.Invalid, ":%s is a folder. Copy it with -r.", cli.CleanLine(from))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return failed(dir, err)
	}
	defer root.Close()
	return j.fetchInto(ctx, root, from, name, st, 0)
}

// deepest is how many folders may lie in each other.
const deepest = 64

func (j *copying) fetchInto(ctx context.Context, root *os.Root, from, to string, st fs.FileInfo, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !st.IsDir() {
		return j.fetchFile(root, from, to, st)
	}
	if depth > deepest {
		return hub.Errorf(hub.Invalid, ":%s lies too deep.", cli.CleanLine(from))
	}
	if err := root.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return failed(to, err)
	}
	list, err := j.lab.ReadDir(from)
	if err != nil {
		return failed(":"+from, err)
	}
	for _, e := range list {
		name := e.Name()
		if !filepath.IsLocal(name) || name == "." || strings.ContainsAny(name, `/\`) {
			j.env.Say(":%s has a file with a name that can't be one here. It is left out.", from)
			continue
		}
		if !e.IsDir() && !e.Mode().IsRegular() {
			j.env.Say(":%s is no ordinary file, and is left out.", path.Join(from, name))
			continue
		}
		if err := j.fetchInto(ctx, root, path.Join(from, name), filepath.Join(to, name), e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (j *copying) fetchFile(root *os.Root, from, to string, st fs.FileInfo) error {
	src, err := j.lab.Open(from)
	if err != nil {
		return failed(":"+from, err)
	}
	defer src.Close()
	dst, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666&st.Mode().Perm()|0o600|st.Mode().Perm()&0o111)
	if err != nil {
		return failed(to, err)
	}
	_, err = io.Copy(dst, src)
	if e := dst.Close(); err == nil {
		err = e
	}
	if err != nil {
		return failed(to, fmt.Errorf("it could not be copied whole: %w", err))
	}
	return nil
}
