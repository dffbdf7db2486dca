package main

import (
	"encoding/json"
	"testing"

	"golang.org/x/crypto/ssh"

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

// What is asked inside goes out in the language that the learner chose, else in that of
// the shell that asks, else in the learner's locale; what is no ask goes as it is.
func TestAskInLanguage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ ask, chosen, usual, want string }{
		{`{"args":["check"]}`, "", "de", "de"},
		{`{"args":["check"],"language":"fr"}`, "", "de", "fr"},
		{`{"args":["check"],"language":"fr"}`, "de", "en_US.UTF-8", "de"},
		{`{"args":["check"],"language":"fr"}`, "../de", "en_US.UTF-8", "fr"},
		{`{"args":["check"]}`, "", "", ""},
		{`{"args":["check"],"language":"\u001b[2J"}`, "", "de", "de"},
	} {
		for _, order := range []string{"chosen last", "chosen first"} {
			var say tongue
			var got proto.Ask
			s := session{a: &agent{}, env: map[string]string{}}
			env := func(name, value string) {
				s.request("env", ssh.Marshal(struct{ Key, Value string }{name, value}))
			}
			if order == "chosen first" {
				env(proto.LanguageEnv, test.chosen)
			}
			env("LANG", test.usual)
			if order == "chosen last" {
				env(proto.LanguageEnv, test.chosen)
			}
			if err := json.Unmarshal(inLanguage([]byte(test.ask), &say, &s.a.tongue), &got); err != nil || got.Language != test.want || len(got.Args) != 1 {
				t.Errorf("%s, %s: %+v, %v", test.ask, order, got, err)
			}
		}
	}
	var say tongue
	if got := inLanguage([]byte("nonsense"), &say, new(tongue)); string(got) != "nonsense" {
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
