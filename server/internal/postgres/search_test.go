package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// However many courses have the words in texts that somebody may not read, they take
// no place from one that is theirs to find, and what those texts say has no say in
// the order. Either search reads an index, and not the catalogue.
func TestSearchAmongManyThatAreClosed(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for _, sql := range []string{`
		WITH made AS (
		    INSERT INTO courses (slug, version) SELECT kind || n, 1
		    FROM (VALUES ('closed', 2000), ('other', 5000), ('shown', 1), ('told', 1), ('zfree', 1)) k (kind, up), generate_series(1, up) n RETURNING id, slug
		)
		INSERT INTO course_index (course_id, slug, title, provider, level, category, free, summary, trigrams, search)
		SELECT id, slug, slug, 'multi', 'beginner', 'growth', slug LIKE 'zfree%', jsonb_build_object('slug', slug), '{}',
		    setweight(to_tsvector('english', slug), 'A') ||
		    setweight(to_tsvector('english', CASE WHEN slug LIKE 'shown%' OR slug LIKE 'told%' THEN 'about a network' ELSE '' END), 'B') ||
		    setweight(to_tsvector('english', CASE WHEN slug LIKE 'other%' OR slug LIKE 'shown%' THEN '' ELSE repeat('the network lies here ', 5) END), 'C')
		FROM made`, `VACUUM ANALYZE courses, course_index`} {
		if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		query string
		reads bool
		want  string
	}{
		{"network", false, "shown1 told1 zfree1"},
		{"network -lies", false, "shown1 told1"},
		{"network lies", false, "zfree1"},
		{`"network lies" or told1`, false, "told1 zfree1"},
		{"network -lies", true, "shown1"},
		{"closed7 -network", true, ""},
		{"closed7 -network", false, "closed7"},
	} {
		var found []string
		err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			courses, _, err := tx.Courses(ctx, postgres.CourseQuery{CourseFilter: hub.CourseFilter{Query: tt.query, Paging: hub.Paging{Limit: 20}}, Reads: tt.reads})
			for _, c := range courses {
				found = append(found, c.Slug)
			}
			return err
		})
		if got := strings.Join(found, " "); err != nil || got != tt.want {
			t.Errorf("%s, read %v: %q, want %q; %v", tt.query, tt.reads, got, tt.want, err)
		}
	}
	for sql, index := range map[string]string{postgres.ListByQuery: "course_index_search", postgres.ListByQueryShown: "course_index_shown"} {
		rows, err := db.Pool().Query(t.Context(), "EXPLAIN "+sql,
			"", 11, "", "", "", false, "network", []string{}, 400, 500, false, int64(0), "", "00000000-0000-0000-0000-000000000000")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan := strings.Join(lines, "\n")
		if err != nil || !strings.Contains(plan, "Bitmap Index Scan on "+index) || !strings.Contains(plan, "Bitmap Index Scan on course_index_titled") {
			t.Errorf("%v\n%s", err, plan)
		}
	}
}
