package scenario

import "testing"

func TestSamplesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		q           Question
		right, miss bool // there is such an answer
	}{
		"text":               {Question{Kind: "text", Answer: "/etc/hosts"}, true, true},
		"text, part of it":   {Question{Kind: "text", Answer: "~", Contain: true}, true, true},
		"one of two":         {Question{Kind: "single", Choices: []Choice{{Text: "no"}, {Text: "yes", Right: true}}}, true, true},
		"one of one":         {Question{Kind: "single", Choices: []Choice{{Text: "yes", Right: true}}}, true, false},
		"none of two":        {Question{Kind: "single", Choices: []Choice{{Text: "no"}, {Text: "not"}}}, false, true},
		"two, and one asked": {Question{Kind: "single", Choices: []Choice{{Text: "a", Right: true}, {Text: "b", Right: true}}}, false, true},
		"some":               {Question{Kind: "multiple", Choices: []Choice{{Text: "b", Right: true}, {Text: "c"}, {Text: "a", Right: true}}}, true, true},
		"all":                {Question{Kind: "multiple", Choices: []Choice{{Text: "b", Right: true}, {Text: "c", Right: true}}}, true, true},
	} {
		right, wrong := tt.q.Samples()
		if (right != nil) != tt.right || (wrong != nil) != tt.miss {
			t.Errorf("%s: %q, %q", name, right, wrong)
		}
		if right != nil {
			if is, _, err := tt.q.Mark(right); !is || err != nil {
				t.Errorf("%s: %q is wrong, %v", name, right, err)
			}
		}
		if wrong != nil {
			if is, _, _ := tt.q.Mark(wrong); is {
				t.Errorf("%s: %q is right", name, wrong)
			}
		}
	}
}
