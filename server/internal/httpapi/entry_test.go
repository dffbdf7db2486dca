package httpapi

import (
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
)

var plainEntries = map[string]bool{
	`{"course_id":"one","lesson_id":"a","progress_percentage":7}`:                        true,
	"\n{ \"progress_percentage\" : 0 ,\t\"course_id\":\"one\" , \"lesson_id\":\"\"}\r\n": true,
	`{"course_id":"one"}`: true,
	`{"course_id":"one","lesson_id":"ä","progress_percentage":999}`: true,
	``:                                              false,
	`{}`:                                            false,
	`{"course_id":"one"`:                            false,
	`{"course_id":"one"}}`:                          false,
	`{"course_id":"one",}`:                          false,
	`{"course_id":"one","course_id":"two"}`:         false,
	`{"course_id":"\u006fne"}`:                      false,
	"{\"course_id\":\"a\nb\"}":                      false,
	"{\"course_id\":\"\xff\"}":                      false,
	`{"course_id":1}`:                               false,
	`{"progress_percentage":"1"}`:                   false,
	`{"progress_percentage":01}`:                    false,
	`{"progress_percentage":-1}`:                    false,
	`{"progress_percentage":1.0}`:                   false,
	`{"progress_percentage":1e1}`:                   false,
	`{"progress_percentage":1234}`:                  false,
	`{"progress_percentage":}`:                      false,
	`{"Course_ID":"one"}`:                           false,
	`{"course_id":"one","completed_at":null}`:       false,
	`{"course_id":"one","lesson_id":"a","more":{}}`: false,
	`[{"course_id":"one"}]`:                         false,
}

func TestPlainEntry(t *testing.T) {
	t.Parallel()
	for body, want := range plainEntries {
		if _, ok := plainEntry([]byte(body)); ok != want {
			t.Errorf("%q: %v", body, ok)
		}
		holdToDecode(t, []byte(body))
	}
}

// What is read plainly is what decode reads.
func FuzzPlainEntry(f *testing.F) {
	for body := range plainEntries {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { holdToDecode(t, body) })
}

func holdToDecode(t *testing.T, body []byte) {
	t.Helper()
	got, ok := plainEntry(body)
	if !ok {
		return
	}
	var want hub.ProgressEntry
	if err := decodeBytes(body, &want); err != nil || got != want {
		t.Errorf("%q: %+v, but decode says %+v, %v", body, got, want, err)
	}
}
