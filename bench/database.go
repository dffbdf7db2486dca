package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// databaseURL is the private database of the hub, as its owner reaches it.
func (p *product) databaseURL() (string, error) {
	dir := filepath.Join(p.data, "postgres")
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("cmh", strings.TrimSpace(string(password))), Path: "/postgres"}
	u.RawQuery = url.Values{"host": {filepath.Join(dir, "run")}, "sslmode": {"disable"}}.Encode()
	return u.String(), nil
}

// dialDatabase opens it.
func (p *product) dialDatabase(ctx context.Context) (*pgx.Conn, string, error) {
	dsn, err := p.databaseURL()
	if err != nil {
		return nil, "", err
	}
	db, err := pgx.Connect(ctx, dsn)
	return db, dsn, err
}

const (
	floorRows  = 10_000
	floorTable = `
		CREATE SCHEMA IF NOT EXISTS floor;
		CREATE TABLE IF NOT EXISTS floor.progress (
		    user_id bigint, lesson_id bigint, percentage integer NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, lesson_id));
		INSERT INTO floor.progress SELECT n / 100, n % 100, 0 FROM generate_series(0, 9999) n ON CONFLICT DO NOTHING;
		WITH u AS (INSERT INTO users (email, username, password_hash)
		    SELECT 'reader-' || n || '@localhost', 'reader-' || n, '' FROM generate_series(0, 9999) n RETURNING id)
		INSERT INTO ssh_keys (user_id, name, type, fingerprint, public_key) SELECT id, 'bench', 'ssh-ed25519', id, '' FROM u;
		ANALYZE`
	selectScript = "\\set n random(0, 9999)\nSELECT user_id, lesson_id, percentage, at FROM floor.progress WHERE user_id = :n / 100 AND lesson_id = :n % 100;\n"
	upsertScript = "\\set n random(0, 9999)\n\\set p random(0, 100)\n" +
		"INSERT INTO floor.progress AS f (user_id, lesson_id, percentage) VALUES (:n / 100, :n % 100, :p) " +
		"ON CONFLICT (user_id, lesson_id) DO UPDATE SET percentage = greatest(f.percentage, excluded.percentage);\n"
)

// database is what the API does with PostgreSQL, beside PostgreSQL's own client
// and the least of a Gin handler, on the same cluster.
func database(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	db, dsn, err := p.dialDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	if _, err := db.Exec(ctx, floorTable); err != nil {
		return nil, err
	}
	reads, err := reading(ctx, r, p, db, dsn)
	if err != nil {
		return nil, err
	}
	writes, err := writing(ctx, r, p, db, dsn)
	if err != nil {
		return nil, err
	}
	lost, err := hangingUp(ctx, r, p, db)
	return []table{reads, writes, lost}, err
}

func reading(ctx context.Context, r *rig, p *product, db *pgx.Conn, dsn string) (table, error) {
	const statement = `SELECT id::text, name, type, fingerprint, created_at, last_used_at FROM ssh_keys WHERE user_id = $1::text::uuid`
	t := table{
		title: "Reads from the database", head: []string{"", "clients", "reads/s", "÷ minimal Gin + pgx", "must", "aim", "÷ pgbench select", "must", "aim"},
		notes: []string{"`GET /v1/users/keys` asks the database each time; the minimal handler runs the same statement, without rights, limits or headers; pgbench reads one row by its key, prepared, over the same socket."},
	}
	var user string
	if err := db.QueryRow(ctx, `SELECT id::text FROM users WHERE username = 'bench'`).Scan(&user); err != nil {
		return t, err
	}
	bin, err := build(ctx, r.dir, "./bench/floor/ginpgx")
	if err != nil {
		return t, err
	}
	floor, addr, err := r.start(ctx, []string{"CMH_FLOOR_DATABASE=" + dsn}, bin, statement)
	if err != nil {
		return t, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	targets := []target{
		{"`GET /v1/users/keys`", p.pid, ours, 200, plainGet(ours, "/v1/users/keys", "Authorization: Bearer "+p.token)},
		{"minimal Gin + pgx", floor.Process.Pid, addr, 200, plainGet(addr, "/rows/"+user)},
	}
	for _, clients := range []int{8, 32} {
		var rates [3][]float64
		for round := -1; round < r.rounds(4); round++ {
			var turn [3]float64
			for i, tg := range targets {
				s, err := press(ctx, tg, clients, apiTurn)
				if err != nil {
					return t, fmt.Errorf("%s: %w", tg.name, err)
				}
				turn[i] = s.rate
			}
			if turn[2], err = r.pgbench(ctx, dsn, "select", selectScript, clients); err != nil {
				return t, err
			}
			for i := range rates {
				if round >= 0 {
					rates[i] = append(rates[i], turn[i])
				}
			}
		}
		n := strconv.Itoa(clients)
		t.rows = append(t.rows,
			[]string{
				targets[0].name, n, fmt.Sprintf("%.0f", quantile(rates[0], 0.5)), fmt.Sprintf("**%.2f**", ratio(rates[0], rates[1])), "0.85", "0.95",
				fmt.Sprintf("**%.2f**", ratio(rates[0], rates[2])), "0.20", "0.30",
			},
			[]string{targets[1].name, n, fmt.Sprintf("%.0f", quantile(rates[1], 0.5)), "1", "", "", fmt.Sprintf("%.2f", ratio(rates[1], rates[2])), "", ""},
			[]string{"pgbench", n, fmt.Sprintf("%.0f", quantile(rates[2], 0.5)), "", "", "", "1", "", ""})
	}
	return t, nil
}

func plainGet(host, path string, headers ...string) func(int, int) []byte {
	req := []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n")
	return func(int, int) []byte { return req }
}

// writing is progress, told by learners on as many connections.
func writing(ctx context.Context, r *rig, p *product, db *pgx.Conn, dsn string) (table, error) {
	t := table{
		title: "Progress, durable", head: []string{"clients", "`POST /v1/users/progress`, writes/s", "pgbench upsert/s", "ours ÷ this", "must", "aim", "server CPU each", "p50", "p99"},
		notes: []string{fmt.Sprintf("Each is on disk before it is answered, in both. pgbench runs the same kind of statement, prepared, over the same socket, against %d rows of a table of its own; ours also finds out who writes, counts it, and checks the course, its version and the lesson. Each connection is another learner's.", floorRows)},
	}
	tokens, err := manyLearners(ctx, db, writers)
	if err != nil {
		return t, err
	}
	course, err := p.client.Course(ctx, "linux-shell")
	if err != nil {
		return t, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	asks := make([][][]byte, len(tokens)) // made before, as the client shares the cores
	for conn, token := range tokens {
		for n := range 100 {
			body := fmt.Sprintf(`{"course_id":%q,"lesson_id":%q,"progress_percentage":%d}`, course.ID, lesson(course, n), n)
			asks[conn] = append(asks[conn], fmt.Appendf(nil, "POST /v1/users/progress HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", ours, token, len(body), body))
		}
	}
	tg := target{"`POST /v1/users/progress`", p.pid, ours, 200, func(conn, n int) []byte { return asks[conn][n%100] }}
	for _, row := range []struct {
		clients int
		goal    goal
	}{{8, goal{0.42, 0.65}}, {32, goal{0.42, 0.65}}, {128, goal{1.0, 1.25}}} {
		var rates [2][]float64
		var turns []share
		for round := -1; round < r.rounds(5); round++ {
			s, err := press(ctx, tg, row.clients, apiTurn)
			if err != nil {
				return t, err
			}
			floor, err := r.pgbench(ctx, dsn, "upsert", upsertScript, row.clients)
			if err != nil {
				return t, err
			}
			if round >= 0 {
				rates[0], rates[1], turns = append(rates[0], s.rate), append(rates[1], floor), append(turns, s)
			}
		}
		var cpus, p50s, p99s []float64
		for _, s := range turns {
			cpus = append(cpus, s.cpu)
			p50s, p99s = append(p50s, float64(quantile(s.waits, 0.5))), append(p99s, float64(quantile(s.waits, 0.99)))
		}
		t.rows = append(t.rows, []string{
			strconv.Itoa(row.clients), fmt.Sprintf("%.0f", quantile(rates[0], 0.5)), fmt.Sprintf("%.0f", quantile(rates[1], 0.5)),
			fmt.Sprintf("**%.2f**", ratio(rates[0], rates[1])), row.goal.must(), row.goal.aim(), fmt.Sprintf("%.0f µs", quantile(cpus, 0.5)),
			ms(time.Duration(quantile(p50s, 0.5))), ms(time.Duration(quantile(p99s, 0.5))),
		})
	}
	return t, nil
}

// manyLearners are accounts behind the API's back, which hashes a password for
// each, with an API key each.
func manyLearners(ctx context.Context, db *pgx.Conn, n int) (keys []string, err error) {
	for i := range n {
		key := fmt.Sprintf("cmh_WRITER%016d", i)
		hash := sha256.Sum256([]byte(key))
		_, err := db.Exec(ctx, `
			WITH u AS (INSERT INTO users (email, username, password_hash) VALUES ($1 || '@localhost', $1, '') RETURNING id)
			INSERT INTO api_keys (user_id, name, hint, hash, scopes, expires_at)
			SELECT id, $1, $1, $2, '{progress:write}', now() + interval '1 day' FROM u`, fmt.Sprintf("writer-%d", i), hash[:])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// manyKeys are SSH keys of as many accounts, made behind the API's back, too.
func manyKeys(ctx context.Context, p *product, n int) (keys []ssh.Signer, err error) {
	var prints, lines []string
	for range n {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		key, err := ssh.NewSignerFromKey(private)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
		prints, lines = append(prints, ssh.FingerprintSHA256(key.PublicKey())), append(lines, string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	}
	db, _, err := p.dialDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	_, err = db.Exec(ctx, `
		WITH k AS (SELECT print, line, 'visitor-' || n AS name FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (print, line, n)),
		     u AS (INSERT INTO users (email, username, password_hash) SELECT name || '@localhost', name, '' FROM k RETURNING id, username)
		INSERT INTO ssh_keys (user_id, name, type, fingerprint, public_key) SELECT u.id, 'bench', 'ssh-ed25519', k.print, k.line FROM u JOIN k ON k.name = u.username`,
		prints, lines)
	return keys, err
}

func lesson(c hub.Course, n int) string { return c.Lessons[n%len(c.Lessons)].ID }

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench runs a script for a turn, and returns its rate. Its time includes
// connecting, which may take longer on a busy machine.
func (r *rig) pgbench(ctx context.Context, dsn, name, script string, clients int) (float64, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		return 0, errors.New("pgbench isn't installed")
	}
	file := filepath.Join(r.dir, name+".sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return 0, err
	}
	for long := 2 + clients/64; long < 60; long *= 2 {
		out, err := exec.CommandContext(ctx, found[len(found)-1], "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2",
			"-T", strconv.Itoa(long), "-f", file, dsn).CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("pgbench: %w: %s", err, out)
		}
		if m := tps.FindSubmatch(out); m != nil {
			return strconv.ParseFloat(string(m[1]), 64)
		}
	}
	return 0, errors.New("pgbench never got to its script")
}

// hangingUp counts the connections to the database that clients take with them
// when they go in the middle of a request.
func hangingUp(ctx context.Context, r *rig, p *product, db *pgx.Conn) (table, error) {
	const clients = 16
	t := table{title: "Clients that hang up", head: []string{"", "", "must"}}
	ours := strings.TrimPrefix(p.api, "http://")
	pool := func() (map[int]bool, error) {
		rows, err := db.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE application_name = 'cmh-server'`)
		if err != nil {
			return nil, err
		}
		pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
		have := map[int]bool{}
		for _, pid := range pids {
			have[pid] = true
		}
		return have, err
	}
	read := target{"", p.pid, ours, 200, plainGet(ours, "/v1/users/keys", "Authorization: Bearer "+p.token)}
	if _, err := press(ctx, read, clients, apiTurn); err != nil { // until the pool is full
		return t, err
	}
	before, err := pool()
	if err != nil {
		return t, err
	}
	rounds := r.rounds(40)
	for range rounds {
		var open []net.Conn
		for range clients {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", ours)
			if err != nil {
				return t, err
			}
			open = append(open, c)
			if _, err := c.Write(read.next(0, 0)); err != nil {
				return t, err
			}
		}
		for _, c := range open {
			_ = c.Close()
		}
	}
	after, err := pool()
	if err != nil {
		return t, err
	}
	lost := 0
	for pid := range before {
		if !after[pid] {
			lost++
		}
	}
	t.rows = [][]string{{fmt.Sprintf("connections to the database replaced, of %d", len(before)), strconv.Itoa(lost), "0"}}
	t.notes = []string{fmt.Sprintf("%d × %d clients sent a request that asks the database, and closed at once.", rounds, clients)}
	return t, nil
}
