package proof

import (
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

func TestVerdictOfPlays(t *testing.T) {
	t.Parallel()
	red, green, nothing, cannot := labs.Failed, labs.Passed, labs.Unverified, labs.Unchecked
	for name, tt := range map[string]struct {
		plays       []Play
		own, strict bool
		want        string
		fails       bool
	}{
		"red, then green":           {plays: []Play{{Before: red, After: green}, {Before: red, After: green}}, want: Proven},
		"green before":              {plays: []Play{{Before: green, After: green}}, want: Early},
		"green before, in our own":  {plays: []Play{{Before: green, After: green}}, own: true, want: Early, fails: true},
		"green before, strictly":    {plays: []Play{{Before: green, After: green}}, strict: true, want: Early, fails: true},
		"green, and nothing to do":  {plays: []Play{{Before: green}}, want: Early},
		"red after":                 {plays: []Play{{Before: red, After: red}}, want: Unsolvable, fails: true},
		"green before, red after":   {plays: []Play{{Before: green, After: red}}, want: Unsolvable, fails: true},
		"now so, now so":            {plays: []Play{{Before: red, After: green}, {Before: red, After: red}}, want: Flaky, fails: true},
		"sometimes green before":    {plays: []Play{{Before: red, After: green}, {Before: green, After: green}}, want: Flaky, fails: true},
		"an empty check":            {plays: []Play{{Before: nothing}}, want: Broken, fails: true},
		"can't be checked":          {plays: []Play{{Before: cannot}}, want: Broken, fails: true},
		"can't be checked after":    {plays: []Play{{Before: red, After: cannot}}, want: Broken, fails: true},
		"no solution":               {plays: []Play{{Before: red}}, want: Untried},
		"no solution, in our own":   {plays: []Play{{Before: red}}, own: true, want: Untried, fails: true},
		"the sandbox ended earlier": {want: Broken, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := &scenario.Scenario{Steps: []scenario.Step{{Verify: &scenario.Script{File: "verify.sh"}}}}
			var plays [][]Play
			for _, o := range tt.plays {
				plays = append(plays, []Play{o})
			}
			p := Prover{Strict: tt.strict}
			got := p.judge(Subject{Scenario: sc, Own: tt.own}, 1, plays)
			if got.State != tt.want || got.Failed != tt.fails || got.File != "verify.sh" {
				t.Errorf("%+v, want %s, failing: %v", got, tt.want, tt.fails)
			}
		})
	}
}

// What a line editor says counts, and what only looks like a prompt does after
// a while.
func TestTerminalSeesPrompts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		printed         []string
		pasting, asking bool
		prompts         int
	}{
		"a prompt":             {[]string{"\x1b[?2004h$ "}, true, true, 1},
		"in pieces":            {[]string{"\x1b[?20", "04h$ "}, true, true, 1},
		"a command runs":       {[]string{"\x1b[?2004h$ x\r\n\x1b[?2004l\r", "working"}, false, false, 1},
		"and has ended":        {[]string{"\x1b[?2004h$ x\r\n\x1b[?2004l\rout\r\n\x1b[?2004h$ "}, true, true, 2},
		"a question":           {[]string{"\x1b[?2004h$ passwd\r\n\x1b[?2004l\rNew password: "}, false, true, 1},
		"a shell without":      {[]string{"\x1b[31m# \x1b[0m"}, false, true, 0},
		"python, without":      {[]string{"Python 3\r\n>>> "}, false, true, 0},
		"a line that goes on":  {[]string{"Reading\r\n"}, false, false, 0},
		"counted once a piece": {[]string{"\x1b[?2004h", "$ ", "x"}, true, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var term terminal
			for _, p := range tt.printed {
				term.print([]byte(p))
			}
			if asking := asks.Match(lastLine(term.shown)); term.pasting != tt.pasting || asking != tt.asking || term.prompts != tt.prompts {
				t.Errorf("pasting %v, asking %v, %d prompts; want %v, %v, %d", term.pasting, asking, term.prompts, tt.pasting, tt.asking, tt.prompts)
			}
		})
	}
}
