package guide

import "testing"

// What fits several choices is none: one of them may end something.
func TestPick(t *testing.T) {
	t.Parallel()
	choices := []choice{{text: "Lesson 1: Ten"}, {text: "Lesson 10: One"}, {text: "Remove laptop, SHA256:a"}, {text: "Remove laptop, SHA256:b"}, {text: "Leave this course"}}
	for answer, want := range map[string]int{
		"1": 0, "5": 4, "6": -1, "0": -1, "lesson 1": 0, "lesson 10": 1, "lesson": -1, "remove laptop": -1, "remove laptop, sha256:b": 3, "lea": 4, "le": -1, "x": -1,
	} {
		got := -1
		if c := pick(choices, answer); c != nil {
			for i := range choices {
				if c == &choices[i] {
					got = i
				}
			}
		}
		if got != want {
			t.Errorf("%q: %d, want %d", answer, got, want)
		}
	}
}
