package app

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	verifyLife = 24 * time.Hour
	resetLife  = 30 * time.Minute
	mailTries  = 8 // over about a day

	mailTime = "2 January 2006 at 15:04 UTC"

	verifyPrefix = "cmhv_"
	resetPrefix  = "cmhp_"
)

// Mail is one message to make and send. It names its reader by id: what it
// holds, a secret perhaps, is made when it leaves, so that the queue keeps
// neither addresses nor secrets.
type Mail struct {
	Text   string    `json:"text"` // of package mail
	UserID string    `json:"user_id"`
	At     time.Time `json:"at"` // of what it tells of
}

// Kind names the job in the queue. Queued jobs hold it, so it never changes.
func (Mail) Kind() string { return "send_mail" }

var errNoMail = &hub.Error{
	Code:    hub.NotFound,
	Message: "This hub sends no e-mail. Ask the people who run it: they can set a new password with cmh-server admin reset-password.",
}

// mail leaves a message to the queue. Without a mail server it does nothing.
func (a *App) mail(ctx context.Context, tx postgres.Tx, text, userID string) error {
	if a.Mail == nil {
		return nil
	}
	return tx.Enqueue(ctx, Mail{text, userID, a.now()}, mailTries)
}

// SendMail makes a message and sends it. One whose reader is gone is done.
func (a *App) SendMail(ctx context.Context, m Mail) error {
	if a.Mail == nil {
		return nil
	}
	var data map[string]string
	var to, language string
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		e, err := tx.Email(ctx, m.UserID)
		if err != nil {
			return err
		}
		p, err := tx.Preferences(ctx, m.UserID)
		if err != nil {
			return err
		}
		say := speaking(p)
		language = say.Language()
		data = map[string]string{"At": say.When(m.At.UTC(), mailTime), "Link": "", "Token": "", "Life": "", "Until": "", "Keys": ""}
		to = e.Email
		switch m.Text {
		case "verify":
			if e.Pending != "" {
				to = e.Pending
			} else if e.Verified {
				to = ""
				return nil
			}
			data["Life"] = say.N(24, "%d hour", "%d hours", 24)
			data["Token"], err = a.mailToken(ctx, tx, "verify", verifyPrefix, postgres.MailToken{UserID: m.UserID, Email: to, ExpiresAt: a.now().Add(verifyLife)})
			data["Link"] = a.link("/verify", data["Token"])
		case "key_added", "password_changed":
			data["Keys"], err = keyLines(ctx, tx, m.UserID)
		case "deletion":
			data["Until"] = say.When(m.At.Add(a.grace()).UTC(), mailTime)
		case "reset":
			data["Life"] = say.N(30, "%d minute", "%d minutes", 30)
			data["Token"], err = a.mailToken(ctx, tx, "reset", resetPrefix, postgres.MailToken{UserID: m.UserID, Email: to, ExpiresAt: a.now().Add(resetLife)})
			data["Link"] = a.link("/reset", data["Token"])
		}
		return err
	})
	if hub.CodeOf(err) == hub.NotFound || (err == nil && to == "") {
		return nil
	}
	if err != nil {
		return err
	}
	return a.Mail.Send(ctx, to, language, m.Text, data)
}

// keyLines names the SSH keys that open an account, one a line, by fingerprint:
// their names are whoever's who added them.
func keyLines(ctx context.Context, tx postgres.Tx, userID string) (string, error) {
	keys, err := tx.Keys(ctx, userID)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString("\n  " + k.Fingerprint)
	}
	return b.String(), err
}

func (a *App) mailToken(ctx context.Context, tx postgres.Tx, purpose, prefix string, t postgres.MailToken) (string, error) {
	token := newToken(prefix)
	return token, tx.AddMailToken(ctx, purpose, tokenHash(token), t, a.now())
}

// link is where a browser finds a page of ours, or nothing when we don't know
// what this hub is called.
func (a *App) link(path, token string) string {
	if a.PublicURL == "" {
		return ""
	}
	return a.PublicURL + path + "?token=" + url.QueryEscape(token)
}
