package httpapi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Preferences and the profile are kept ready, and changes seen: at once where
// they are made, and elsewhere once they are told.
func TestWhatIsKeptReadyChanges(t *testing.T) {
	t.Parallel()
	here := apitest.New(t)
	there := here.Beside(t)
	here.Watch(t)
	there.Watch(t)
	one := here.User(t, hub.Free)
	other := client.New(there.URL, client.Token(here.Token(t, one)))
	for n, dark := range []bool{true, false, true} {
		want := hub.Preferences{"dark": dark}
		if _, err := one.SetPreferences(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		name := []string{"first", "second", "third"}[n] + "-name-" + time.Now().Format("150405.000000")[7:]
		if _, err := one.UpdateProfile(t.Context(), hub.ProfileUpdate{Username: &name}); err != nil {
			t.Fatal(err)
		}
		for range 3 { // made, and kept
			if got, err := one.Preferences(t.Context()); err != nil || !cmp.Equal(got, want) {
				t.Fatalf("here: %v, %v; want %v", got, err, want)
			}
			if u, err := one.Profile(t.Context()); err != nil || u.Username != name {
				t.Fatalf("here: %q, %v; want %q", u.Username, err, name)
			}
		}
		tick := time.NewTicker(5 * time.Millisecond)
		for began := time.Now(); ; <-tick.C {
			got, err := other.Preferences(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			u, err := other.Profile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(got, want) && u.Username == name {
				break
			}
			if time.Since(began) > 3*time.Minute {
				t.Fatalf("there: %v and %q; want %v and %q", got, u.Username, want, name)
			}
		}
		tick.Stop()
	}
}
