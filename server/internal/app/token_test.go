package app

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Which sign-in is the caller's own is known however its token was recognized:
// else they would end their own with the others.
func TestACallerKnowsItsSignIn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := &App{Now: func() time.Time { return now }}
	a.accounts.signer = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	token, _, err := a.accessToken(t.Context(), postgres.Family{ID: "family", UserID: "user", ExpiresAt: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	a.known.keepSession("family", hub.User{ID: "user"}, now, a.known.generation())
	var last Sighting
	for _, how := range []string{"verified", "seen on its connection", "as a caller who was here", "seen, and forgotten elsewhere"} {
		if how == "seen, and forgotten elsewhere" {
			a.accounts.cache().InvalidateAll()
		}
		c, err := a.Identify(t.Context(), token, &last)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if as := a.AsCaller(c); as.family != "family" || as.user.ID != "user" {
			t.Errorf("%s: %+v", how, c)
		}
	}
}
