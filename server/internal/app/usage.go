package app

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Usage says how much of their limits the actor has used.
func (a Actor) Usage(ctx context.Context) (u hub.Usage, err error) {
	if err := a.signedIn(); err != nil {
		return u, err
	}
	now := a.app.now()
	principal, most := a.quota()
	u.Tier, u.Requests = a.user.Role, hub.Used{Limit: most, Window: int(QuotaSpan.Seconds())}
	var labs time.Duration
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if labs, err = tx.LabTimeSince(ctx, a.user.ID, dayOf(now), now); err != nil || most == 0 {
			return err
		}
		_, left, free, err := tx.TakeQuota(ctx, principal, 0, most, QuotaSpan, now)
		left += a.app.quotas.holds(principal)
		u.Requests.Used, u.Requests.Remaining = most-left, &left
		if left < most {
			resets := free.UTC()
			u.Requests.ResetsAt = &resets
		}
		return err
	})
	if err != nil {
		return u, err
	}
	u.LabMinutes = hub.Used{Limit: a.labMinutes(), Window: int((24 * time.Hour).Seconds()), Used: int(labs.Minutes())}
	if most := u.LabMinutes.Limit; most > 0 {
		left, resets := max(0, most-u.LabMinutes.Used), dayOf(now).AddDate(0, 0, 1)
		u.LabMinutes.Remaining, u.LabMinutes.ResetsAt = &left, &resets
	}
	return u, nil
}

// holds is what this server has taken and not used.
func (q *quotas) holds(principal string) int {
	q.mu.Lock()
	one := q.of[principal]
	q.mu.Unlock()
	if one == nil {
		return 0
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.held
}

// dayOf is when the day of t began, everywhere at once.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// labMinutes is how long the actor's labs may run in a day; 0 is without limit.
func (a Actor) labMinutes() int {
	if access.Rank(a.user.Role) >= access.Rank(hub.Premium) {
		return 0
	}
	return a.app.Limits.LabMinutes
}

// labTimeLeft is how long the actor's labs may go on today. Without a limit it
// is longer than any lab lives.
func (a Actor) labTimeLeft(ctx context.Context, tx postgres.Tx) (time.Duration, error) {
	most := time.Duration(a.labMinutes()) * time.Minute
	if most == 0 {
		return 365 * 24 * time.Hour, nil
	}
	now := a.app.now()
	used, err := tx.LabTimeSince(ctx, a.user.ID, dayOf(now), now)
	return max(0, most-used), err
}

// errLabTime refuses more labs today.
func (a Actor) errLabTime() error {
	now := a.app.now()
	e := hub.New(hub.Limit, "Your tier's %d minutes of labs a day are used up. They begin anew at midnight UTC.", a.labMinutes())
	e.RetryAfter = dayOf(now).AddDate(0, 0, 1).Sub(now)
	return e
}
