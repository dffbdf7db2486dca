package author

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

const maxArchive = 64 << 20 // what the hub takes

// Pack packs the folder dir for the hub, under its own name, into a temporary
// file that the caller removes. Links are packed as links, never followed.
func Pack(ctx context.Context, dir string) (*os.File, error) {
	return pack(ctx, dir, folder(filepath.Base(dir)))
}

// pack writes the tree at dir as a tar.gz, below a folder called name, into a
// temporary file that the caller removes. Links are packed as links, never
// followed.
func pack(ctx context.Context, dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, hub.Wrap(err, hub.Invalid, "%s can't be read.", dir)
	}
	defer root.Close()
	f, err := os.CreateTemp("", "cmh-import-*.tar.gz")
	if err != nil {
		return nil, err
	}
	p := packer{root: root, name: name}
	if err := p.all(ctx, f); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

type packer struct {
	root *os.Root
	name string
	tar  *tar.Writer
}

func (p *packer) all(ctx context.Context, f *os.File) error {
	zip := gzip.NewWriter(f)
	p.tar = tar.NewWriter(zip)
	err := fs.WalkDir(p.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return hub.Wrap(err, hub.Invalid, "%s can't be read.", name)
		case d.IsDir():
			if name != "." && skipped(d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		return p.entry(name, d)
	})
	if err != nil {
		return err
	}
	if err := p.tar.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > maxArchive {
		return hub.Errorf(hub.Invalid, "The repository is larger than %d MiB when packed. Import a part of it.", maxArchive>>20)
	}
	return nil
}

// skipped names what is no content. Hidden folders of assets are, so only
// these.
func skipped(name string) bool { return name == ".git" || name == "node_modules" }

func (p *packer) entry(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s can't be read.", name)
	}
	h := &tar.Header{Name: path.Join(p.name, filepath.ToSlash(name)), Mode: 0o644, Format: tar.FormatPAX}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := p.root.Readlink(name)
		if err != nil {
			return hub.Wrap(err, hub.Invalid, "The link %s can't be read.", name)
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, filepath.ToSlash(target)
		return p.tar.WriteHeader(h)
	}
	if !info.Mode().IsRegular() {
		return nil // sockets and the like are nobody's content
	}
	src, err := p.root.Open(name)
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s can't be read.", name)
	}
	defer src.Close()
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	if _, err := io.CopyN(p.tar, src, h.Size); err != nil {
		return hub.Wrap(err, hub.Conflict, "%s changed while it was read.", name)
	}
	return nil
}

// folder is a name for the archive's folder: what the course is called when
// nobody says otherwise.
func folder(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if name = strings.Trim(name, ". "); name == "" {
		return "scenarios"
	}
	return fmt.Sprintf("%.100s", name)
}
