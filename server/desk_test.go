package server

import (
	"encoding/json"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// Inside, a command has the name that it has there.
func TestAsInside(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"Go on: cmh lab next s-4kq2m7ah3x\n":                              "Go on: lab next\n",
		"cmh: Step 2 has no check. Go on with: cmh lab next log-triage\n": "lab: Step 2 has no check. Go on with: lab next\n",
		"Ask cmh lab hint for more.\n":                                    "Ask lab hint for more.\n",
		"Hand it in: cmh lab submit s-4kq2m7ah3x\n":                       "Hand it in: cmh lab submit s-4kq2m7ah3x\n",
		"a \x1b]52;c;Zm9v\a b \x1b[2J\x1b[31mred\x1b[m":                   "a  b \x1b[31mred\x1b[m",
	} {
		if got := asInside(said); got != want {
			t.Errorf("%q became %q, not %q", said, got, want)
		}
	}
}

// Whatever a program inside asks, it is one of few commands, for one session, and
// the answer is fit for a terminal.
func FuzzAsk(f *testing.F) {
	for _, args := range [][]string{
		{},
		{"check"},
		{"check", "s-4kq2m7ah3x"},
		{"check", "--step", "2"},
		{"stop"},
		{"--help"},
		{"answer", "--answer", "\x1b[2J"},
		{"extend", "30"},
		{"__complete", ""},
		{"help", "check"},
		{"completion", "bash"},
		{"--server", "http://169.254.169.254", "time"},
		{"--json=step"},
	} {
		raw, _ := json.Marshal(proto.Ask{Args: args, Columns: 80, Colour: true})
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ask proto.Ask
		if json.Unmarshal(raw, &ask) != nil {
			return
		}
		r := answerAsk(t.Context(), "s-4kq2m7ah3x", ask, func() (cli.Backend, error) {
			return nil, hub.Errorf(hub.Unavailable, "Not now.")
		})
		for _, said := range []string{r.Out, r.Err} {
			if safe.Styled(said) != said {
				t.Errorf("%q answers %q", ask.Args, said)
			}
		}
	})
}
