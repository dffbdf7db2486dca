package hub

import (
	"errors"
	"fmt"
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

	format string // what Message was made of
	args   []any
}

// ErrWritten is in the error of what was done offline: it is kept on the
// learner's machine and counts when the hub is reached.
var ErrWritten = errors.New("waits for the hub")

// FieldError is one wrong value in a request body.
type FieldError struct {
	Pointer string `json:"pointer"` // RFC 6901, such as "/email"
	Detail  string `json:"detail"`
}

// Errorf returns an Error whose message is shown to the user as written.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), format: format, args: args}
}

// Wrap is Errorf that also keeps err, for the log.
func Wrap(err error, code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err, format: format, args: args}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Format returns what Message was made of, for who says it in another language.
// format is empty for an error that came as it is, from a server say.
func (e *Error) Format() (format string, args []any) { return e.format, e.args }

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
	return "Something went wrong on our side."
}
