package httpapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// sampleFolder is the course folder of the tests, with another slug, and names
// of labs that begin with it.
func sampleFolder(t *testing.T, slug string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS("../../../courses/testdata/course")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(files["course.yaml"], "\n") {
		if strings.HasPrefix(line, "slug:") {
			line = "slug: " + slug
		}
		lines = append(lines, line)
	}
	files["course.yaml"] = strings.Join(lines, "\n")
	return files
}

func push(t *testing.T, c *client.Client, files map[string]string, publish bool) (hub.AuthoredCourse, error) {
	t.Helper()
	var headers []tar.Header
	for _, name := range slices.Sorted(maps.Keys(files)) {
		headers = append(headers, tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name])), PAXRecords: map[string]string{"CMH.text": files[name]}})
	}
	return c.UploadCourse(t.Context(), archiveOfHeaders(t, headers), publish)
}

// archiveOfHeaders packs headers; what a file holds stands in a record of its
// own, which isn't packed.
func archiveOfHeaders(t *testing.T, headers []tar.Header) io.Reader {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		text := h.PAXRecords["CMH.text"]
		h.PAXRecords = nil
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > int64(len(text)) {
			text = strings.Repeat("0", int(h.Size))
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// A course from its first draft to a version that is brought back.
func TestTheLifeOfACourse(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	ada, bob, learner := api.User(t, hub.Instructor), api.User(t, hub.Instructor), api.User(t, hub.Premium)
	files := sampleFolder(t, "mine")
	c, err := push(t, ada, files, false)
	if err != nil || c.Version != 1 || c.Published || c.Slug != "mine" {
		t.Fatalf("%+v, %v", c, err)
	}

	// A draft is its author's alone, whoever asks and however.
	for name, other := range map[string]*client.Client{"guest": api.Guest(), "learner": learner, "another author": bob, "its author, as a learner": ada} {
		_, err := other.Course(t.Context(), "mine")
		apitest.Code(t, err, hub.NotFound)
		if found := slugs(t, other, hub.CourseFilter{}); len(found) != 0 {
			t.Errorf("%s finds %v", name, found)
		}
	}
	_, err = learner.Enroll(t.Context(), "mine")
	apitest.Code(t, err, hub.NotFound)
	_, err = learner.RecordProgress(t.Context(), []hub.ProgressEntry{entry("mine", "counting", 10)})
	apitest.Code(t, err, hub.Invalid)
	if len(c.ID) != 36 {
		t.Errorf("%+v", c)
	}
	for _, ref := range []string{"mine", c.ID} {
		_, err = bob.AuthoredCourse(t.Context(), ref)
		apitest.Code(t, err, hub.NotFound)
		_, err = bob.SetPublished(t.Context(), ref, true)
		apitest.Code(t, err, hub.NotFound)
		_, err = bob.CourseEditions(t.Context(), ref)
		apitest.Code(t, err, hub.NotFound)
		_, err = bob.RestoreCourse(t.Context(), ref, 1)
		apitest.Code(t, err, hub.NotFound)
	}
	_, err = push(t, bob, files, true)
	apitest.Code(t, err, hub.Forbidden)
	if d, err := ada.AuthoredCourse(t.Context(), "mine"); err != nil || len(d.Lessons) == 0 || d.Lessons[0].Body == "" {
		t.Errorf("%+v, %v", d, err)
	}

	// Published, learned, and another version.
	if c, err = ada.SetPublished(t.Context(), "mine", true); err != nil || !c.Published {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err = learner.RecordProgress(t.Context(), []hub.ProgressEntry{entry("mine", "counting", 100)}); err != nil {
		t.Fatal(err)
	}
	if c, err = push(t, ada, files, true); err != nil || c.Version != 1 || c.Learners != 1 {
		t.Errorf("the same content made a version: %+v, %v", c, err)
	}
	lesson := ""
	for name := range files {
		if strings.HasSuffix(name, "counting.md") {
			lesson = name
		}
	}
	files[lesson] += "\nOne line more.\n"
	if c, err = push(t, ada, files, false); err != nil || c.Version != 2 || !c.Published {
		t.Fatalf("%+v, %v", c, err)
	}
	if ps, err := learner.Progress(t.Context()); err != nil || len(ps) != 1 || ps[0].LessonsDone != 1 {
		t.Errorf("progress is lost: %+v, %v", ps, err)
	}
	if mine, err := learner.Course(t.Context(), "mine"); err != nil || mine.Version != 1 {
		t.Errorf("the learner was moved: %d, %v", mine.Version, err)
	}
	if c, err = ada.RestoreCourse(t.Context(), "mine", 1); err != nil || c.Version != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err = ada.RestoreCourse(t.Context(), "mine", 3); err != nil || c.Version != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = ada.RestoreCourse(t.Context(), "mine", 9)
	apitest.Code(t, err, hub.NotFound)
	all, err := ada.CourseEditions(t.Context(), "mine")
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	got := []string{}
	for _, e := range all {
		got = append(got, fmt.Sprintf("%d %v %d +%d -%d ~%v from %d", e.Version, e.Current, e.Learners, len(e.Lessons.Added), len(e.Lessons.Removed), e.Lessons.Changed, e.RestoredFrom))
	}
	want := []string{"3 true 0 +0 -0 ~[counting] from 1", "2 false 0 +0 -0 ~[counting] from 0", "1 false 1 +2 -0 ~[] from 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// Taken back: who is in it goes on, until they leave.
	if c, err = ada.SetPublished(t.Context(), "mine", false); err != nil || c.Published {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := learner.Lesson(t.Context(), "mine", "sorting"); err != nil {
		t.Error(err)
	}
	_, err = api.Guest().Course(t.Context(), "mine")
	apitest.Code(t, err, hub.NotFound)
	if err := learner.Leave(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	_, err = learner.Course(t.Context(), "mine")
	apitest.Code(t, err, hub.NotFound)
	if ps, err := learner.Progress(t.Context()); err != nil || len(ps) != 0 {
		t.Errorf("%+v, %v", ps, err)
	}
	if _, err = ada.SetPublished(t.Context(), "mine", true); err != nil {
		t.Fatal(err)
	}
	if _, err = learner.Enroll(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if ps, err := learner.Progress(t.Context()); err != nil || len(ps) != 1 || ps[0].LessonsDone != 1 {
		t.Errorf("what was done is lost: %+v, %v", ps, err)
	}
	page, err := ada.AuthoredCourses(t.Context(), hub.Paging{})
	if err != nil || len(page.Items) != 1 || page.Items[0].Slug != "mine" {
		t.Errorf("%+v, %v", page.Items, err)
	}
	if page, err = bob.AuthoredCourses(t.Context(), hub.Paging{}); err != nil || len(page.Items) != 0 {
		t.Errorf("%+v, %v", page.Items, err)
	}
}

// An archive that could do harm is refused whole: no course, no version, and
// nothing was ever written anywhere.
func TestHostileCourses(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.User(t, hub.Instructor)
	good := tar.Header{Name: "course.yaml", Typeflag: tar.TypeReg, Mode: 0o644, PAXRecords: map[string]string{"CMH.text": sampleFolder(t, "bad")["course.yaml"]}}
	good.Size = int64(len(good.PAXRecords["CMH.text"]))
	file := func(name string, size int64) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}
	}
	many := make([]tar.Header, 10_001)
	for i := range many {
		many[i] = file(fmt.Sprintf("lessons/%d.md", i), 0)
	}
	for name, headers := range map[string][]tar.Header{
		"out of it":        {file("../course.yaml", 1)},
		"absolute":         {file("/etc/cron.d/x", 1)},
		"a link out":       {{Name: "lessons", Typeflag: tar.TypeSymlink, Linkname: "../../etc"}},
		"an absolute link": {{Name: "lessons", Typeflag: tar.TypeSymlink, Linkname: "/etc"}},
		"a hard link":      {{Name: "passwd", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"a device":         {{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		"case twins":       {file("lessons/A.md", 1), file("lessons/a.md", 1)},
		"too many":         many,
		"a bomb":           {file("lessons/bomb.md", 40<<20)},
		"backslashes":      {file(`..\..\course.yaml`, 1)},
		"a drive":          {file(`C:\course.yaml`, 1)},
		"a block device":   {{Name: "sda", Typeflag: tar.TypeBlock, Devmajor: 8}},
		"a pipe":           {{Name: "pipe", Typeflag: tar.TypeFifo}},
		"through a link":   {{Name: "lessons", Typeflag: tar.TypeSymlink, Linkname: ".."}, file("lessons/x.md", 1)},
		"out and back":     {file("lessons/../../course.yaml", 1)},
		"a control":        {file("lessons/a\x1b[2J.md", 1)},
	} {
		all := append([]tar.Header{good}, headers...)
		for door, take := range map[string]func(io.Reader) error{
			"course": func(r io.Reader) error { _, err := c.UploadCourse(t.Context(), r, true); return err },
			"import": func(r io.Reader) error {
				_, err := c.ImportScenarios(t.Context(), hub.ImportOptions{Slug: "bad"}, r)
				return err
			},
			"draft": func(r io.Reader) error { _, err := c.UploadDraft(t.Context(), r); return err },
		} {
			if code := hub.CodeOf(take(archiveOfHeaders(t, slices.Clone(all)))); code != hub.Invalid {
				t.Errorf("%s, as a %s: %q", name, door, code)
			}
		}
	}
	_, err := c.UploadCourse(t.Context(), strings.NewReader("PK\x03\x04 not what it says"), true)
	apitest.Code(t, err, hub.Invalid)
	if page, err := c.AuthoredCourses(t.Context(), hub.Paging{}); err != nil || len(page.Items) != 0 {
		t.Errorf("something was kept: %+v, %v", page.Items, err)
	}
	_, err = api.User(t, hub.Premium).UploadCourse(t.Context(), strings.NewReader(""), true)
	apitest.Code(t, err, hub.Forbidden)
}
