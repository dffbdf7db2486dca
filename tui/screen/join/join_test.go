package join_test

import (
	"context"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/join"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
)

// door keeps who came in.
type door struct {
	mails bool
	came  []string
}

func (*door) Key() string { return "SHA256:2u3Y4VjyQ0m6uVb0X1r7Qq2D3o9oJ8T5mE1S7c4aBcd" }

func (d *door) Join(_ context.Context, r hub.Registration) (string, error) {
	if len(r.Password) < 10 {
		return "", hub.Unfit([]hub.FieldError{hub.Field("/password", "A password has at least %d characters.", 10)})
	}
	d.came = append(d.came, "new "+r.Email+" "+r.Username+" "+r.Password)
	if d.mails {
		return r.Email, nil
	}
	return "", nil
}

func (d *door) Enter(_ context.Context, c hub.Credentials) error {
	d.came = append(d.came, "known "+c.Email+" "+c.Password)
	return nil
}

func (d *door) Confirm(_ context.Context, code string) error {
	d.came = append(d.came, "code "+code)
	return nil
}

func play(t *testing.T, d *door, w, h int, keys string) (join.Model, []tea.Msg) {
	t.Helper()
	return screentest.Play(t, func(ctx context.Context) join.Model {
		return join.New(ctx, d, screentest.Env(hub.User{}))
	}, w, h, strings.Fields(keys)...)
}

func TestView(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		w, h int
		keys string
	}{
		{"80x24", 80, 20, ""},
		{"40x10", 40, 6, "a enter b enter c"},
		{"typed", 80, 20, "a @ b enter q enter s e c r e t"},
		{"known", 80, 20, "a @ b tab"},
		{"code", 80, 20, "a enter b enter l o n g e n o u g h 1 enter l o n g e n o u g h 1 enter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := play(t, &door{mails: true}, tt.w, tt.h, tt.keys)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	const filled = "a enter b enter l o n g e n o u g h 1 enter l o n g e n o u g h 1 enter"
	joined := []tea.Msg{screen.Joined{}}
	for _, tt := range []struct {
		name, keys string
		mails      bool
		came       []string
		asked      []tea.Msg
	}{
		{"new", filled, false, []string{"new a b longenough1"}, joined},
		{"new, and later", filled + " enter", true, []string{"new a b longenough1"}, joined},
		{"new, and confirmed", filled + " 7 7 enter", true, []string{"new a b longenough1", "code 77"}, joined},
		{"known", "a tab enter x space y enter", false, []string{"known a x y"}, joined},
		{"something is missing", "a enter enter x enter", false, nil, nil},
		{"given up", "a esc", false, nil, []tea.Msg{screen.Back{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &door{mails: tt.mails}
			_, asked := play(t, d, 80, 20, tt.keys)
			if diff := cmp.Diff(tt.came, d.came); diff != "" {
				t.Errorf("came (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.asked, asked); diff != "" {
				t.Errorf("asked (-want +got)\n%s", diff)
			}
		})
	}
}

// What is refused is still there, to be mended.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := &door{}
	_, asked := play(t, d, 80, 20, "a enter b enter s h o r t enter s h o r t enter up e n o u g h enter e n o u g h enter")
	if len(asked) != 2 || len(d.came) != 1 || d.came[0] != "new a b shortenough" {
		t.Errorf("asked %v, came %v", asked, d.came)
	}
}

// Nobody sees what they type as a password, so it is typed twice.
func TestPasswordsDiffer(t *testing.T) {
	t.Parallel()
	d := &door{}
	_, asked := play(t, d, 80, 20, "a enter b enter o n e enter t w o enter")
	if len(asked) != 1 || hub.CodeOf(asked[0].(screen.Failed).Err) != hub.Invalid || len(d.came) > 0 {
		t.Errorf("asked %v, came %v", asked, d.came)
	}
}
