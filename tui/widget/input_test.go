package widget

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// A secret is kept as it came, as long as the hub takes one; what is no secret, as it
// can be shown.
func TestInputKeepsSecrets(t *testing.T) {
	t.Parallel()
	const odd = "  pass  word\u200bx\u00ad "
	for _, tt := range []struct {
		name   string
		pasted string
		secret bool
		want   string
	}{
		{"odd", odd, true, odd},
		{"with its line", "secret\r\n", true, "secret"},
		{"no text", "a\xffb", true, "ab"},
		{"as long as one may be", strings.Repeat("\U0001f511", 128), true, strings.Repeat("\U0001f511", 128)},
		{"longer", strings.Repeat("x", 513), true, ""},
		{"no secret", "a\u200b\x1b[31mb", false, "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := Input{Secret: tt.secret}
			in.Update(tea.PasteMsg{Content: tt.pasted})
			if in.Value != tt.want {
				t.Errorf("%q, want %q", in.Value, tt.want)
			}
		})
	}
}
