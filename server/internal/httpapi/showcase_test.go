package httpapi

import (
	"fmt"
	"testing"
	"time"
)

func TestShowcaseForgets(t *testing.T) {
	t.Parallel()
	var s showcase
	now := time.Unix(1000, 0)
	s.put("/v1/courses", shown{answer{Status: 200}, 1, now.Add(shownFor)})
	for _, tt := range []struct {
		name, key string
		published int64
		at        time.Time
		want      bool
	}{
		{"the same again", "/v1/courses", 1, now, true},
		{"another URL", "/v1/courses?limit=1", 1, now, false},
		{"after something was published", "/v1/courses", 2, now, false},
		{"after its time", "/v1/courses", 1, now.Add(shownFor), false},
	} {
		if _, ok := s.get(tt.key, tt.published, tt.at); ok != tt.want {
			t.Errorf("%s: kept = %v", tt.name, ok)
		}
	}
	for i := range 10 * maxShown {
		s.put(fmt.Sprint(i), shown{until: now.Add(shownFor)})
	}
	if len(s.kept) > maxShown {
		t.Errorf("%d answers are kept, of %d at most", len(s.kept), maxShown)
	}
}
