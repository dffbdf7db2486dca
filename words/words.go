// Package words says in the language of whoever reads it what the programs say.
// The English text in the code is the key, so the code stays readable and
// English needs no looking up; po/ holds one catalogue for each other language,
// read when somebody first asks for it. It knows no terminal, no hub and no
// setting: who runs a program tells it the language, one Speaker a session.
package words

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Speaker speaks one language. The zero Speaker speaks English. It is small,
// never changes, and may be used by many at once.
type Speaker struct{ in *catalogue }

// T is text, which holds no verbs, in the speaker's language. What the catalogue
// lacks is said in English.
func (s Speaker) T(text string) string {
	if s.in == nil || text == "" {
		return text
	}
	if t := s.in.texts[text]; len(t) > 0 {
		return t[0]
	}
	return text
}

// Tf is fmt.Sprintf with format in the speaker's language. Arguments that remember
// what they were made of, as errors and phrases of the hub do, are said in it, too.
func (s Speaker) Tf(format string, args ...any) string {
	if s.in == nil {
		return fmt.Sprintf(format, args...)
	}
	return fmt.Sprintf(s.T(format), s.each(args)...)
}

// each says those of args that are texts themselves.
func (s Speaker) each(args []any) []any {
	for i, a := range args {
		if p, ok := a.(interface {
			fmt.Stringer
			Format() (format string, args []any)
		}); ok {
			args = slices.Clone(args)
			format, of := p.Format()
			args[i] = s.Said(p.String(), format, of...)
		}
	}
	return args
}

// N is Tf with the form that goes with n things: one for a single one in
// English, other for all else. n is not among args unless it is repeated there.
func (s Speaker) N(n int, one, other string, args ...any) string {
	if s.in == nil {
		if n == 1 {
			other = one
		}
		return fmt.Sprintf(other, args...)
	}
	forms := s.in.texts[one]
	if i := s.in.plural(n); i < len(forms) {
		return fmt.Sprintf(forms[i], args...)
	}
	return Speaker{}.N(n, one, other, args...)
}

// Said is a message that was made of format and args. What holds no values is
// looked up as it is; where format is empty, it came from another process, and is
// told.
func (s Speaker) Said(message, format string, args ...any) string {
	if s.in == nil {
		return message
	}
	if t := s.in.texts[message]; len(t) == 1 { // as a whole it is said best
		return t[0]
	}
	if t := s.in.texts[format]; len(t) > 0 {
		return fmt.Sprintf(t[0], s.each(args)...)
	}
	if format == "" {
		return s.Told(message)
	}
	return fmt.Sprintf(format, s.each(args)...)
}

// Mark returns text as it is. It is for texts that stand in the code long before
// somebody is there to read them: what shows them later says T.
func Mark(text string) string { return text }

// Language is the language's code, such as "de".
func (s Speaker) Language() string {
	if s.in == nil {
		return "en"
	}
	return s.in.language
}

// MarshalText is the language, for a program that draws what this one shows.
func (s Speaker) MarshalText() ([]byte, error) { return []byte(s.Language()), nil }

// UnmarshalText speaks the language that MarshalText has told.
func (s *Speaker) UnmarshalText(language []byte) error {
	*s, _ = In(string(language))
	return nil
}

// When is t in a layout of package time. The layout is translated like any other
// text, which puts day, month and year into the order people expect.
func (s Speaker) When(t time.Time, layout string) string {
	if s.in == nil {
		return t.Format(layout)
	}
	out, month := t.Format(s.T(layout)), t.Month().String()
	if strings.Contains(out, month) {
		return strings.Replace(out, month, s.T(month), 1)
	}
	return strings.Replace(out, month[:3], s.T(shortMonths[t.Month()-1]), 1)
}

// The names that package time writes, in both lengths.
var (
	_ = [...]string{
		Mark("January"), Mark("February"), Mark("March"), Mark("April"), Mark("May"), Mark("June"),
		Mark("July"), Mark("August"), Mark("September"), Mark("October"), Mark("November"), Mark("December"),
	}
	shortMonths = [...]string{
		Mark("Jan"), Mark("Feb"), Mark("Mar"), Mark("Apr"), Mark("May"), Mark("Jun"),
		Mark("Jul"), Mark("Aug"), Mark("Sep"), Mark("Oct"), Mark("Nov"), Mark("Dec"),
	}
)

// Number is n with its thousands apart.
func (s Speaker) Number(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + s.rules().group + digits[i:]
	}
	return sign + digits
}

// Decimal is x with that many places behind its point.
func (s Speaker) Decimal(x float64, places int) string {
	return strings.Replace(fmt.Sprintf("%.*f", places, x), ".", s.rules().point, 1)
}

func (s Speaker) rules() rules {
	if s.in == nil {
		return english
	}
	return s.in.rules
}
