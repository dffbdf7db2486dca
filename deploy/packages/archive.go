package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// file is what goes into a package.
type file struct {
	name string // with slashes
	mode fs.FileMode
	body []byte
}

func (r *release) name(m made, suffix string) string {
	return fmt.Sprintf("cmh_%s_%s_%s%s", r.plain(), m.os, m.arch, suffix)
}

// plain is the version without its v.
func (r *release) plain() string { return strings.TrimPrefix(r.version, "v") }

// archive puts a target's files into a tar.gz, or a zip for Windows.
func (r *release) archive(m *made) error {
	slices.SortFunc(m.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var b bytes.Buffer
	var err error
	if m.os == "windows" {
		m.archive, err = r.name(*m, ".zip"), r.zip(&b, m.files)
	} else {
		m.archive, err = r.name(*m, ".tar.gz"), r.tarGz(&b, m.files)
	}
	if err != nil {
		return err
	}
	m.sum = sum(b.Bytes())
	return r.write(m.archive, b.Bytes())
}

func (r *release) zip(to io.Writer, files []file) error {
	z := zip.NewWriter(to)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.date}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.body); err != nil {
			return err
		}
	}
	return z.Close()
}

func (r *release) tarGz(to io.Writer, files []file) error {
	g, err := gzip.NewWriterLevel(to, gzip.BestCompression) // its header has no time
	if err != nil {
		return err
	}
	if err := r.tar(g, files); err != nil {
		return err
	}
	return g.Close()
}

func gzipped(body []byte) ([]byte, error) {
	var b bytes.Buffer
	g, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, _ = g.Write(body) // a Buffer takes everything
		err = g.Close()
	}
	return b.Bytes(), err
}

func (r *release) tar(to io.Writer, files []file) error {
	t := tar.NewWriter(to)
	if err := r.into(t, "", files); err != nil {
		return err
	}
	return t.Close()
}

func (r *release) into(t *tar.Writer, under string, files []file) error {
	for _, f := range files {
		h := &tar.Header{Name: under + f.name, Mode: int64(f.mode), Size: int64(len(f.body)), ModTime: r.date, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.body); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) write(name string, body []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), body, 0o644)
}

// sums writes the sums of all that there is, in the form of sha256sum.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum(body), e.Name())
	}
	return r.write("checksums.txt", []byte(b.String()))
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// command runs a program and tells what it said when it fails.
func command(ctx context.Context, env []string, out io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &said
	if out == nil {
		cmd.Stdout = &said
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, said.Bytes())
	}
	return nil
}
