// Package access is the table of who may do what: every operation of the API
// beside the roles and the scope of an API key. The API refuses by it before it
// asks, and an operation that isn't in it answers nobody. What depends on the
// object (whose session, whose course, which tier) is decided by the rules in
// app: the table only says that it does. Commands over SSH call the same rules
// without it, and so have the same rights.
package access

import (
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Roles are the columns, from the least to the most able.
var Roles = [...]hub.Role{hub.Guest, hub.Free, hub.Premium, hub.Instructor, hub.Admin}

// Rank is the place of a role among Roles. An unknown role has a guest's.
func Rank(r hub.Role) int { return max(0, slices.Index(Roles[:], r)) }

// A Cell is what one role gets of one operation.
type Cell string

// The cells. The zero Cell is none of them and refuses.
const (
	Yes    Cell = "yes"
	Own    Cell = "own"     // what is theirs; everything else isn't there
	Part   Cell = "free"    // what is flagged free; the rest is forbidden
	SignIn Cell = "sign in" // unauthenticated
	No     Cell = "no"      // forbidden
	Hidden Cell = "hidden"  // as if there were no such thing
)

// Who is one row of cells, in the order of Roles.
type Who [len(Roles)]Cell

// The rows there are. A new operation takes one of these, so that rights stay
// few enough to know.
var (
	Everybody = Who{Yes, Yes, Yes, Yes, Yes}
	Readers   = Who{Part, Part, Yes, Yes, Yes}
	Members   = Who{SignIn, Own, Own, Own, Own}
	Learners  = Who{SignIn, Part, Yes, Yes, Yes}
	Onlookers = Who{SignIn, Hidden, Hidden, Own, Yes}
	Holders   = Who{Hidden, Own, Own, Own, Own}
	Lookers   = Who{Hidden, Hidden, Hidden, Own, Yes}
	Teachers  = Who{SignIn, No, No, Own, Yes}
	Admins    = Who{SignIn, No, No, No, Yes}
)

// An Operation is one row of the table.
type Operation struct {
	// Name is METHOD /path/{parameter} of the API, Type.field of GraphQL, or what
	// one types to do it over SSH.
	Name string
	Who  Who

	// Scope is what an API key needs to have. Empty means that no key will do,
	// unless everybody may: then none is needed.
	Scope hub.Scope
}

// Key is what an API key needs: a scope, or "any" where none is needed and "none"
// where no key will do.
func (o Operation) Key() string {
	switch {
	case o.Scope != "":
		return string(o.Scope)
	case o.Who == Everybody:
		return "any"
	}
	return "none"
}

// OverSSH tells the ways in and the commands that SSH has.
func (o Operation) OverSSH() bool {
	return strings.HasPrefix(o.Name, "ssh ") || strings.HasPrefix(o.Name, "sftp ")
}

// Metered reports whether asking counts against the limit on requests. Who asks
// whether we are well is a machine of the operator's.
func (o Operation) Metered() bool { return o.Name != "GET /healthz" && o.Name != "GET /readyz" }

// Of finds an operation by name.
func Of(name string) (Operation, bool) {
	i := slices.IndexFunc(Table, func(o Operation) bool { return o.Name == name })
	if i < 0 {
		return Operation{}, false
	}
	return Table[i], true
}

// Cell is what a role gets.
func (o Operation) Cell(r hub.Role) Cell { return o.Who[Rank(r)] }

// Least is the least role that gets anything of the operation.
func (o Operation) Least() hub.Role {
	for i, c := range o.Who {
		if c == Yes || c == Own || c == Part {
			return Roles[i]
		}
	}
	return ""
}

// Check refuses a role that gets nothing of the operation, and an API key whose
// scopes don't hold its own. Nil scopes are no key but somebody who has signed in.
// Hidden passes: only the rules know the words for a thing that isn't there.
func (o Operation) Check(r hub.Role, scopes []hub.Scope) error {
	switch o.Cell(r) {
	case Yes, Own, Part, Hidden:
	case SignIn:
		return hub.Errorf(hub.Unauthenticated, "You are not signed in.")
	case No:
		return hub.Errorf(hub.Forbidden, "This needs the role %s; yours is %s.", o.Least(), r)
	default:
		return hub.Errorf(hub.NotFound, "There is nothing at this address.")
	}
	switch {
	case scopes == nil || o.Scope == "" && o.Who == Everybody:
		return nil
	case o.Scope == "":
		return hub.Errorf(hub.Forbidden, "No API key may do this. Sign in with: cmh auth login")
	}
	for _, s := range scopes {
		if s.Holds(o.Scope) {
			return nil
		}
	}
	return hub.Errorf(hub.Forbidden, "This API key lacks the scope %s.", o.Scope)
}
