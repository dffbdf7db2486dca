package account

import (
	"context"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// row is something that acts in the learner's name.
type row struct {
	name, right string
	more        string                      // under the cursor
	ask, cost   string                      // before it is ended: the question, and what that means
	ended       string                      // said afterwards
	end         func(context.Context) error // nil: not here
}

// rows are all of them, in the order drawn.
func (m Model) rows() []row {
	if !m.loaded || m.all.err != nil || m.env.Guest() {
		return nil
	}
	return append(append(m.apiKeys(), m.sshKeys()...), m.signIns()...)
}

const day = "2 Jan 2006"

func (m Model) used(at *time.Time) string {
	if at == nil {
		return m.env.Theme.T("never used")
	}
	return m.env.Theme.Tf("used %s", m.env.Theme.When(*at, day))
}

func (m Model) apiKeys() []row {
	th := m.env.Theme
	var out []row
	for _, k := range m.all.api {
		scopes := ""
		for _, s := range k.Scopes {
			scopes = widget.Join(scopes, string(s))
		}
		name := safe.Line(k.Name)
		if name == "" {
			name = safe.Line(k.Hint) + "…"
		}
		out = append(out, row{
			name: name, right: m.used(k.LastUsedAt), more: widget.Join(safe.Line(k.Hint)+"…", th.Tf("until %s", th.When(k.ExpiresAt, day)), safe.Line(scopes)),
			ask: th.T("Revoke this API key?"), cost: th.Tf("Programs that use %s are refused from now on.", name), ended: th.Tf("%s is revoked.", name),
			end: func(ctx context.Context) error { return m.api.RevokeAPIKey(ctx, k.ID) },
		})
	}
	return out
}

func (m Model) sshKeys() []row {
	th := m.env.Theme
	var out []row
	for _, k := range m.all.keys {
		name := safe.Line(k.Name)
		out = append(out, row{
			name: name, right: m.used(k.LastUsedAt), more: widget.Join(safe.Line(k.Type), safe.Line(k.Fingerprint)),
			ask: th.T("Remove this SSH key?"), cost: th.Tf("Whoever connects with %s is a guest from now on.", name), ended: th.Tf("%s is removed.", name),
			end: func(ctx context.Context) error { return m.api.RemoveKey(ctx, k.ID) },
		})
	}
	return out
}

func (m Model) signIns() []row {
	th := m.env.Theme
	var out []row
	for _, s := range m.all.sessions {
		name := safe.Line(s.Client)
		if name == "" {
			name = th.T("a program")
		}
		used := ""
		if s.LastUsedAt != nil {
			used = m.used(s.LastUsedAt)
		}
		r := row{
			name: name, right: th.Tf("since %s", th.When(s.CreatedAt, day)), more: widget.Join(safe.Line(th.T(s.Method)), used),
			ask: th.T("End this sign-in?"), cost: th.Tf("%s has to sign in again.", name), ended: th.Tf("%s is signed out.", name),
			end: func(ctx context.Context) error { return m.api.EndSession(ctx, s.ID) },
		}
		if s.Current {
			r.name, r.end = name+th.T(", this one"), nil
		}
		out = append(out, r)
	}
	return out
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	switch {
	case m.all.err != nil:
		return m.env.Failed(m.all.err, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	case m.env.Guest():
		return widget.Message(th, th.T("Guests have no account"), []string{th.T("You are browsing as a guest.") + " " + m.env.SignIn}, m.width, m.height)
	}
	view := m.page().ViewAbove(m.cursor.Above, m.width, m.height)
	if rows := m.rows(); m.asks && m.cursor.At < len(rows) {
		r := rows[m.cursor.At]
		view = widget.Over(th, view, r.ask, widget.Wrap(r.cost, min(m.width-10, 48)), m.width, m.height)
	}
	return view
}

// page is all of it.
func (m Model) page() *widget.Page {
	th := m.env.Theme
	var p widget.Page
	m.who(&p)
	m.limits(&p)
	at := 0
	for _, s := range []struct {
		title, none, how string
		hidden           bool
		rows             []row
	}{
		{th.T("API keys"), th.T("None."), th.T("cmh auth token create makes one."), m.all.hidden["api"], m.apiKeys()},
		{th.T("SSH keys"), th.T("None: ssh doesn't know you yet."), th.T("cmh key add adds one."), m.all.hidden["keys"], m.sshKeys()},
		{th.T("Where you are signed in"), th.T("Nowhere that can be ended from here."), "", m.all.hidden["sessions"], m.signIns()},
	} {
		if s.hidden {
			continue
		}
		p.Add("", "  "+th.Section.Render(s.title))
		for _, r := range s.rows {
			p.Row(at == m.cursor.At, m.row(r, at == m.cursor.At)...)
			at++
		}
		if len(s.rows) == 0 {
			for _, l := range widget.Wrap(s.none+" "+s.how, m.width-6) {
				p.Add("    " + th.Faint.Render(l))
			}
		}
	}
	return &p
}

func (m Model) row(r row, on bool) []string {
	th := m.env.Theme
	out := []string{widget.Row(th, on, r.name, r.right, m.width)}
	if on && r.more != "" {
		for _, l := range widget.Wrap(r.more, m.width-8) {
			out = append(out, "      "+th.Faint.Render(l))
		}
	}
	return out
}

func (m Model) who(p *widget.Page) {
	th, u := m.env.Theme, m.env.User
	p.Add("", "  "+th.Title.Render(safe.Line(u.Username))+"  "+th.Faint.Render(widget.Fit(widget.Join(safe.Line(u.Email), th.T(string(u.Role))), m.width-6-len(u.Username))))
}

// limits are how much of the tier's is used.
func (m Model) limits(p *widget.Page) {
	u, th := m.all.usage, m.env.Theme
	if u.Tier == "" {
		return
	}
	p.Add("", "  "+th.Section.Render(th.Tf("Limits of your tier, %s", safe.Line(string(u.Tier)))))
	for _, l := range []struct {
		name string
		hub.Used
	}{{th.T("Requests in an hour"), u.Requests}, {th.T("Lab minutes today"), u.LabMinutes}} {
		right := th.Tf("%d, without a limit", l.Used.Used)
		if l.Limit > 0 {
			of := widget.Of(th.Speaker, l.Used.Used, l.Limit)
			if right = of; m.width >= 60 {
				right = widget.Bar(th, min(100*l.Used.Used/l.Limit, 100), 16) + strings.Repeat(" ", max(1, 14-ansi.StringWidth(of))) + of
			}
		}
		p.Add(widget.Between("    "+l.name, right, m.width-2))
		if l.ResetsAt != nil && l.Used.Used > 0 && l.Limit > 0 {
			p.Add("      " + th.Faint.Render(th.Tf("some of it is free again at %s", th.When(l.ResetsAt.In(m.env.Now().Location()), "15:04"))))
		}
	}
}
