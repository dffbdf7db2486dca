package cast

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	file.Write(Header{Width: 80, Height: 24, Timestamp: 5, Title: "a \"lab\""}.Line())
	events := []Event{{At: 0, Kind: Output, Data: "a\x1b[1m\r\n"}, {At: 1500 * time.Millisecond, Kind: Resize, Data: "100x30"}, {At: 2 * time.Second, Kind: Output, Data: "é\u2028"}}
	for _, e := range events {
		file.Write(e.Line())
	}
	if line, _, _ := strings.Cut(file.String(), "\n"); line != `{"version":2,"width":80,"height":24,"timestamp":5,"title":"a \"lab\""}` {
		t.Errorf("header %s", line)
	}
	r, err := NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range events {
		if got, err := r.Next(); got != want || err != nil {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("%v at the end", err)
	}
}

func TestReadVersion3(t *testing.T) {
	t.Parallel()
	r, err := NewReader(strings.NewReader("{\"version\":3,\"term\":{\"cols\":90,\"rows\":20}}\n# a comment\n[0.5,\"o\",\"a\"]\n[0.25,\"x\",\"0\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Width != 90 || r.Header.Height != 20 {
		t.Errorf("%+v", r.Header)
	}
	a, _ := r.Next()
	b, _ := r.Next()
	if a.At != 500*time.Millisecond || b.At != 750*time.Millisecond || b.Kind != "x" {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestNoRecording(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "x", "{}", `{"version":1,"width":80,"height":24}`, `{"version":2,"width":0,"height":24}`} {
		if _, err := NewReader(strings.NewReader(file)); err == nil {
			t.Errorf("%q was taken", file)
		}
	}
	for _, line := range []string{"x", "[1]", `["a","o","b"]`, `[-1,"o","b"]`, `[1e300,"o","b"]`, `[1,2,"b"]`} {
		r, err := NewReader(strings.NewReader("{\"version\":2,\"width\":1,\"height\":1}\n" + line))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// A recording is what a stranger's program printed: it draws, and nothing else.
func TestPlayOnlyDraws(t *testing.T) {
	t.Parallel()
	file := "{\"version\":2,\"width\":80,\"height\":24}\n"
	for _, data := range []string{
		"a\x1b[31mred\x1b[m", "\x1b]52;c;ZWNobw==\x07", "\x1b]0;title\x1b\\", "\x1b[6n\x1b[c\x1b[>q", "\x1b[?1000h\x1b[?1049h\x1b[2J", "\x1bP+q544e\x1b\\",
		"\x1b[?1", "049l", "\x1b]8;;file:///etc/passwd\x1b", "\\link\x1b]8;;\x1b\\", "\u009b6n\x9b", "\x1b[20t\x1b[1;2;3$x", "b\x07\x05",
	} {
		file += string(Event{Kind: Output, Data: data}.Line())
	}
	r, err := NewReader(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Play(t.Context(), r, &out, Pace{}); err != nil {
		t.Fatal(err)
	}
	if want := "a\x1b[31mred\x1b[m\x1b[?1049h\x1b[2J\x1b[?1049llink6nb" + leave; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// However it is cut up, nothing comes through that a terminal answers.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"\x1b[6n", "\x1b]11;?\a", "\x1b\x1b[c", "\x1b[\x1b[c", "\x1b]\x1b[c", "\x1b[?6;1000h", "\x1b]0;\x1b", "\xc2\x9b6n"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var filter Filter
		cut = min(max(cut, 0), len(b))
		out := append(filter.Filter(b[:cut]), filter.Filter(b[cut:])...)
		for i := 0; i < len(out); i++ {
			if out[i] != 0x1b {
				if out[i] < 0x20 && strings.IndexByte("\b\t\n\v\f\r\x0e\x0f", out[i]) < 0 {
					t.Fatalf("%q in %q", out[i], out)
				}
				continue
			}
			n, whole := sequence(out[i:])
			if !whole || !draws(out[i:i+n]) {
				t.Fatalf("%q in %q", out[i:], out)
			}
			i += n - 1
		}
		if bytes.Contains(out, []byte("\xc2\x9b")) {
			t.Fatalf("a C1 control in %q", out)
		}
	})
}

// A file from anywhere is read or refused, and time only goes on.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"a\"]\n", "{\"version\":3,\"term\":{\"cols\":9,\"rows\":2}}\n#\n[1,\"r\",\"9x2\"]",
		"{\"version\":2,\"width\":1,\"height\":1}\n[1e8,\"o\",\"\"]\n[1e8,\"o\",\"\"]", "null\n", "[]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		last := time.Duration(0)
		for {
			e, err := r.Next()
			if err != nil {
				return
			}
			if e.At < last {
				t.Fatalf("%v after %v", e.At, last)
			}
			last = e.At
		}
	})
}
