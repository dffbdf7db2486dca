package mail_test

import (
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/server/internal/mail"
	"github.com/cloudmastershub/cmh/server/internal/mail/mailtest"
)

func TestEveryTextIsSent(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t, true)
	s, err := mail.Open(sink.URL, "CloudMastersHub <hub@example.com>")
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]string{"At": "today", "Link": "https://hub.example.com/verify?token=cmhv_a_b", "Token": "cmhv_a_b", "Life": "an hour", "Until": "tomorrow", "Keys": "\n  SHA256:x"}
	for _, text := range []string{"verify", "reset", "password_changed", "email_changed", "key_added", "deletion", "export"} {
		said := map[string]bool{}
		for _, language := range []string{"en", "de"} {
			if err := s.Send(t.Context(), "ada@example.com", language, text, data); err != nil {
				t.Fatal(err)
			}
			m := sink.Wait(t)
			if m.To != "ada@example.com" || m.From != "hub@example.com" || m.Subject == "" || len(m.Text) < 50 || strings.Contains(m.Text, "<no value>") ||
				m.Header.Get("Auto-Submitted") != "auto-generated" || said[m.Subject] {
				t.Errorf("%s in %s: %+v", text, language, m)
			}
			said[m.Subject] = true
		}
	}
	if err := s.Send(t.Context(), "ada@example.com", "tlh", "export", data); err != nil {
		t.Errorf("a language that nobody writes here: %v", err)
	}
	if m := sink.Wait(t); m.Subject != "Your data was exported" {
		t.Errorf("it came in %+v", m)
	}
	if err := s.Send(t.Context(), "ada@example.com", "en", "verify", map[string]string{}); err == nil {
		t.Error("a text with holes was sent")
	}
	if err := s.Send(t.Context(), "ada@example.com\r\nBcc: everybody@example.com", "en", "export", data); err == nil {
		t.Error("an address with a line of its own was taken")
	}
}

// Errors go to the log, which names nobody.
func TestErrorsNameNobody(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t, false)
	s, err := mail.Open(sink.URL, "hub@example.com")
	if err != nil {
		t.Fatal(err)
	}
	sink.Refuse(1)
	for _, to := range []string{"ada@example.com", "ada@example.com nobody"} {
		err := s.Send(t.Context(), to, "en", "export", map[string]string{"At": "today"})
		if err == nil || strings.Contains(err.Error(), "ada") {
			t.Errorf("got %v", err)
		}
		t.Log(err)
	}
}

func TestAddressesThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, bad := range [][2]string{
		{"mail.example.com", "a@example.com"},
		{"http://mail.example.com", "a@example.com"},
		{"smtp://mail.example.com:x", "a@example.com"},
		{"smtp://mail.example.com", "nobody"},
	} {
		if _, err := mail.Open(bad[0], bad[1]); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	_, err := mail.Open("smtp://ada:a secret@mail example:25", "a@example.com")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells the password: %v", err)
	}
}

// Mail to another machine never leaves in the clear unless the operator said so.
func TestMailIsEncryptedOnItsWay(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t, false)
	elsewhere := strings.Replace(sink.URL, "127.0.0.1", "0.0.0.0", 1) // leads there, and doesn't say so
	for address, ok := range map[string]bool{elsewhere: false, elsewhere + "?tls=none": true, sink.URL: true} {
		s, err := mail.Open(address, "a@example.com")
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), "ada@example.com", "en", "export", map[string]string{"At": "today"})
		if (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			sink.Wait(t)
		}
	}
	if sink.Left() != 0 {
		t.Error("something was sent in the clear")
	}
}
