package author

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// repack brings an archive that somebody downloaded into the form the hub takes,
// in a temporary file that the caller removes. Nothing is unpacked here: what is
// wrong in it is for the hub to find.
func repack(ctx context.Context, file string) (*os.File, error) {
	out, err := os.CreateTemp("", "cmh-import-*.tar.gz")
	if err != nil {
		return nil, err
	}
	switch name := strings.ToLower(filepath.Base(file)); {
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		err = copyTo(out, file)
	case strings.HasSuffix(name, ".tar"):
		zipped := gzip.NewWriter(out)
		err = errors.Join(copyTo(zipped, file), zipped.Close())
	case strings.HasSuffix(name, ".zip"):
		err = fromZip(ctx, out, file)
	default:
		err = hub.Errorf(hub.Invalid, "%s is neither a directory nor an archive (.zip, .tar.gz, .tar).", file)
	}
	if size, seekErr := out.Seek(0, io.SeekEnd); err == nil && seekErr == nil && size > maxArchive {
		err = hub.Errorf(hub.Invalid, "The repository is larger than %d MiB when packed. Import a part of it.", maxArchive>>20)
	}
	if err != nil {
		_ = out.Close()
		_ = os.Remove(out.Name())
		return nil, err
	}
	return out, nil
}

func copyTo(w io.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, io.LimitReader(in, 16*maxArchive))
	return err
}

func fromZip(ctx context.Context, out io.Writer, file string) error {
	in, err := zip.OpenReader(file)
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s is no zip archive.", file)
	}
	defer in.Close()
	zipped := gzip.NewWriter(out)
	t := tar.NewWriter(zipped)
	left := int64(16 * maxArchive)
	for _, f := range in.File {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := zipEntry(t, f, &left); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), zipped.Close())
}

// zipEntry copies one file, or link, as long as there is room.
func zipEntry(t *tar.Writer, f *zip.File, left *int64) error {
	mode := f.Mode()
	if mode.IsDir() || !mode.IsRegular() && mode&fs.ModeSymlink == 0 {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s in the archive can't be read.", f.Name)
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, *left+1))
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s in the archive can't be read.", f.Name)
	}
	if *left -= int64(len(content)); *left < 0 {
		return hub.Errorf(hub.Invalid, "The archive unpacks to more than a repository may have.")
	}
	h := &tar.Header{Name: f.Name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(content)), Format: tar.FormatPAX}
	if mode&fs.ModeSymlink != 0 {
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, string(content), 0
		return t.WriteHeader(h)
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = t.Write(content)
	return err
}
