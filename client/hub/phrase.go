package hub

import "fmt"

// Phrase is a text, or a part of one, that remembers what it was made of, for who
// says it in another language.
type Phrase struct {
	text, format string
	args         []any
}

// Phrasef is fmt.Sprintf that remembers. Arguments may be phrases themselves.
func Phrasef(format string, args ...any) Phrase {
	return Phrase{text: fmt.Sprintf(format, args...), format: format, args: args}
}

// Word is a word of ours, as part of a sentence.
func Word(text string) Phrase { return Phrase{text: text} }

// String is the phrase in English.
func (p Phrase) String() string { return p.text }

// Format returns what the phrase was made of; format is empty for one that came
// as it is, from a server say.
func (p Phrase) Format() (format string, args []any) { return p.format, p.args }
