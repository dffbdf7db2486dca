package cli

import (
	"fmt"
	"io"

	"github.com/cloudmastershub/cmh/words"
)

// Words speaks the caller's language: the one in the settings, then what their
// environment asks for. What a program reads - JSON, tab separated lists, exit
// statuses, the names of commands - is never translated.
func (e *Env) Words() words.Speaker {
	if e.speaker == nil {
		setting := ""
		if e.Language != nil {
			setting = e.Language()
		}
		s := e.Languages.For(setting, e.Getenv)
		e.speaker = &s
	}
	return *e.speaker
}

// T is text in the caller's language.
func (e *Env) T(text string) string { return e.Words().T(text) }

// Tf is fmt.Sprintf with format in the caller's language.
func (e *Env) Tf(format string, args ...any) string { return e.Words().Tf(format, args...) }

// Message is what err says to a person, in the caller's language.
func (e *Env) Message(err error) string {
	return message(e.Words(), err, false)
}

// N is the form of a text that goes with n things, as package words has it.
func (e *Env) N(n int, one, other string, args ...any) string {
	return e.Words().N(n, one, other, args...)
}

// Shown speaks the caller's language where people look at what is printed on Out,
// and English where a program reads it.
func (e *Env) Shown() words.Speaker {
	if e.ForHumans() {
		return e.Words()
	}
	return words.Speaker{}
}

// Fprintf is fmt.Fprintf with format in the caller's language. A write that
// fails is noticed by who writes next.
func (e *Env) Fprintf(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprint(w, e.Tf(format, args...))
}

// Fprintln writes a line of text in the caller's language.
func (e *Env) Fprintln(w io.Writer, text string) { _, _ = fmt.Fprintln(w, e.T(text)) }
