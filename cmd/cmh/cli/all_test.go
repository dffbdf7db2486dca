package cli_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func TestAllWalksPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, total int
		want         []string
	}{
		{1, 250, []string{"1 "}},
		{150, 250, []string{"100 ", "50 100"}},
		{300, 250, []string{"100 ", "100 100", "100 200"}},
		{300, 200, []string{"100 ", "100 100", "100 200"}}, // the last has nothing, and a cursor
	} {
		var asked []string
		got, err := cli.All(c.limit, func(p hub.Paging) (hub.Page[int], error) {
			asked = append(asked, fmt.Sprint(p.Limit, " ", p.Cursor))
			var from int
			_, _ = fmt.Sscan(p.Cursor, &from)
			n := min(p.Limit, c.total-from)
			page := hub.Page[int]{Items: make([]int, n)}
			if n > 0 || c.total == 200 {
				page.Next = fmt.Sprint(from + n)
			}
			if from+n == 250 {
				page.Next = ""
			}
			return page, nil
		})
		if err != nil || len(got) != min(c.limit, c.total) {
			t.Errorf("%d of %d: %d, %v", c.limit, c.total, len(got), err)
		}
		if diff := cmp.Diff(c.want, asked); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := cli.All(0, func(hub.Paging) (hub.Page[int], error) { return hub.Page[int]{}, nil }); hub.CodeOf(err) != hub.Invalid {
		t.Error(err)
	}
}
