package labs

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const branches = "if [ -f x ]; then\n  echo done\nelse\n  echo not yet\nfi\n"
	for name, tt := range map[string]struct {
		script string
		legacy bool
		report proto.CheckReport
		want   Outcome
		says   string
	}{
		"status 0 passes":                     {report: proto.CheckReport{Exit: 0}, want: Passed},
		"and says what it printed":            {report: proto.CheckReport{Stdout: []byte("well done\n")}, want: Passed, says: "well done"},
		"complaints are no failure":           {report: proto.CheckReport{Stderr: []byte("integer expression expected")}, want: Passed},
		"another status fails":                {report: proto.CheckReport{Exit: 1}, want: Failed, says: "Step 1 is not done yet."},
		"with the reason before all":          {report: proto.CheckReport{Exit: 1, Stdout: []byte("out"), Reason: "why"}, want: Failed, says: "why"},
		"with stdout before stderr":           {report: proto.CheckReport{Exit: 2, Stdout: []byte("out"), Stderr: []byte("err")}, want: Failed, says: "out"},
		"with stderr when there is only that": {report: proto.CheckReport{Exit: 2, Stdout: []byte(" \n"), Stderr: []byte("err")}, want: Failed, says: "err"},
		"a missing command is a failure":      {report: proto.CheckReport{Exit: 127, Stderr: []byte("jq: not found")}, want: Failed, says: "jq: not found"},
		"too slow is nobody's fault":          {report: proto.CheckReport{TimedOut: true, Signaled: true}, want: Unchecked, says: "longer than 60 seconds"},
		"killed passes nobody":                {report: proto.CheckReport{Exit: 0, Signaled: true}, want: Unchecked, says: "killed"},
		"not started passes nobody":           {report: proto.CheckReport{NotRun: "no ruby"}, want: Unchecked, says: "did not start"},
		"old rule, by setting":                {legacy: true, report: proto.CheckReport{Stdout: []byte("nearly\n")}, want: Failed, says: "nearly"},
		"old rule, fulfilled":                 {legacy: true, report: proto.CheckReport{Stdout: []byte("x\n Done \n")}, want: Passed},
		"old rule needs status 0 too":         {legacy: true, report: proto.CheckReport{Exit: 1, Stdout: []byte("done\n")}, want: Failed},
		"old rule, by the script":             {script: branches, report: proto.CheckReport{Stdout: []byte("not yet\n")}, want: Failed, says: "not yet"},
		"old rule, by the script, passed":     {script: branches, report: proto.CheckReport{Stdout: []byte("done\n")}, want: Passed},
		"an exit decides by itself":           {script: branches + "exit 0", report: proto.CheckReport{Stdout: []byte("fine\n")}, want: Passed},
		"loops end in done too":               {script: "for f in *; do if [ -d $f ]; then echo dir; fi; done", report: proto.CheckReport{}, want: Passed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := &scenario.Scenario{LegacyDone: tt.legacy, Steps: []scenario.Step{{Verify: &scenario.Script{Source: []byte(tt.script)}}}}
			got, says := judge(sc, 1, sc.Steps[0].Asked()[0], &tt.report, checkTime)
			if got != tt.want || !strings.Contains(says, tt.says) {
				t.Errorf("got %q %q, want %q %q", got, says, tt.want, tt.says)
			}
		})
	}
}

func TestTailKeepsColoursOnly(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("line\n", 30)
	for name, tt := range map[string]struct{ in, want string }{
		"colour":         {"\x1b[1;32mok\x1b[0m\n", "\x1b[1;32mok\x1b[0m\x1b[0m"},
		"clear screen":   {"\x1b[2J\x1b[Hhello", "hello"},
		"title":          {"\x1b]0;gotcha\x07hello", "hello"},
		"clipboard":      {"\x1b]52;c;Zm9v\x1b\\hello", "hello"},
		"split sequence": {"\x1b\x1b[2J[2Jhello", "[2Jhello"},
		"eight bit":      {"\u009b2Jhello", "2Jhello"},
		"bidi":           {"a\u202eb", "ab"},
		"progress bar":   {"10%\r50%\r100%\n", "100%"},
		"windows":        {"a\r\nb\r\n", "a\nb"},
		"last lines":     {long, strings.TrimSpace(strings.Repeat("line\n", 20))},
		"bad UTF-8":      {"a\xff", "a\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tail([]byte(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Whatever a script prints, what is shown holds no control sequence but
// colours, and is short.
func TestTailOfAnything(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"\x1b", "[", "]", "0m", "2J", "52;c;", "\x07", "\\", "\r", "\n", "a", "é", "\u009b", "\u202e", "\x9b", "P", ";", "?25h", "m", "\x00"})
	rapid.Check(t, func(t *rapid.T) {
		got := tail([]byte(strings.Join(rapid.SliceOf(piece).Draw(t, "said"), "")))
		for _, esc := range strings.Split(got, "\x1b")[1:] {
			if !colour.MatchString("\x1b" + esc[:strings.IndexByte(esc+"m", 'm')+min(1, strings.Count(esc, "m"))]) {
				t.Fatalf("an escape that is no colour in %q", got)
			}
		}
		for _, r := range strings.ReplaceAll(got, "\x1b", "") {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Fatalf("a control character in %q", got)
			}
		}
	})
}

// A step passes when each of its checks does, and one that could not be run
// never makes it pass.
func TestVerdictOfSeveral(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		outcomes []Outcome
		want     Outcome
		says     string
	}{
		"all passed":               {[]Outcome{Passed, Passed}, Passed, "m0\nm1"},
		"one failed":               {[]Outcome{Passed, Failed, Passed}, Failed, "c1: m1"},
		"one could not be checked": {[]Outcome{Passed, Unchecked}, Unchecked, "c1: m1"},
		"failed and not checked":   {[]Outcome{Unchecked, Failed}, Failed, "c1: m1"},
		"failed, then not checked": {[]Outcome{Failed, Unchecked}, Failed, "c0: m0"},
	} {
		var all []CheckVerdict
		for i, o := range tt.outcomes {
			n := string(rune('0' + i))
			all = append(all, CheckVerdict{Name: "c" + n, Outcome: o, Message: "m" + n})
		}
		if got := together(1, all); got.Outcome != tt.want || got.Message != tt.says {
			t.Errorf("%s: %q %q, want %q %q", name, got.Outcome, got.Message, tt.want, tt.says)
		}
	}
}
