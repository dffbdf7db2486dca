package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// held is a file that was found in a package.
type held struct {
	mode fs.FileMode
	sum  string
}

// open tells which files a package holds, by the names they get where they are
// unpacked or installed. It knows them by the end of their own.
func open(name string, b []byte) (map[string]held, error) {
	switch path.Ext(name) {
	case ".gz", ".apk": // several streams of gzip are one
		return inTarGz(bytes.NewReader(b))
	case ".zip":
		return inZip(b)
	case ".deb":
		return inDeb(b)
	case ".rpm":
		return inRPM(b)
	}
	return nil, fmt.Errorf("%s is no package", name)
}

func inTarGz(r io.Reader) (map[string]held, error) {
	g, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	all, t := map[string]held{}, tar.NewReader(g)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(name, ".") { // .PKGINFO is about the package
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		all[name] = held{fs.FileMode(h.Mode).Perm(), sum(b)}
	}
}

func inZip(b []byte) (map[string]held, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	all := map[string]held{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(r)
		if e := r.Close(); err == nil {
			err = e
		}
		if err != nil {
			return nil, err
		}
		all[f.Name] = held{f.Mode().Perm(), sum(body)}
	}
	return all, nil
}

// inDeb finds the data in an archive of ar: a head of 60 bytes before each member,
// which begins where it is even.
func inDeb(b []byte) (map[string]held, error) {
	const magic, head = "!<arch>\n", 60
	b, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok {
		return nil, errors.New("it is no ar archive")
	}
	for len(b) >= head {
		size, err := strconv.Atoi(strings.TrimSpace(string(b[48:58])))
		if err != nil || size < 0 || size > len(b)-head {
			return nil, errors.New("a member has no size")
		}
		name, body := strings.TrimRight(string(b[:16]), " /"), b[head:head+size]
		if name == "data.tar.gz" {
			return inTarGz(bytes.NewReader(body))
		}
		b = b[min(head+size+size%2, len(b)):]
	}
	return nil, errors.New("there is no data.tar.gz")
}

// The tags of a header of RPM's that tell about files.
const (
	fileModes   = 1030
	fileDigests = 1035
	dirIndexes  = 1116
	baseNames   = 1117
	dirNames    = 1118
)

// inRPM believes the header, as rpm does: it has the sums of all files.
func inRPM(b []byte) (map[string]held, error) {
	const lead = 96
	if len(b) < lead {
		return nil, errors.New("it has no lead")
	}
	_, size, err := rpmHeader(b[lead:]) // signatures
	if err != nil {
		return nil, err
	}
	at := lead + (size+7)/8*8
	if at > len(b) {
		return nil, errors.New("it has one header")
	}
	tags, _, err := rpmHeader(b[at:])
	if err != nil {
		return nil, err
	}
	names, sums := tags[baseNames].texts(), tags[fileDigests].texts()
	dirs, of, modes := tags[dirNames].texts(), tags[dirIndexes], tags[fileModes]
	if len(sums) != len(names) || of.count != len(names) || modes.count != len(names) || len(of.data) < 4*len(names) || len(modes.data) < 2*len(names) {
		return nil, errors.New("its header disagrees with itself")
	}
	all := map[string]held{}
	for i, name := range names {
		dir := int(binary.BigEndian.Uint32(of.data[4*i:]))
		if dir >= len(dirs) {
			return nil, errors.New("a file is in no folder")
		}
		mode := binary.BigEndian.Uint16(modes.data[2*i:])
		if mode&0o170000 == 0o100000 {
			all[strings.TrimPrefix(dirs[dir]+name, "/")] = held{fs.FileMode(mode).Perm(), sums[i]}
		}
	}
	return all, nil
}

// rpmTag is an entry of a header: data begins with it, and goes on to the end.
type rpmTag struct {
	count int
	data  []byte
}

func (t rpmTag) texts() []string {
	all := strings.SplitN(string(t.data), "\x00", t.count+1)
	return all[:min(t.count, len(all))]
}

// rpmHeader reads the header that b begins with, and tells its size: 16 bytes, then
// as many for each entry, then what these point into.
func rpmHeader(b []byte) (map[uint32]rpmTag, int, error) {
	const entry = 16
	if len(b) < entry || !bytes.HasPrefix(b, []byte{0x8e, 0xad, 0xe8}) {
		return nil, 0, errors.New("there is no header where one should be")
	}
	n, data := int(binary.BigEndian.Uint32(b[8:])), int(binary.BigEndian.Uint32(b[12:]))
	size := entry + n*entry + data
	if size > len(b) {
		return nil, 0, errors.New("a header is longer than its file")
	}
	tags, store := map[uint32]rpmTag{}, b[size-data:size]
	for i := range n {
		e := b[entry+i*entry:]
		offset := int(binary.BigEndian.Uint32(e[8:]))
		if offset > len(store) {
			return nil, 0, errors.New("an entry points past its header")
		}
		tags[binary.BigEndian.Uint32(e)] = rpmTag{int(binary.BigEndian.Uint32(e[12:])), store[offset:]}
	}
	return tags, size, nil
}
