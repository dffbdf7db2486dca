package hub

import (
	"errors"
	"time"
)

// Code says what kind of failure happened, in words a program can switch on.
type Code string

// The codes. Add one only when some caller would act differently on it.
const (
	Invalid         Code = "invalid"         // the request can never work as written
	Unauthenticated Code = "unauthenticated" // we do not know who is asking
	Forbidden       Code = "forbidden"       // we know, and the answer is no
	NotFound        Code = "not_found"       // absent, or not the caller's to see
	Conflict        Code = "conflict"        // true when asked, no longer true
	Limit           Code = "limit"           // the caller has used their share
	Unavailable     Code = "unavailable"     // ours to fix; trying later may work
	Internal        Code = "internal"        // a bug or a broken dependency
)

// Error is a failure meant for a person. Message is safe to show to them; Err
// is not, and is only for the log.
type Error struct {
	Code    Code
	Message string

	// Fields names the parts of the request that are wrong, for Invalid.
	Fields []FieldError

	// RetryAfter is when asking again may work, for Limit and Unavailable.
	// Zero means nobody knows.
	RetryAfter time.Duration

	// Place is the caller's in the queue for what is not to be had yet, from 1.
	// Zero means that there is no queue.
	Place int

	// RequestID is the server's name for the failed request, when there was
	// one. Its log line is found by it.
	RequestID string

	Err error

	said Phrase // what Message was made of
}

// ErrWritten is in the error of what was done offline: it is kept on the
// learner's machine and counts when the hub is reached.
var ErrWritten = errors.New("waits for the hub")

// FieldError is one wrong value in a request body.
type FieldError struct {
	Pointer string `json:"pointer"` // RFC 6901, such as "/email"
	Detail  string `json:"detail"`

	said Phrase // what Detail was made of
}

// Field returns what is wrong with the value at pointer.
func Field(pointer, format string, args ...any) FieldError {
	p := Phrasef(format, args...)
	return FieldError{Pointer: pointer, Detail: p.text, said: p}
}

// Unfit is the error for values that are wrong: it says what the first is.
func Unfit(wrong []FieldError) *Error {
	e := New(Invalid, "%s", wrong[0])
	e.Fields = wrong
	return e
}

// String is the detail.
func (f FieldError) String() string { return f.Detail }

// Format is Error's.
func (f FieldError) Format() (format string, args []any) { return f.said.Format() }

// Errorf returns an Error whose message is shown to the user as written.
func Errorf(code Code, format string, args ...any) error { return New(code, format, args...) }

// New is Errorf for who has more to say: when to come again, which fields.
func New(code Code, format string, args ...any) *Error {
	p := Phrasef(format, args...)
	return &Error{Code: code, Message: p.text, said: p}
}

// Wrap is Errorf that also keeps err, for the log.
func Wrap(err error, code Code, format string, args ...any) error {
	e := New(code, format, args...)
	e.Err = err
	return e
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Format returns what Message was made of, for who says it in another language.
// format is empty for an error that came as it is, from a server say.
func (e *Error) Format() (format string, args []any) { return e.said.Format() }

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code carried by err. An error nobody classified is
// Internal: callers never have to handle "unknown".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// MessageOf returns the text to show a person for err.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return Word("Something went wrong on our side.").text
}
