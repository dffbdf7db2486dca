package courses

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

func TestTranscript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, src, want string }{
		{"markdown", "# Said\n\n*Hello*\n", "# Said\n\n*Hello*\n"},
		{"nothing", "", ""},
		{"markdown with arrows", "# Said <!-- note -->\n\nA --> B\n", "# Said <!-- note -->\n\nA --> B\n"},
		{
			"webvtt", "\ufeffWEBVTT - a title\r\n\r\nNOTE made by hand\r\n--> not a cue\r\n\r\n00:00.000 --> 00:02.000 align:left\r\nEverything is <i>a file</i>:\r\nls &lt;dir&gt; *says* so.\r\n\r\n2\r\n00:02.000 --> 00:03.000\r\n\r\n",
			`Everything is a file: ls \<dir\> \*says\* so.`,
		},
		{
			"subrip", "1\n00:00:00,000 --> 00:00:02,000\n1. Look.\n\n2\n00:00:02,000 --> 00:00:04,000\n1. Look.\n\n3\n00:00:04,000 --> 00:00:06,000\n2. Think.\n",
			`1\. Look. 2. Think.`,
		},
		{
			"voices", "WEBVTT\n\n00:00 --> 00:01\n<v Ana>Why?\n\n00:01 --> 00:02\n<v.loud Bo B>Because\n\n00:02 --> 00:03\nit is so.</v>\n",
			"**Ana**: Why?\n\n**Bo B**: Because it is so.",
		},
		{
			"paragraphs", "WEBVTT\n\n0 --> 1\n" + strings.Repeat("word ", 90) + "end.\n\n1 --> 2\nNext.\n",
			strings.Repeat("word ", 90) + "end.\n\nNext.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := transcript(tt.src); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestALessonsTranscript(t *testing.T) {
	t.Parallel()
	m := sample(t)
	given := string(m["course.yaml"].Data)
	with := func(line string) fs.FS {
		m["course.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(given, "    duration: 7\n", "    duration: 7\n    transcript: "+line+"\n", 1))}
		return m
	}
	m["lessons/said.vtt"] = &fstest.MapFile{Data: []byte("WEBVTT\n\n0 --> 1\nCount.\n")}
	c, err := Read(with("lessons/said.vtt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Document.Lessons[0].Transcript; got != "Count." {
		t.Errorf("%q", got)
	}
	if _, err := Read(with("lessons/none.vtt")); err == nil || !strings.Contains(err.Error(), "lessons/none.vtt") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A small archive is no large course: a file that many lessons name counts each time.
func TestATranscriptUsedOften(t *testing.T) {
	t.Parallel()
	m := sample(t)
	m["lessons/said.md"] = &fstest.MapFile{Data: []byte(strings.Repeat("x", maxFile))}
	var all strings.Builder
	for i := range maxFolder/maxFile + 1 {
		fmt.Fprintf(&all, "  - id: again-%d\n    title: Again\n    file: lessons/said.md\n", i)
	}
	course := string(m["course.yaml"].Data)
	m["course.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(course, "lessons:\n", "lessons:\n"+all.String(), 1))}
	if _, err := Read(m); err == nil || !strings.Contains(err.Error(), "larger than 32 MiB, because") {
		t.Errorf("read it: %v", err)
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add("WEBVTT\n\n00:00 --> 00:01\n<v Ana>Why?\n")
	f.Add("1\n00:00:00,000 --> 00:00:02,000\n1. &lt;b&gt; *x* [a](b)\n\n")
	f.Fuzz(func(t *testing.T, src string) {
		got := transcript(src)
		if !times.MatchString(src) { // Markdown
			return
		}
		if utf8.ValidString(src) && !utf8.ValidString(got) {
			t.Errorf("no text any more: %q", got)
		}
		plain := strings.ReplaceAll(got, `\\`, "")
		if strings.Contains(strings.ReplaceAll(plain, `\<`, ""), "<") {
			t.Errorf("a tag: %q", got)
		}
	})
}
