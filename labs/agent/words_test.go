package main

import (
	"encoding/json"
	"testing"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

func TestTongue(t *testing.T) {
	t.Parallel()
	const text, german = "No terminal is open in this lab.", "In diesem Lab ist kein Terminal offen."
	var say tongue
	if got := say.T(text); got != text {
		t.Errorf("at first: %q", got)
	}
	for _, step := range []struct {
		locale string
		learns bool
		want   string
	}{
		{"de_AT.UTF-8", true, german},
		{"", false, german},
		{"../po/de", false, german},
		{"de\x1b[2J", false, german},
		{"xx", true, text},
		{"de", true, german},
		{"en_GB", true, text},
		{"DE-ch", true, german},
	} {
		if ok := say.learn(step.locale); ok != step.learns || say.T(text) != step.want {
			t.Errorf("%q: %v, %q", step.locale, ok, say.T(text))
		}
	}
	if got := say.Tf("This lab ends in %d minutes. More time: lab extend", 5); got != "Dieses Lab endet in 5 Minuten. Mehr Zeit: lab extend" {
		t.Errorf("%q", got)
	}
}

// What is asked inside goes out in the language of the shell that asks, else in the
// learner's; what is no ask goes as it is.
func TestAskInLanguage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ ask, usual, want string }{
		{`{"args":["check"]}`, "de", "de"},
		{`{"args":["check"],"language":"fr"}`, "de", "fr"},
		{`{"args":["check"]}`, "", ""},
		{`{"args":["check"],"language":"\u001b[2J"}`, "de", "de"},
	} {
		var say tongue
		var got proto.Ask
		if err := json.Unmarshal(inLanguage([]byte(test.ask), &say, test.usual), &got); err != nil || got.Language != test.want || len(got.Args) != 1 {
			t.Errorf("%s: %+v, %v", test.ask, got, err)
		}
	}
	var say tongue
	if got := inLanguage([]byte("nonsense"), &say, "de"); string(got) != "nonsense" {
		t.Errorf("%q", got)
	}
}

func TestLocale(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"LANG": "C.UTF-8"}, ""},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "de_DE.UTF-8"},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, ""},
		{map[string]string{"LANG": "C", "LC_MESSAGES": "de"}, "de"},
	} {
		if got := locale(func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%v: %q, want %q", test.env, got, test.want)
		}
	}
}
