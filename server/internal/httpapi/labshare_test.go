package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/cast"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Who may look on: the course's owner and admins, while the learner agrees. To
// everybody else, and without consent, the session is not there.
func TestShareLab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	owner := newAuthor(t, h.API, hub.Instructor)
	owner.publishLabs(t, "mine", true, touchLab("watched"))
	teacher, other, admin := owner.Actor, h.User(t, hub.Instructor), h.User(t, hub.Admin)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "watched")

	missing := func(who string, by *client.Client, session string) {
		t.Helper()
		_, err := by.WatchCertificate(ctx, session, publicKey(t))
		apitest.Code(t, err, hub.NotFound)
		if err != nil && err.Error() != "There is no such lab session." {
			t.Errorf("%s: %v", who, err)
		}
	}
	for _, by := range []*client.Client{h.User(t, hub.Premium), other, admin, c} {
		missing("not shared", by, s.ID)
	}
	if _, err := teacher.WatchedLab(ctx, s.ID); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("without consent: %v", err)
	}
	if got, err := c.LabSharing(ctx, "watched"); err != nil || got.Shared || got.SharedAt != nil {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := other.ShareLab(ctx, s.ID, true)
	apitest.Code(t, err, hub.NotFound)

	got, err := c.ShareLab(ctx, "watched", true)
	if err != nil || !got.Shared || got.SharedAt == nil || got.SessionID != s.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := c.ShareLab(ctx, s.ID, true); err != nil || !again.SharedAt.Equal(*got.SharedAt) {
		t.Errorf("%+v, %v", again, err)
	}
	for who, by := range map[string]*client.Client{"a premium learner": h.User(t, hub.Premium), "somebody else's author": other, "the learner": c} {
		missing(who, by, s.ID)
	}
	missing("no such session", admin, "s-zzzzzzzzzz")
	missing("a lab's name", admin, "watched")
	if id, err := teacher.WatchedLab(ctx, s.ID); id != s.ID || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	cert, err := admin.WatchCertificate(ctx, s.ID, publicKey(t))
	if err != nil || cert.SSH.User != "watch-"+s.ID {
		t.Fatalf("%+v, %v", cert, err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(cert.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	if p := key.(*ssh.Certificate).ValidPrincipals; !slices.Equal(p, []string{"watch-" + s.ID}) {
		t.Errorf("it is good for %v", p)
	}
	// The other way in stays shut.
	_, err = admin.LabCertificate(ctx, s.ID, publicKey(t))
	apitest.Code(t, err, hub.NotFound)

	shared, err := admin.SharedLabs(ctx)
	if err != nil || len(shared) != 1 || shared[0].SessionID != s.ID || shared[0].LabID != "watched" || shared[0].Learner == "" {
		t.Errorf("%+v, %v", shared, err)
	}
	if shared, err = other.SharedLabs(ctx); err != nil || len(shared) != 0 {
		t.Errorf("%+v, %v", shared, err)
	}
	_, err = c.SharedLabs(ctx)
	apitest.Code(t, err, hub.Forbidden)

	if got, err = c.ShareLab(ctx, s.ID, false); err != nil || got.Shared {
		t.Errorf("%+v, %v", got, err)
	}
	missing("withdrawn", admin, s.ID)
	if _, err := c.ShareLab(ctx, s.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StopLab(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	missing("ended", admin, s.ID)
	_, err = c.ShareLab(ctx, s.ID, true)
	apitest.Code(t, err, hub.Conflict)
}

// A recording is made when its learner wants it, and is theirs alone.
func TestRecordings(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c, other := h.User(t, hub.Free), h.User(t, hub.Admin)
	s := h.ready(t, c, "files")
	if rec, notice, err := h.App.Recorder(ctx, s.ID, "xterm", 80, 24); rec != nil || notice != "" || err != nil {
		t.Errorf("recorded without being asked: %v, %q, %v", rec, notice, err)
	}
	_, err := other.RecordLab(ctx, s.ID, true)
	apitest.Code(t, err, hub.NotFound)
	if got, err := c.RecordLab(ctx, "files", true); err != nil || !got.Recording || got.SessionID != s.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := c.LabRecording(ctx, s.ID); err != nil || !got.Recording {
		t.Errorf("%+v, %v", got, err)
	}
	rec, notice, err := h.App.Recorder(ctx, s.ID, "xterm", 80, 24)
	if rec == nil || !strings.Contains(notice, "cmh lab record off") || err != nil {
		t.Fatalf("%v, %q, %v", rec, notice, err)
	}
	for _, part := range []string{"\x1b[1mhello ", "\xe2\x82", "\xac\r\n", "\xff"} {
		if _, err := rec.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	rec.Resize(100, 30)
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := c.Recordings(ctx)
	if err != nil || len(all) != 1 || all[0].SessionID != s.ID || all[0].LabID != "files" || all[0].Columns != 80 || all[0].Bytes == 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	id := all[0].ID
	file, err := c.Recording(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cast.NewReader(bytes.NewReader(file))
	if err != nil || r.Header.Width != 80 || r.Header.Height != 24 || r.Header.Env["TERM"] != "xterm" {
		t.Fatalf("%+v, %v", r, err)
	}
	said := ""
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		said += e.Kind + e.Data + "|"
	}
	if said != "o\x1b[1mhello |o€\r\n|o\ufffd|r100x30|" {
		t.Errorf("%q", said)
	}

	for what, f := range map[string]func(string) error{
		"read":   func(id string) error { _, err := other.Recording(ctx, id); return err },
		"delete": func(id string) error { return other.RemoveRecording(ctx, id) },
	} {
		theirs, none := f(id), f("r-zzzzzzzzzz")
		apitest.Code(t, theirs, hub.NotFound)
		if theirs == nil || none == nil || theirs.Error() != none.Error() {
			t.Errorf("%s: %v, %v", what, theirs, none)
		}
	}
	if mine, err := other.Recordings(ctx); err != nil || len(mine) != 0 {
		t.Errorf("%+v, %v", mine, err)
	}

	// One that is deleted while it is made ends, and nothing of it comes back.
	rec, _, err = h.App.Recorder(ctx, s.ID, "xterm", 80, 24)
	if err != nil || rec == nil {
		t.Fatal(rec, err)
	}
	all, err = c.Recordings(ctx)
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, r := range all {
		if err := c.RemoveRecording(ctx, r.ID); err != nil {
			t.Error(err)
		}
	}
	_, _ = rec.Write([]byte("late"))
	_ = rec.Close()
	if all, err = c.Recordings(ctx); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	_, err = c.Recording(ctx, id)
	apitest.Code(t, err, hub.NotFound)

	// It is bounded.
	if rec, _, err = h.App.Recorder(ctx, s.ID, "xterm", 80, 24); err != nil || rec == nil {
		t.Fatal(rec, err)
	}
	stored := func() (n int64) {
		t.Helper()
		if all, err = c.Recordings(ctx); err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0].Bytes
	}
	page := bytes.Repeat([]byte("x"), 1<<19)
	for n := int64(1); n <= 17; n++ {
		_, _ = rec.Write(page)
		for n < 16 && stored() < n<<19 {
			runtime.Gosched()
		}
	}
	_ = rec.Close()
	if n := stored(); n > 8<<20+1024 {
		t.Fatal(n)
	}
	if file, err = c.Recording(ctx, all[0].ID); err != nil || !strings.Contains(string(file[len(file)-200:]), "The recording ends here") {
		t.Errorf("%d bytes, %v", len(file), err)
	}

	// So is what waits to be stored, and what all of a learner's take.
	visit := func(print ...byte) *app.Recorder {
		t.Helper()
		rec, notice, err := h.App.Recorder(ctx, s.ID, "xterm", 80, 24)
		if rec == nil || err != nil {
			t.Fatal(notice, err)
		}
		_, _ = rec.Write(print)
		return rec
	}
	ends := func(why string) {
		t.Helper()
		all, err := c.Recordings(ctx)
		if err != nil || len(all) == 0 {
			t.Fatal(all, err)
		}
		if file, err := c.Recording(ctx, all[0].ID); err != nil || len(file) > 1000 || !strings.Contains(string(file), "The recording ends here: "+why) {
			t.Errorf("%d bytes, %v", len(file), err)
		}
	}
	_ = visit(bytes.Repeat(page, 3)...).Close()
	ends("more was printed than could be stored")
	rec = visit()
	err = h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE lab_recordings SET bytes = $2 WHERE id = $1`, all[0].ID, 64<<20-2000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = rec.Write(page[:4000])
	_ = rec.Close()
	ends("your recordings take all of their 64 MiB")
	_ = visit().Close()
	if all, err = c.Recordings(ctx); err != nil || len(all) != 3 {
		t.Errorf("one of nothing is kept: %+v, %v", all, err)
	}
	if _, err := c.RecordLab(ctx, s.ID, false); err != nil {
		t.Fatal(err)
	}
	if rec, _, err := h.App.Recorder(ctx, s.ID, "xterm", 80, 24); rec != nil || err != nil {
		t.Error("it goes on after it was switched off", err)
	}
}
