package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	lessonsEach   = 100 // rows of progress of one learner
	growthAsk     = 64  // learners who are asked for
	growthClients = 8
	growthTurns   = 4
)

// growth is what an answer costs when the tables are a thousand times as large.
// It fills the hub's database for minutes, so it runs only when it is asked for.
func growth(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	db, _, err := p.dialDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	// Millions of rows are made without telling anybody, and without checks of
	// what is right by construction.
	if _, err := db.Exec(ctx, `SET session_replication_role = replica; SET synchronous_commit = off`); err != nil {
		return nil, err
	}
	learners, err := growingProgress(ctx, r, p, db)
	if err != nil {
		return nil, err
	}
	catalogue, err := growingCatalogue(ctx, r, p, db)
	return []table{learners, catalogue}, err
}

// upTo is how large a table gets: less where the scale is.
func (r *rig) upTo(n int) int { return int(float64(n) * min(1, r.scale)) }

const growthCourse = `
	WITH c AS (
	    INSERT INTO courses (slug, version) VALUES ('growth', 1) RETURNING id
	), d AS (
	    SELECT jsonb_build_object('slug', 'growth', 'title', 'Growth', 'free', true, 'level', 'beginner', 'provider', 'multi', 'category', 'growth',
	        'labs', '[]'::jsonb, 'prerequisites', '[]'::jsonb, 'learning_objectives', '[]'::jsonb,
	        'lessons', (SELECT jsonb_agg(jsonb_build_object('id', 'l' || n, 'title', 'Lesson ' || n, 'duration', 5)) FROM generate_series(1, 100) n)) AS doc
	)
	INSERT INTO course_versions (course_id, version, hash, document, outline, answers)
	SELECT c.id, 1, '', d.doc, d.doc, '{}' FROM c, d RETURNING course_id::text`

func growingProgress(ctx context.Context, r *rig, p *product, db *pgx.Conn) (table, error) {
	t := table{
		title: "Growth: progress", head: []string{"rows of progress", "a learner's summary, CPU", "÷ the first", "must", "a write, CPU", "÷ the first", "must", "bytes a row, indexes included"},
		notes: []string{"The server's CPU and PostgreSQL's together, for `GET` and `POST /v1/users/progress`; a learner has 100 lessons, and those who are asked for are chosen among all."},
	}
	var course string
	if err := db.QueryRow(ctx, growthCourse).Scan(&course); err != nil {
		return t, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	var first [2]float64
	for learners, rows := 0, 10_000; rows <= r.upTo(10_000_000); rows *= 10 {
		for _, q := range []string{
			`INSERT INTO users (email, username, password_hash) SELECT 'grown' || n || '@localhost', 'grown' || n, '' FROM generate_series($1::int, $2::int) n`,
			`INSERT INTO enrollments (user_id, course_id, version) SELECT id, $3::text::uuid, 1 FROM users WHERE username = ANY(SELECT 'grown' || n FROM generate_series($1::int, $2::int) n)`,
			`INSERT INTO user_progress (user_id, course_id, lesson_id, progress_percentage)
			 SELECT u.id, $3::text::uuid, 'l' || l, 1 FROM generate_series(1, 100) l, users u
			 WHERE u.username = ANY(SELECT 'grown' || n FROM generate_series($1::int, $2::int) n)`,
		} {
			args := []any{learners + 1, rows / lessonsEach, course}
			if _, err := db.Exec(ctx, q, args[:2+strings.Count(q, "$3")]...); err != nil {
				return t, err
			}
		}
		learners = rows / lessonsEach
		if _, err := db.Exec(ctx, `VACUUM ANALYZE user_progress, users, enrollments`); err != nil {
			return t, err
		}
		keys, err := growthKeys(ctx, db, rows)
		if err != nil {
			return t, err
		}
		summary := target{"summary", p.pid, ours, 200, func(conn, n int) []byte {
			return plainGet(ours, "/v1/users/progress", "Authorization: Bearer "+keys[(n*growthClients+conn)%len(keys)])(0, 0)
		}}
		write := target{"write", p.pid, ours, 200, func(conn, n int) []byte {
			body := fmt.Sprintf(`{"course_id":%q,"lesson_id":"l%d","progress_percentage":%d}`, course, 1+n%lessonsEach, 1+n%99)
			return fmt.Appendf(nil, "POST /v1/users/progress HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				ours, keys[(n*growthClients+conn)%len(keys)], len(body), body)
		}}
		var costs [2]float64
		for i, tg := range []target{summary, write} {
			if costs[i], err = p.cost(ctx, tg); err != nil {
				return t, err
			}
			if first[i] == 0 {
				first[i] = costs[i]
			}
		}
		var bytes float64
		if err := db.QueryRow(ctx, `SELECT pg_total_relation_size('user_progress')::float8 / count(*) FROM user_progress`).Scan(&bytes); err != nil {
			return t, err
		}
		t.rows = append(t.rows, []string{
			strconv.Itoa(rows), fmt.Sprintf("%.0f µs", costs[0]), fmt.Sprintf("**%.2f**", costs[0]/first[0]), "1.6",
			fmt.Sprintf("%.0f µs", costs[1]), fmt.Sprintf("**%.2f**", costs[1]/first[1]), "1.4", fmt.Sprintf("%.0f", bytes),
		})
	}
	return t, nil
}

// growthKeys gives some learners, spread over all, a way in.
func growthKeys(ctx context.Context, db *pgx.Conn, stage int) ([]string, error) {
	var keys []string
	for i := range growthAsk {
		key := fmt.Sprintf("cmh_GROWTH%08dX%08d", stage, i)
		hash := sha256.Sum256([]byte(key))
		_, err := db.Exec(ctx, `
			INSERT INTO api_keys (user_id, name, hint, hash, scopes, expires_at)
			SELECT id, $1, $1, $2, '{progress:read,progress:write}', now() + interval '1 day' FROM users WHERE username = 'grown' || $3::int`,
			key, hash[:], 1+i*(stage/lessonsEach)/growthAsk)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// cost is the CPU of one request in microseconds, the database's included.
func (p *product) cost(ctx context.Context, tg target) (float64, error) {
	var each []float64
	for round := range growthTurns + 1 {
		before := p.databaseTime()
		s, err := press(ctx, tg, growthClients, apiTurn)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", tg.name, err)
		}
		if round > 0 {
			each = append(each, s.cpu+float64((p.databaseTime()-before).Microseconds())/float64(len(s.waits)))
		}
	}
	return quantile(each, 0.5), nil
}

// databaseTime is the CPU that PostgreSQL's processes have used so far.
func (p *product) databaseTime() (sum time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range stats {
		raw, _ := os.ReadFile(file)
		if !strings.HasPrefix(string(raw), "postgres: ") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && strings.HasPrefix(at, p.data) {
			sum += cpuTime(pid)
		}
	}
	return sum
}

const growthWords = `{linux,cloud,network,storage,security,identity,kubernetes,container,serverless,database,backup,cost,monitoring,terraform,ansible,python,shell,git,queue,cache}`

func growingCatalogue(ctx context.Context, r *rig, p *product, db *pgx.Conn) (table, error) {
	t := table{
		title: "Growth: the catalogue", head: []string{"courses", "a page that isn't kept, CPU", "÷ the first", "must", "search, p50", "search, p95", "must"},
		notes: []string{"Full pages of 10, the first of the list and those behind it, each made anew; searches for one or two words that many courses have."},
	}
	ours := strings.TrimPrefix(p.api, "http://")
	var words []string
	if err := db.QueryRow(ctx, `SELECT $1::text[]`, growthWords).Scan(&words); err != nil {
		return t, err
	}
	var first float64
	have := 0
	for _, courses := range []int{20, 2_000, r.upTo(100_000)} {
		_, err := db.Exec(ctx, `
			WITH made AS (
			    INSERT INTO courses (slug, version) SELECT 'grown-' || n, 1 FROM generate_series($1::int, $2::int) n RETURNING id, slug
			), named AS (
			    SELECT id, slug, substr(slug, 7)::int AS n FROM made
			), titled AS (
			    SELECT id, slug, n, initcap(w[1 + n % 20] || ' ' || w[1 + (n / 20) % 20] || ' ' || w[1 + (n / 400) % 20]) || ' ' || n AS title
			    FROM named, (SELECT $3::text[] AS w) x
			)
			INSERT INTO course_index (course_id, slug, title, provider, level, category, free, summary, trigrams, search)
			SELECT id, slug, title, 'multi', 'beginner', 'growth', true, jsonb_build_object('slug', slug, 'title', title, 'level', 'beginner', 'provider', 'multi',
			    'category', 'growth', 'free', true, 'lessons', '[]'::jsonb, 'labs', '[]'::jsonb, 'prerequisites', '[]'::jsonb, 'learning_objectives', '[]'::jsonb),
			    '{}', setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', repeat('A course of the catalogue about ' || title || '. ', 5)), 'C')
			FROM titled`, have+1, courses, words)
		if err != nil {
			return t, err
		}
		have = courses
		if _, err := db.Exec(ctx, `VACUUM ANALYZE course_index, courses`); err != nil {
			return t, err
		}
		starts, err := cursors(ctx, p, 20)
		if err != nil {
			return t, err
		}
		page := target{"page", p.pid, ours, 200, func(conn, n int) []byte {
			return plainGet(ours, fmt.Sprintf("/v1/courses?limit=10&n=%d-%d-%d%s", courses, conn, n, starts[n%len(starts)]))(0, 0)
		}}
		cost, err := p.cost(ctx, page)
		if err != nil {
			return t, err
		}
		if first == 0 {
			first = cost
		}
		search := target{"search", p.pid, ours, 200, func(conn, n int) []byte {
			q := words[(n+conn)%len(words)]
			if n%2 == 0 {
				q += "+" + words[(n/2+3*conn)%len(words)]
			}
			return plainGet(ours, fmt.Sprintf("/v1/courses?limit=20&n=%d-%d-%d&q=%s", courses, conn, n, q))(0, 0)
		}}
		s, err := press(ctx, search, 2, 4*apiTurn)
		if err != nil {
			return t, err
		}
		t.rows = append(t.rows, []string{
			strconv.Itoa(courses), fmt.Sprintf("%.0f µs", cost), fmt.Sprintf("**%.2f**", cost/first), "1.2",
			ms(quantile(s.waits, 0.5)), "**" + ms(quantile(s.waits, 0.95)) + "**", "50 ms",
		})
	}
	return t, nil
}

// cursors are where pages begin, as far as there are so many.
func cursors(ctx context.Context, p *product, most int) ([]string, error) {
	starts, next := []string{""}, p.api+"/v1/courses?limit=10"
	for len(starts) < most {
		link, err := nextOf(ctx, next)
		if err != nil {
			return nil, err
		}
		if link == "" { // the last page isn't full
			return starts[:max(1, len(starts)-1)], nil
		}
		next = p.api + link
		if _, cursor, ok := strings.Cut(link, "cursor="); ok {
			cursor, _, _ = strings.Cut(cursor, "&")
			starts = append(starts, "&cursor="+cursor)
		}
	}
	return starts, nil
}

// nextOf is where a page's Link leads, or nothing.
func nextOf(ctx context.Context, at string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	link, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
	return link, nil
}
