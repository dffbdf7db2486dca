package offline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	tendEvery  = 15 * time.Second
	fetchEvery = 30 * time.Minute
)

// Tend keeps things going while a program shows screens: what waits is told to
// the hub as soon as it answers, a hub that was gone is asked whether it is back,
// and what may be read offline is fetched now and then. It ends with ctx. Nothing
// is said meanwhile; the function it returns waits for its end, and returns what
// there was to say about refusals.
func (h *Hub) Tend(ctx context.Context) (said func() []string) {
	var (
		done    sync.WaitGroup
		refused []string
	)
	h.silent.Store(true)
	done.Go(func() {
		tick := time.NewTicker(tendEvery)
		defer tick.Stop()
		var next time.Time // to fetch
		pause := time.Minute
		for {
			before, changed := h.Standing()
			if before.Away && !h.Away() {
				// With all the time it wants: its link may only be slow. But a hub that
				// is too slow for the learner isn't back, or it would come and go.
				var slow atomic.Bool
				watched, y := h.hurry(ctx, true, func() bool { slow.Store(true); return false })
				_, err := h.Client.Courses(watched, hub.CourseFilter{Paging: hub.Paging{Limit: pageSize}})
				if _, _ = y.end(err); err != nil || !slow.Load() {
					h.lost(err)
				}
			}
			r, _ := h.Catch(ctx) // what fails waits for the next time
			for _, f := range r.Refused {
				refused = append(refused, f.Say(h.Words))
			}
			if !time.Now().Before(next) && !h.Away() {
				wait := fetchEvery
				if _, err := h.Fetch(ctx); err != nil { // each try costs some of the learner's quota
					wait, pause = pause, min(2*pause, fetchEvery)
				}
				next = time.Now().Add(wait)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-changed: // it is back, perhaps, or something new waits
			}
		}
	})
	return func() []string {
		done.Wait()
		h.silent.Store(false)
		return refused
	}
}
