package app

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// From notes where the actor's requests come from: an address, with a port or
// without, for limits.
func (a Actor) From(source string) Actor {
	a.source = network(source)
	return a
}

// Source is what the actor counts as where few things are to be had at once: an
// account, or for all guests of a network that network.
func (a Actor) Source() (name string, guest bool) {
	if a.user.ID == "" {
		return a.source, true
	}
	return a.user.ID, false
}

// Ready reports whether the database answers, within a second.
func (a *App) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := a.DB.Ping(ctx)
	if err != nil && hub.CodeOf(err) != hub.Unavailable {
		return &hub.Error{Code: hub.Unavailable, Message: "The database is not available right now.", RetryAfter: 2 * time.Second, Err: err}
	}
	return err
}

// Register makes an account and signs in to it.
func (a Actor) Register(ctx context.Context, r hub.Registration) (hub.Login, error) {
	if err := checkRegistration(&r); err != nil {
		return hub.Login{}, err
	}
	return a.register(ctx, r, hub.Free)
}

func (a Actor) register(ctx context.Context, r hub.Registration, role hub.Role) (hub.Login, error) {
	pw, err := a.app.passwords()
	if err != nil {
		return hub.Login{}, err
	}
	hash, err := pw.hash(ctx, r.Password)
	if err != nil {
		return hub.Login{}, err
	}
	var l hub.Login
	var f postgres.Family
	var refresh string
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if l.User, err = a.open(ctx, tx, r, hash, role); err != nil {
			return err
		}
		f, refresh, err = a.signIn(ctx, tx, l.User.ID, "password")
		return err
	})
	if err != nil {
		return hub.Login{}, err
	}
	l.Tokens, err = a.app.tokens(ctx, f, refresh)
	return l, err
}

// open makes an account, which is spoken to as the actor is, and has its address
// verified.
func (a Actor) open(ctx context.Context, tx postgres.Tx, r hub.Registration, hash string, role hub.Role) (u hub.User, err error) {
	if u, err = tx.CreateUser(ctx, r.Email, r.Username, hash); hub.CodeOf(err) == hub.Conflict {
		return u, hub.Wrap(err, hub.Conflict, "That e-mail address or user name is already taken.")
	} else if err != nil {
		return u, err
	}
	if role != hub.Free {
		if err = tx.SetRole(ctx, u.ID, role); err != nil {
			return u, err
		}
		if u, err = tx.User(ctx, u.ID); err != nil {
			return u, err
		}
	}
	if english := (words.Speaker{}).Language(); a.speaks != "" && a.speaks != english {
		if err = tx.SetPreferences(ctx, u.ID, hub.Preferences{preferredLanguage: a.speaks}, a.app.now()); err != nil {
			return u, err
		}
	}
	if err = a.app.mail(ctx, tx, "verify", u.ID); err != nil {
		return u, err
	}
	return u, a.app.happened(ctx, tx, u.ID, "account.registered", map[string]string{"role": string(u.Role)})
}

// CreateStaff makes an account with any role, for the operator of the machine.
func (a *App) CreateStaff(ctx context.Context, r hub.Registration, role hub.Role) (hub.User, error) {
	if access.Rank(role) == access.Rank(hub.Guest) {
		return hub.User{}, hub.Errorf(hub.Invalid, "There is no role %q: use free, premium, instructor or admin.", role)
	}
	if err := checkRegistration(&r); err != nil {
		return hub.User{}, err
	}
	l, err := a.As(Guest).Via("cmh-server admin").register(ctx, r, role)
	return l.User, err
}

var errBadLogin = &hub.Error{Code: hub.Unauthenticated, Message: "The e-mail address or the password is wrong."}

// Login signs in, by e-mail address or user name. Unknown, disabled and wrong
// are one answer, after the same work.
func (a Actor) Login(ctx context.Context, c hub.Credentials) (l hub.Login, err error) {
	if l.User, err = a.known(ctx, c); err != nil {
		return hub.Login{}, err
	}
	var f postgres.Family
	var refresh string
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if f, refresh, err = a.signIn(ctx, tx, l.User.ID, "password"); err != nil {
			return err
		}
		return a.app.happened(ctx, tx, l.User.ID, "account.signed_in", map[string]string{"family": f.ID})
	})
	if err != nil {
		return hub.Login{}, err
	}
	l.Tokens, err = a.app.tokens(ctx, f, refresh)
	return l, err
}

// known returns whose credentials these are. Misses are counted.
func (a Actor) known(ctx context.Context, c hub.Credentials) (hub.User, error) {
	login := strings.ToLower(strings.TrimSpace(c.Email))
	if login == "" || len(login) > maxEmail || len(c.Password) > maxPasswordBytes {
		return hub.User{}, errBadLogin
	}
	at := attempt{login, a.source}
	if err := a.app.accounts.attempts.begin(at, a.app.now()); err != nil {
		return hub.User{}, err
	}
	u, err := a.app.userOf(ctx, login, c.Password)
	if err == nil {
		a.app.accounts.attempts.forgive(at, true)
	} else if hub.CodeOf(err) != hub.Unauthenticated {
		a.app.accounts.attempts.forgive(at, false)
	}
	return u, err
}

func (a *App) userOf(ctx context.Context, login, password string) (u hub.User, err error) {
	pw, err := a.passwords()
	if err != nil {
		return u, err
	}
	if err := pw.crowded(); err != nil {
		return u, err
	}
	var hash string
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, hash, err = tx.UserByLogin(ctx, login)
		return err
	})
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return u, err
	}
	ok, err := pw.matches(ctx, hash, password)
	if err == nil && !ok {
		err = errBadLogin
	}
	if err != nil {
		return u, err
	}
	return u, a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return a.keep(ctx, tx, u.ID) })
}

// Profile returns who the actor acts for, as the account is now.
func (a Actor) Profile(ctx context.Context) (u hub.User, err error) {
	if err := a.signedIn(); err != nil {
		return hub.User{}, err
	}
	if u, ok := a.app.known.user(a.user.ID, a.app.now()); ok && a.app.known.told.Load() {
		return u, nil
	}
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.User(ctx, a.user.ID)
		return err
	})
	return u, err
}

// UpdateProfile changes what is set in p.
func (a Actor) UpdateProfile(ctx context.Context, p hub.ProfileUpdate) (u hub.User, err error) {
	if err := a.signedIn(); err != nil {
		return hub.User{}, err
	}
	var w wrongs
	if p.Username != nil {
		w.username("/username", *p.Username)
	}
	if p.Profile != nil {
		w.profile(p.Profile)
	}
	if err := w.err(); err != nil {
		return hub.User{}, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.UpdateUser(ctx, a.user.ID, p, a.app.now())
		return err
	})
	a.app.known.forgetUser(a.user.ID) // even after an error: a commit may have been done and not heard of
	if hub.CodeOf(err) == hub.Conflict {
		return hub.User{}, hub.Wrap(err, hub.Conflict, "That user name is already taken.")
	}
	return u, err
}

const (
	maxEmail         = 254
	minPassword      = 8
	maxPassword      = 128 // characters
	maxPasswordBytes = 4 * maxPassword
)

var username = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$`)

func checkRegistration(r *hub.Registration) error {
	r.Email, r.Username = strings.TrimSpace(r.Email), strings.TrimSpace(r.Username)
	var w wrongs
	w.email("/email", r.Email)
	w.username("/username", r.Username)
	w.password("/password", r.Password, r.Username, r.Email)
	return w.err()
}

// happened tells of something an account's owner did: to the log that stays and
// to the outbox.
func (a *App) happened(ctx context.Context, tx postgres.Tx, userID, what string, data any) error {
	if err := tx.Audit(ctx, userID, userID, what, data); err != nil {
		return err
	}
	return tx.Event(ctx, userID, what, data)
}

// wrongs collects what is wrong with a request.
type wrongs []hub.FieldError

func (w *wrongs) add(pointer, format string, args ...any) {
	*w = append(*w, hub.Field(pointer, format, args...))
}

func (w wrongs) err() error {
	if len(w) == 0 {
		return nil
	}
	return hub.Unfit(w)
}

func (w *wrongs) username(pointer, s string) {
	if !username.MatchString(s) {
		w.add(pointer, "A user name has 3 to 32 letters, digits, dots, dashes and underscores, and begins with a letter or digit.")
	}
}

func (w *wrongs) password(pointer, s, username, email string) {
	switch n := utf8.RuneCountInString(s); {
	case n < minPassword:
		w.add(pointer, "A password has at least 8 characters.")
	case n > maxPassword:
		w.add(pointer, "A password has at most 128 characters.")
	case common(s, username, email):
		w.add(pointer, "That password is easy to guess. Choose another one.")
	}
}

func (w *wrongs) profile(p *hub.Profile) {
	for _, f := range []struct {
		name, value string
		max         int
	}{
		{"display_name", p.DisplayName, 100},
		{"company", p.Company, 100},
		{"location", p.Location, 100},
		{"timezone", p.Timezone, 64},
		{"bio", strings.ReplaceAll(p.Bio, "\n", " "), 2000},
	} {
		if utf8.RuneCountInString(f.value) > f.max {
			w.add("/profile/"+f.name, "This is too long.")
		}
		if !oneLine(f.value) {
			w.add("/profile/"+f.name, "This holds characters that cannot be shown.")
		}
	}
	if p.Timezone != "" {
		if _, err := time.LoadLocation(p.Timezone); err != nil || p.Timezone == "Local" {
			w.add("/profile/timezone", "This is not a time zone, such as Europe/Paris.")
		}
	}
}

// oneLine reports whether s can be shown in a line: no control characters, and
// none that change the direction of what follows.
func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	})
}
