// Package mail writes and sends what the hub tells people by e-mail: a few
// plain texts, through the operator's SMTP server. When and to whom is app's.
package mail

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"

	gomail "github.com/wneessen/go-mail"
)

const timeout = 20 * time.Second

// Sender sends through one SMTP server. It is safe for concurrent use: each
// message is a connection of its own.
type Sender struct {
	host    string
	options []gomail.Option
	from    string
}

// Open prepares a sender from an address such as smtp://user:password@host:587
// and a From such as "CloudMastersHub <hub@example.com>". Nothing is dialled.
//
// smtp:// begins in the clear and must go on with STARTTLS, unless the server is
// this machine's own or ?tls=none says so; smtps:// is TLS from the beginning.
// With a user in it, nothing is sent before signing in.
func Open(address, from string) (*Sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") { // the cause would hold the password
		return nil, fmt.Errorf("the SMTP server must look like smtp://user:password@host:587")
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return nil, fmt.Errorf("the sender of mail must look like Name <hub@example.com>: %w", err)
	}
	policy, port, auth := gomail.TLSMandatory, 587, gomail.SMTPAuthAutoDiscover
	switch {
	case u.Query().Get("tls") == "none":
		policy, auth = gomail.NoTLS, gomail.SMTPAuthPlainNoEnc
	case local(u.Hostname()):
		policy, auth = gomail.TLSOpportunistic, gomail.SMTPAuthPlainNoEnc
	}
	s := &Sender{host: u.Hostname(), from: from}
	if u.Scheme == "smtps" {
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("the SMTP server's port: %w", err)
		}
	}
	s.options = append(s.options, gomail.WithPort(port), gomail.WithTLSPolicy(policy), gomail.WithTimeout(timeout))
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	_, err = gomail.NewClient(s.host, s.options...)
	return s, err
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

//go:embed texts
var files embed.FS

// texts are by language and name, such as en/verify.txt.
var texts = func() *template.Template {
	all := template.New("").Option("missingkey=error")
	names, err := fs.Glob(files, "texts/*/*.txt")
	for _, name := range names {
		src, e := fs.ReadFile(files, name)
		template.Must(all.New(strings.TrimPrefix(name, "texts/")).Parse(string(src)))
		err = errors.Join(err, e)
	}
	return template.Must(all, err)
}()

// Send writes the text of that name in a language, or in English where there is none
// in it, with data and sends it to one person. Names
// that people chose for themselves have no place in data: a stranger could write
// to others in the hub's name.
func (s *Sender) Send(ctx context.Context, to, language, text string, data any) error {
	var b bytes.Buffer
	t := texts.Lookup(language + "/" + text + ".txt")
	if t == nil {
		t = texts.Lookup("en/" + text + ".txt")
	}
	if t == nil {
		return fmt.Errorf("there is no text %s", text)
	}
	if err := t.Execute(&b, data); err != nil {
		return err
	}
	subject, body, ok := strings.Cut(b.String(), "\n\n")
	if !ok {
		return fmt.Errorf("the text %s has no subject", text)
	}
	m := gomail.NewMsg()
	if err := m.From(s.from); err != nil {
		return err
	}
	if err := m.To(to); err != nil { // the cause would hold the address
		return fmt.Errorf("send %s: the address is none", text)
	}
	m.Subject(strings.TrimPrefix(subject, "Subject: "))
	m.SetMessageID()
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's holiday answers
	m.SetBodyString(gomail.TypeTextPlain, body)
	c, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		return fmt.Errorf("send %s through %s: %w", text, s.host, unnamed(err))
	}
	return nil
}

// unnamed is what a server answered, without its words: they quote whom the mail
// is for, and errors go to the log.
func unnamed(err error) error {
	sent, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%s (%d %s)", sent.Reason, sent.ErrorCode(), sent.EnhancedStatusCode())
}
