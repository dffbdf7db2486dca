package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	apiConns = 64
	apiTurn  = time.Second
	writers  = 128 // learners who write
)

// api is the rate of requests against the least that the same framework does.
func api(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	bin, err := build(ctx, r.dir, "./bench/floor/ginhello")
	if err != nil {
		return nil, err
	}
	gin, addr, err := r.start(ctx, nil, bin)
	if err != nil {
		return nil, err
	}
	etag, err := tagOf(ctx, p.api+"/v1/courses")
	if err != nil {
		return nil, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	who := "Authorization: Bearer " + p.token
	const zip = "Accept-Encoding: gzip"
	targets := []target{
		{"Gin hello", gin.Process.Pid, addr, 200, plainGet(addr, "/hello")},
		{"`GET /v1/courses`, gzip", p.pid, ours, 200, plainGet(ours, "/v1/courses", zip)},
		{"the same, unchanged: 304", p.pid, ours, 304, plainGet(ours, "/v1/courses", zip, "If-None-Match: "+etag)},
		{"`GET /v1/courses/linux-shell`, gzip", p.pid, ours, 200, plainGet(ours, "/v1/courses/linux-shell", zip)},
		{"`GET /v1/users/profile`, a token seen before", p.pid, ours, 200, plainGet(ours, "/v1/users/profile", who)},
		{"`GET /v1/courses`, gzip, signed in", p.pid, ours, 200, plainGet(ours, "/v1/courses", zip, who)},
	}
	goals := []goal{{}, {0.80, 0.90}, {0.85, 0.93}, {0.80, 0.90}, {0.75, 0.85}, {}}
	turns, err := compete(ctx, r.rounds(12), apiConns, targets)
	if err != nil {
		return nil, err
	}
	pick := func(i int, of func(share) float64) (list []float64) {
		for _, s := range turns[i] {
			list = append(list, of(s))
		}
		return list
	}
	rate := func(s share) float64 { return s.rate }
	cpu := func(s share) float64 { return s.cpu }
	t := table{
		title: "The API", head: []string{"", "requests/s", "÷ Gin hello", "must", "aim", "server CPU each", "÷ Gin hello", "p50", "p99"},
		notes: []string{fmt.Sprintf("%d connections, always one request in flight on each; client and servers share the cores. %d rounds of %v each. Ours passes everything that it does for anybody: limits, rights, headers, a name for the request.", apiConns, len(turns[0]), apiTurn)},
	}
	for i, tg := range targets {
		p50 := quantile(pick(i, func(s share) float64 { return float64(quantile(s.waits, 0.5)) }), 0.5)
		p99 := quantile(pick(i, func(s share) float64 { return float64(quantile(s.waits, 0.99)) }), 0.5)
		t.rows = append(t.rows, []string{
			tg.name,
			fmt.Sprintf("%.0f", quantile(pick(i, rate), 0.5)), fmt.Sprintf("**%.2f**", ratio(pick(i, rate), pick(0, rate))), goals[i].must(), goals[i].aim(),
			fmt.Sprintf("%.0f µs", quantile(pick(i, cpu), 0.5)), fmt.Sprintf("%.2f", ratio(pick(i, cpu), pick(0, cpu))),
			ms(time.Duration(p50)), ms(time.Duration(p99)),
		})
	}
	return []table{t}, nil
}

// compete presses all targets, turn by turn, beginning with another one each
// time; the first round warms up.
func compete(ctx context.Context, rounds, conns int, targets []target) ([][]share, error) {
	turns := make([][]share, len(targets))
	for round := -1; round < rounds; round++ {
		for n := range targets {
			i := (n + round + len(targets)) % len(targets)
			s, err := press(ctx, targets[i], conns, apiTurn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", targets[i].name, err)
			}
			if round >= 0 {
				turns[i] = append(turns[i], s)
			}
		}
	}
	return turns, nil
}

// A goal is what a figure must reach, and what we should like.
type goal [2]float64

func (g goal) must() string { return g.show(0) }
func (g goal) aim() string  { return g.show(1) }

func (g goal) show(i int) string {
	if g[i] == 0 {
		return ""
	}
	return fmt.Sprintf("%.4g", g[i])
}

// tagOf is the ETag of a page as gzip.
func tagOf(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	if tag := resp.Header.Get("ETag"); tag != "" {
		return tag, nil
	}
	return "", errors.New("the list of courses has no ETag")
}
