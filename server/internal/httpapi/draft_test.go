package httpapi_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// A draft is its author's: others, who teach as well, don't learn that it is
// there.
func TestADraftIsItsAuthorsAlone(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	author, other, admin := api.User(t, hub.Instructor), api.User(t, hub.Instructor), api.User(t, hub.Admin)
	d, err := author.UploadDraft(t.Context(), bytes.NewReader(repository(t, scenarios())))
	if err != nil || len(d.Labs) != 2 || len(d.Rejected) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if l := d.Labs[0]; l.Path != "files" || l.Title != "Files" || d.Labs[1].Runnable || d.Labs[1].Reason == "" {
		t.Errorf("%+v", d.Labs)
	}
	id := d.Labs[0].ID
	if lab, err := author.Lab(t.Context(), id); err != nil || lab.Title != "Files" {
		t.Errorf("the author reads %+v, %v", lab, err)
	}
	if _, err := admin.Lab(t.Context(), id); err != nil {
		t.Errorf("an admin: %v", err)
	}
	_, err = other.Lab(t.Context(), id)
	apitest.Code(t, err, hub.NotFound)
	_, never := other.Lab(t.Context(), "draft-never-1")
	if hub.MessageOf(err) != hub.MessageOf(never) {
		t.Errorf("%q tells a draft from nothing, of which it's said %q", hub.MessageOf(err), hub.MessageOf(never))
	}
	_, err = other.StartLab(t.Context(), id)
	if code := hub.CodeOf(err); code != hub.NotFound && code != hub.Unavailable {
		t.Errorf("another instructor starts it: %v", err)
	}
	apitest.Code(t, other.RemoveDraft(t.Context(), d.ID), hub.NotFound)
	for _, who := range []hub.LabFilter{{}, {Query: "Files"}} {
		if page, err := author.Labs(t.Context(), who); err != nil || len(page.Items) != 0 {
			t.Errorf("a list shows %+v, %v", page.Items, err)
		}
	}
	if err := author.RemoveDraft(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	_, err = author.Lab(t.Context(), id)
	apitest.Code(t, err, hub.NotFound)
	apitest.Code(t, author.RemoveDraft(t.Context(), d.ID), hub.NotFound)
}

func TestDraftsAreForAuthorsAndBounded(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	good := repository(t, scenarios())
	_, err := api.Guest().UploadDraft(t.Context(), bytes.NewReader(good))
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.User(t, hub.Premium).UploadDraft(t.Context(), bytes.NewReader(good))
	apitest.Code(t, err, hub.Forbidden)
	author := api.User(t, hub.Instructor)
	_, err = author.UploadDraft(t.Context(), strings.NewReader("no archive"))
	apitest.Code(t, err, hub.Invalid)
	_, err = author.UploadDraft(t.Context(), bytes.NewReader(repository(t, map[string]string{"../../x": "y"})))
	apitest.Code(t, err, hub.Invalid)
	_, err = author.UploadDraft(t.Context(), bytes.NewReader(repository(t, map[string]string{"course.yaml": "slug: [\n"})))
	apitest.Code(t, err, hub.Invalid)
	for range 10 {
		if _, err := author.UploadDraft(t.Context(), bytes.NewReader(good)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = author.UploadDraft(t.Context(), bytes.NewReader(good))
	apitest.Code(t, err, hub.Limit)
	nothing, err := author.UploadDraft(t.Context(), bytes.NewReader(repository(t, map[string]string{"README": "y"})))
	if err != nil || len(nothing.Labs) != 0 {
		t.Errorf("a folder without labs: %+v, %v", nothing, err)
	}
}
