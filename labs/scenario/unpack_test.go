package scenario

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

// body is the content of a test's entry, kept where tar keeps its comments.
const body = "COMMENT.body"

// files makes regular entries.
func files(content map[string]string) []tar.Header {
	var out []tar.Header
	for _, name := range slices.Sorted(maps.Keys(content)) {
		out = append(out, tar.Header{Typeflag: tar.TypeReg, Name: name, PAXRecords: map[string]string{body: content[name]}})
	}
	return out
}

func packed(t testing.TB, entries ...tar.Header) io.Reader {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, h := range entries {
		data := h.PAXRecords[body]
		h.PAXRecords, h.Mode = nil, 0o644
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(data))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestUnpackRefusesWhatCouldDoHarm(t *testing.T) {
	t.Parallel()
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	plain := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	many := make([]tar.Header, 0, 10_001)
	for i := range 10_001 {
		many = append(many, plain(fmt.Sprintf("r/%d", i)))
	}
	zeros := files(map[string]string{"r/zeros": strings.Repeat("\x00", 8<<20)})
	for name, c := range map[string]struct {
		entries []tar.Header
		limits  Limits
		want    string
	}{
		"up":              {[]tar.Header{plain("r/../../x")}, Limits{}, `".." in its name`},
		"absolute":        {[]tar.Header{plain("/etc/x")}, Limits{}, "absolute"},
		"drive":           {[]tar.Header{plain("C:/x")}, Limits{}, "absolute"},
		"backslash":       {[]tar.Header{plain(`r\..\x`)}, Limits{}, "backslash"},
		"link out":        {[]tar.Header{plain("r/a"), link("r/b", "../../etc/passwd")}, Limits{}, "leads out"},
		"link to root":    {[]tar.Header{plain("r/a"), link("r/b", "/etc/passwd")}, Limits{}, "absolute path"},
		"link by link":    {[]tar.Header{plain("r/d/a"), link("r/up", ".."), plain("q/x"), link("r/out", "up/../../x")}, Limits{}, "leads out"},
		"beside the root": {[]tar.Header{plain("r/a"), link("r/b", "../r/a")}, Limits{}, "leads out"},
		"below a link":    {[]tar.Header{link("r/b", "a"), plain("r/b/c")}, Limits{}, "no directory"},
		"hard link":       {[]tar.Header{{Typeflag: tar.TypeLink, Name: "r/x", Linkname: "/etc/passwd"}}, Limits{}, "absolute"},
		"device":          {[]tar.Header{{Typeflag: tar.TypeChar, Name: "r/null"}}, Limits{}, "device"},
		"pipe":            {[]tar.Header{{Typeflag: tar.TypeFifo, Name: "r/pipe"}}, Limits{}, "device"},
		"case twins":      {[]tar.Header{plain("r/Readme"), plain("r/readme")}, Limits{}, "capitals"},
		"case of folders": {[]tar.Header{plain("r/A/x"), plain("r/a/y")}, Limits{}, "capitals"},
		"twice":           {[]tar.Header{plain("r/x"), plain("r/x")}, Limits{}, "twice"},
		"too many":        {many, Limits{}, "more than 10000 files"},
		"too large":       {zeros, Limits{Bytes: 1 << 20, Ratio: 1 << 20}, "more than 1 MiB"},
		"bomb":            {zeros, Limits{}, "times its size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Unpack(packed(t, c.entries...), c.limits)
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnpackTellsABrokenArchiveFromABrokenReader(t *testing.T) {
	t.Parallel()
	var known *Error
	if _, err := Unpack(strings.NewReader("no archive"), Limits{}); !errors.As(err, &known) {
		t.Errorf("no archive: %v", err)
	}
	b, _ := io.ReadAll(packed(t, files(map[string]string{"r/a": "x"})...))
	if _, err := Unpack(bytes.NewReader(b[:len(b)/2]), Limits{}); !errors.As(err, &known) {
		t.Errorf("half an archive: %v", err)
	}
	lost := errors.New("lost")
	_, err := Unpack(io.MultiReader(bytes.NewReader(b[:20]), failing{lost}), Limits{})
	if !errors.Is(err, lost) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestTheOnlyFolderIsTheRoot(t *testing.T) {
	t.Parallel()
	tree, err := Unpack(packed(t, files(map[string]string{"repo-1.2/a/b": "x", "repo-1.2/c": "y"})...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(tree, "a/b")
	if err != nil || string(b) != "x" || tree.Top() != "repo-1.2" {
		t.Errorf("%q %v, top %q", b, err, tree.Top())
	}
	tree, err = Unpack(packed(t, files(map[string]string{"a/b": "x", "c": "y"})...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(tree, "a/b"); err != nil || tree.Top() != "" {
		t.Errorf("%v, top %q", err, tree.Top())
	}
}

func FuzzUnpack(f *testing.F) {
	for _, entries := range [][]tar.Header{
		files(map[string]string{"r/a/index.json": index, "r/a/t.md": "x"}),
		{{Typeflag: tar.TypeSymlink, Name: "r/l", Linkname: "l"}, {Typeflag: tar.TypeReg, Name: "r/structure.json"}},
	} {
		b, err := io.ReadAll(packed(f, entries...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := Unpack(bytes.NewReader(b), Limits{})
		if err != nil {
			return
		}
		if _, err := Find(tree); err != nil {
			var known *Error
			if !errors.As(err, &known) {
				t.Errorf("Find: %v", err)
			}
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(index), false)
	f.Add([]byte("title: x\ndetails: {steps: [{text: t.md}]}\n"), true)
	f.Add([]byte("\xef\xbb\xbf{ // x\n\"a\": [1,2,],}"), false)
	f.Add([]byte(`{"details":{"assets":{"host01":[{"file":"**/*","target":"~"}]},"steps":{"text":[1]}},"time":"99999 hours"}`), false)
	f.Fuzz(func(t *testing.T, b []byte, inYAML bool) {
		name := "index.json"
		if inYAML {
			name = "index.yaml"
		}
		tree := newTree()
		for n, data := range map[string][]byte{name: b, "t.md": []byte("x"), "assets/a": []byte("y")} {
			if err := tree.put(n, &file{data: data}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Read(tree, ".")
		var known *Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%q: %v", b, err)
		}
	})
}
