package cli

import "github.com/cloudmastershub/cmh/client/hub"

// perPage is the most that the hub puts on a page.
const perPage = 100

// All walks the pages of a list until there are limit items, or no more.
func All[T any](limit int, page func(p hub.Paging) (hub.Page[T], error)) ([]T, error) {
	if limit < 1 {
		return nil, hub.Errorf(hub.Invalid, "--limit must be at least 1.")
	}
	var all []T
	p := hub.Paging{}
	for {
		p.Limit = min(limit-len(all), perPage)
		got, err := page(p)
		if err != nil {
			return nil, err
		}
		all = append(all, got.Items...)
		// A page with nothing on it is the last one, whatever it says of a next.
		if len(all) >= limit || got.Next == "" || len(got.Items) == 0 {
			return all[:min(limit, len(all))], nil
		}
		p.Cursor = got.Next
	}
}
