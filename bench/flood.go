package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	floodTurn   = 6 * time.Second
	floodReads  = 500 // a second
	floodLogins = 50  // a second
)

// flood is what others notice of a crowd that signs in.
func flood(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	read := plainGet(ours, "/v1/users/profile", "Authorization: Bearer "+p.token)
	login := func(conn, n int) []byte {
		body := fmt.Sprintf(`{"email":"nobody-%d-%d@localhost","password":"not the password"}`, conn, n)
		return fmt.Appendf(nil, "POST /v1/auth/login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", ours, len(body), body)
	}
	readers, err := gatherCrowd(ctx, ours, 200, read)
	if err != nil {
		return nil, err
	}
	defer readers.leave()
	crowd, err := gatherCrowd(ctx, ours, 150, read)
	if err != nil {
		return nil, err
	}
	defer crowd.leave()
	var quiet, loud []float64
	var logins, reads asked
	var hashed []float64
	bare, err := bareHashes()
	if err != nil {
		return nil, err
	}
	for range r.rounds(3) {
		calm, err := readers.ask(ctx, floodReads, floodTurn, read)
		if err != nil {
			return nil, err
		}
		var wg sync.WaitGroup
		var lerr error
		wg.Go(func() { logins, lerr = crowd.ask(ctx, floodLogins, floodTurn, login) })
		reads, err = readers.ask(ctx, floodReads, floodTurn, read)
		wg.Wait()
		if err != nil || lerr != nil {
			return nil, fmt.Errorf("%w, %w", err, lerr)
		}
		// The last that wait are looked at after the flood, and so is their time.
		hashed = append(hashed, float64(logins.status[http.StatusUnauthorized])/logins.last[http.StatusUnauthorized].Seconds())
		quiet, loud = append(quiet, float64(quantile(calm.waits, 0.99))), append(loud, float64(quantile(reads.waits, 0.99)))
	}
	refused := append(logins.late[http.StatusServiceUnavailable], logins.late[http.StatusTooManyRequests]...)
	t := table{
		title: "A flood of sign-ins", head: []string{"", "", "must", "aim"},
		rows: [][]string{
			{"p99 of other requests, nobody signs in", ms(time.Duration(quantile(quiet, 0.5))), "", ""},
			{"p99 of other requests, meanwhile", ms(time.Duration(quantile(loud, 0.5))), "", ""},
			{"the second ÷ the first", fmt.Sprintf("**%.2f**", ratio(loud, quiet)), "3", "2"},
			{"sign-ins that were looked at, a second, on the one core that they may have", fmt.Sprintf("**%.1f**", quantile(hashed, 0.5)), "4.0", "4.6"},
			{"hashes of that cost a second, on one core and beside nothing", fmt.Sprintf("%.1f", bare), "", ""},
			{"the others are refused after, p99", "**" + ms(quantile(refused, 0.99)) + "**", "100 ms", "50 ms"},
		},
		notes: []string{fmt.Sprintf("%d sign-ins a second with names that nobody has, which cost the same as others; %d reads a second beside them. %d were refused and %d looked at in the last round.", floodLogins, floodReads, len(refused), logins.status[http.StatusUnauthorized])},
	}
	return []table{t}, nil
}

// bareHashes is how many passwords a core can look at in a second.
func bareHashes() (float64, error) {
	began, n := time.Now(), 0
	for ; time.Since(began) < 3*time.Second; n++ {
		if _, err := bcrypt.GenerateFromPassword([]byte("not the password"), 12); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
