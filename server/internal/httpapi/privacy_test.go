package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// fill gives somebody a row in every table that has a place for people, as far
// as their account alone allows.
func fill(t *testing.T, api *apitest.API, userID string) {
	t.Helper()
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		for _, sql := range []string{
			`INSERT INTO ssh_keys (user_id, name, type, fingerprint, public_key) VALUES ($1::uuid, 'ada@laptop', 'ssh-ed25519', 'SHA256:adas', 'ssh-ed25519 AAAA ada')`,
			`INSERT INTO api_keys (user_id, name, hint, hash, scopes, expires_at) VALUES ($1::uuid, 'adas key', 'cmh_ADA', '\x01', '{labs:run}', now())`,
			`INSERT INTO subscriptions (user_id, plan_type, status) VALUES ($1::uuid, 'premium', 'active')`,
			`INSERT INTO labs (id, version) SELECT 'a-lab', 'v1' WHERE $1 <> ''`,
			`INSERT INTO lab_sessions (id, user_id, lab_id, lab_version, state, step, driver, node, expires_at, most_until, ended_at)
				VALUES ('s-adas', $1::uuid, 'a-lab', 'v1', 'stopped', 1, 'local', 'here', now(), now(), now())`,
			`INSERT INTO lab_session_steps (session_id, number, message) SELECT 's-adas', 1, 'by ada' WHERE $1 <> ''`,
			`INSERT INTO lab_session_answers (session_id, step, question, answer) SELECT 's-adas', 1, 1, '"adas answer"' WHERE $1 <> ''`,
			`INSERT INTO lab_progress (user_id, lab_id, progress_percentage) VALUES ($1::uuid, 'a-lab', 50)`,
			`INSERT INTO checkpoints (id, user_id, session_id, lab_id, lab_version, kind, name, step, marks, node, created_at, expires_at)
				VALUES ('c-adas', $1::uuid, 's-adas', 'a-lab', 'v1', 'saved', 'adas work', 1, '[]', 'here', now(), now())`,
			`INSERT INTO lab_recordings (id, user_id, session_id, lab_id, title, columns, rows, term, started_at) VALUES ('r-adas', $1::uuid, 's-adas', 'a-lab', 'adas', 80, 24, 'xterm', now())`,
			`INSERT INTO lab_recording_chunks (recording_id, number, data) SELECT 'r-adas', 1, 'adalovelace' WHERE $1 <> ''`,
			`INSERT INTO events (user_id, type, data) VALUES ($1::uuid, 'lesson.completed', '{"note":"adalovelace was here"}')`,
			`INSERT INTO courses (slug, version, owner_id) VALUES ('adas-course', 1, $1::uuid)`,
			`INSERT INTO replayed_events (user_id, id, request, received_at) VALUES ($1::uuid, gen_random_uuid(), '\x01', now())`,
			`INSERT INTO user_achievements (user_id, achievement, earned_at) VALUES ($1::uuid, 'first-lesson', now())`,
			`INSERT INTO certificates (id, user_id, course_id, version, name, title, completed_at, issued_at)
				SELECT 'adas-certificate', $1::uuid, id, 1, 'adalovelace', 'Mine', now(), now() FROM courses WHERE slug = 'adas-course'`,
		} {
			if _, err := tx.Exec(ctx, sql, userID); err != nil {
				t.Errorf("%.60s: %v", sql, err)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExportIsComplete(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	ada, l := register(t, api, "adalovelace")
	bob, _ := register(t, api, "bob")
	sink.Wait(t)
	sink.Wait(t)
	fill(t, api, l.User.ID)
	e, err := ada.Export(t.Context())
	if err != nil || e.Format != "cmh-export-1" {
		t.Fatalf("got %+v, %v", e, err)
	}
	for _, h := range postgres.Holdings {
		var rows []map[string]any
		if err := json.Unmarshal(e.Data[h.Table], &rows); err != nil {
			t.Errorf("%s: %v", h.Table, err)
		}
		for _, r := range rows {
			for column := range h.Hides {
				if _, there := r[column]; there {
					t.Errorf("%s.%s is shown", h.Table, column)
				}
				if e.Withheld[h.Table+"."+column] == "" {
					t.Errorf("%s.%s is withheld without a word", h.Table, column)
				}
			}
		}
		if len(rows) == 0 && !strings.Contains(" quotas api_keys identities lab_reports labs lab_versions lab_broken_checks lab_returns device_grants idempotency_keys enrollments user_progress quiz_attempts account_tokens ", " "+h.Table+" ") {
			t.Errorf("%s is empty", h.Table)
		}
	}
	whole, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"adalovelace@example.com", "ada@laptop", "adas answer", "adas work", "adas-course", "account.registered"} {
		if !strings.Contains(string(whole), want) {
			t.Errorf("%s is not in it", want)
		}
	}
	if strings.Contains(string(whole), "$2") || strings.Contains(string(whole), "bob") {
		t.Error("it holds a password's hash, or somebody else")
	}
	if m := sink.Wait(t); m.To != "adalovelace@example.com" || !strings.Contains(m.Subject, "exported") {
		t.Errorf("got %+v", m)
	}
	if theirs, err := bob.Export(t.Context()); err != nil || strings.Contains(string(theirs.Data["ssh_keys"]), "ada") {
		t.Errorf("bob's: %v, %v", theirs.Data["ssh_keys"], err)
	}
}

func TestDeletionIsComplete(t *testing.T) {
	t.Parallel()
	var now clock
	api, sink := mailing(t, now.use)
	ada, l := register(t, api, "adalovelace")
	bob, _ := register(t, api, "bob")
	sink.Wait(t)
	sink.Wait(t)
	fill(t, api, l.User.ID)
	token := api.Token(t, ada)

	now.add(11 * time.Minute) // no longer just signed in
	_, err := ada.DeleteAccount(t.Context(), hub.Deletion{})
	apitest.Code(t, err, hub.Forbidden)
	_, err = ada.DeleteAccount(t.Context(), hub.Deletion{Password: "not the password"})
	apitest.Code(t, err, hub.Forbidden)
	d, err := ada.DeleteAccount(t.Context(), hub.Deletion{Password: apitest.Password})
	if err != nil || d.DeleteAt.Sub(now.now()) < 13*24*time.Hour || d.DeleteAt.Sub(now.now()) > 14*24*time.Hour {
		t.Fatalf("got %+v, %v", d, err)
	}
	if m := sink.Wait(t); m.To != "adalovelace@example.com" || !strings.Contains(m.Subject, "will be deleted") || !strings.Contains(m.Text, d.DeleteAt.Format("2 January 2006")) {
		t.Errorf("got %+v", m)
	}
	if got := send(t, api, "GET", "/v1/users/profile", token, ""); got.status != http.StatusUnauthorized {
		t.Errorf("a token still works: %d", got.status)
	}
	_, err = api.App.UserByKey(t.Context(), "SHA256:adas")
	apitest.Code(t, err, hub.NotFound)

	// Coming back keeps it.
	if err := api.App.DeleteAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.Login(t.Context(), hub.Credentials{Email: "adalovelace", Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	now.add(15 * 24 * time.Hour)
	if err := api.App.DeleteAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.Login(t.Context(), hub.Credentials{Email: "adalovelace", Password: apitest.Password}); err != nil {
		t.Fatalf("it went, though its owner had come back: %v", err)
	}

	// Whoever has just signed in needs no password, and this time they stay away.
	if _, err := ada.DeleteAccount(t.Context(), hub.Deletion{}); err != nil {
		t.Fatal(err)
	}
	sink.Wait(t)
	now.add(15 * 24 * time.Hour)
	if err := api.App.DeleteAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"adalovelace", "ada@laptop", "SHA256:adas", "adas work", "adas answer"} {
		inDatabase(t, api, text, 0)
	}
	inDatabase(t, api, "account.deleted", 1)
	inDatabase(t, api, "adas-course", 1) // which goes on without its owner
	_, err = api.Guest().Login(t.Context(), hub.Credentials{Email: "adalovelace", Password: apitest.Password})
	apitest.Code(t, err, hub.Unauthenticated)
	if _, err := bob.Profile(t.Context()); hub.CodeOf(err) == hub.NotFound {
		t.Errorf("bob went as well: %v", err)
	}
}

// An account that was disabled otherwise doesn't come back by signing in.
func TestDisabledIsNotDeleted(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	_, l := register(t, api, "ada")
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET disabled_at = now() WHERE id::text = $1`, l.User.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: apitest.Password})
	apitest.Code(t, err, hub.Unauthenticated)
}
