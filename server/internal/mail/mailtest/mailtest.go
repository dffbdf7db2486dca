// Package mailtest is a mail server for tests: a real SMTP peer that keeps what
// it is sent.
package mailtest

import (
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Message is one that arrived, decoded.
type Message struct {
	From, To, Subject, Text string
	Header                  mail.Header
}

// Sink is a running server.
type Sink struct {
	URL string // for mail.Open

	arrived chan Message
	mu      sync.Mutex
	refuse  int
}

// User and Password are what Start's server wants when it wants a sign-in.
const (
	User     = "hub"
	Password = "hub's secret"
)

// Start starts a server that ends with the test. withAuth takes mail only from
// those who sign in.
func Start(t testing.TB, withAuth bool) *Sink {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Sink{URL: "smtp://" + l.Addr().String(), arrived: make(chan Message, 100)}
	if withAuth {
		s.URL = "smtp://" + User + ":hub%27s%20secret@" + l.Addr().String()
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{sink: s, known: !withAuth}, nil }))
	srv.Domain, srv.AllowInsecureAuth, srv.EnableSMTPUTF8 = "localhost", true, true
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(l) // says only that it was closed
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return s
}

// Refuse makes the server be busy for the next n messages.
func (s *Sink) Refuse(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = n
}

// Wait returns the next message.
func (s *Sink) Wait(t testing.TB) Message {
	t.Helper()
	select {
	case m := <-s.arrived:
		return m
	case <-time.After(3 * time.Minute):
		t.Fatal("no mail has come")
		return Message{}
	}
}

// Left returns how many messages nobody has waited for.
func (s *Sink) Left() int { return len(s.arrived) }

type session struct {
	sink     *Sink
	known    bool
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *session) Data(r io.Reader) error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if s.sink.refuse > 0 {
		s.sink.refuse--
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy"}
	}
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	s.sink.arrived <- Message{From: s.from, To: s.to, Subject: subject, Text: string(text), Header: m.Header}
	return nil
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }
