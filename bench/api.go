package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	apiConns = 32
	apiTurn  = time.Second
	writers  = 16 // learners
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
	course, err := p.client.Course(ctx, "linux-shell")
	if err != nil {
		return nil, err
	}
	etag, err := tagOf(ctx, p.api+"/v1/courses")
	if err != nil {
		return nil, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	always := func(req string) func(int, int) []byte {
		return func(int, int) []byte { return []byte(req) }
	}
	get := func(host, path string, headers ...string) func(int, int) []byte {
		return always("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n")
	}
	var tokens []string
	for i := range writers {
		token, err := account(ctx, p.api, fmt.Sprintf("writer-%d", i))
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	who := "Authorization: Bearer " + p.token
	const zip = "Accept-Encoding: gzip"
	targets := []target{
		{"Gin hello", gin.Process.Pid, addr, 200, get(addr, "/hello")},
		{"`GET /v1/courses`, gzip", p.pid, ours, 200, get(ours, "/v1/courses", zip)},
		{"the same, unchanged: 304", p.pid, ours, 304, get(ours, "/v1/courses", zip, "If-None-Match: "+etag)},
		{"`GET /v1/users/profile`, signed in", p.pid, ours, 200, get(ours, "/v1/users/profile", who)},
		{"`POST /v1/users/progress`, durable", p.pid, ours, 200, func(conn, n int) []byte {
			body := fmt.Sprintf(`{"course_id":%q,"lesson_id":%q,"progress_percentage":%d}`, course.ID, lesson(course, conn/writers), n%100)
			return fmt.Appendf(nil, "POST /v1/users/progress HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", ours, tokens[conn%writers], len(body), body)
		}},
	}
	turns := make([][]share, len(targets))
	for round := -1; round < r.rounds(6); round++ {
		for i, t := range targets {
			s, err := press(ctx, t, apiConns, apiTurn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			if round >= 0 {
				turns[i] = append(turns[i], s)
			}
		}
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
		title: "The API", head: []string{"", "requests/s", "÷ Gin hello", "server CPU each", "÷ Gin hello", "p50", "p99"},
		notes: []string{fmt.Sprintf("%d connections, always one request in flight on each; client, servers and database share the cores. %d rounds of %v each. The writes are those of %d learners, each a transaction on disk before it is answered; PostgreSQL's CPU isn't in the column.", apiConns, len(turns[0]), apiTurn, writers)},
	}
	for i, tg := range targets {
		p50 := quantile(pick(i, func(s share) float64 { return float64(quantile(s.waits, 0.5)) }), 0.5)
		p99 := quantile(pick(i, func(s share) float64 { return float64(quantile(s.waits, 0.99)) }), 0.5)
		t.rows = append(t.rows, []string{
			tg.name,
			fmt.Sprintf("%.0f", quantile(pick(i, rate), 0.5)), fmt.Sprintf("**%.2f**", ratio(pick(i, rate), pick(0, rate))),
			fmt.Sprintf("%.0f µs", quantile(pick(i, cpu), 0.5)), fmt.Sprintf("%.2f", ratio(pick(i, cpu), pick(0, cpu))),
			ms(time.Duration(p50)), ms(time.Duration(p99)),
		})
	}
	return []table{t}, nil
}

func lesson(c hub.Course, n int) string { return c.Lessons[n%len(c.Lessons)].ID }

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
