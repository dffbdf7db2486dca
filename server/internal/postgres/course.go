package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// CourseVersion is a course as one caller meets it: the version they enrolled
// in, else the newest.
type CourseVersion struct {
	hub.Course                 // with lesson bodies
	Answers    json.RawMessage // by lesson, then by question
}

// courseOf finds a course by slug ($1) or id ($2), and the enrollment in it of
// the user $3. One that isn't published is there for who is enrolled alone.
const courseOf = `
	FROM courses c
	LEFT JOIN enrollments e ON e.course_id = c.id AND e.user_id = nullif($3, '')::uuid
	JOIN course_versions v ON v.course_id = c.id AND v.version = coalesce(e.version, c.version)
	WHERE (c.slug = $1 OR c.id = nullif($2, '')::uuid) AND (c.unpublished_at IS NULL OR e.user_id IS NOT NULL)`

// Course returns a course, by slug or by id, as userID meets it. An empty
// userID is a guest's.
func (tx Tx) Course(ctx context.Context, slug, id, userID string) (CourseVersion, error) {
	var (
		v       CourseVersion
		doc     []byte
		created time.Time
	)
	err := tx.QueryRow(ctx, `
		SELECT c.id, v.version, c.created_at, v.created_at, v.document, v.answers, e.user_id IS NOT NULL`+courseOf,
		slug, id, userID).Scan(&v.ID, &v.Version, &created, &v.UpdatedAt, &doc, &v.Answers, &v.Enrolled)
	if err != nil {
		return v, classify("course", err)
	}
	at := v.Course
	if err := json.Unmarshal(doc, &v.Course); err != nil {
		return v, classify("course", err)
	}
	v.ID, v.Version, v.CreatedAt, v.UpdatedAt, v.Enrolled = at.ID, at.Version, created.UTC(), at.UpdatedAt.UTC(), at.Enrolled
	return v, nil
}

// VersionKey names one version of a course.
type VersionKey struct {
	CourseID string
	Version  int
}

// Lessons returns the lessons of these versions, with bodies, and whether each
// course is free then. What isn't there is left out.
func (tx Tx) Lessons(ctx context.Context, of []VersionKey) (map[VersionKey]hub.Course, error) {
	ids, versions := make([]string, len(of)), make([]int32, len(of))
	for i, k := range of {
		ids[i], versions[i] = k.CourseID, int32(k.Version)
	}
	rows, err := tx.Query(ctx, `
		SELECT v.course_id, v.version, coalesce((v.document->>'free')::boolean, false), v.document->'lessons'
		FROM course_versions v JOIN unnest($1::uuid[], $2::integer[]) AS k (course_id, version) USING (course_id, version)`, ids, versions)
	if err != nil {
		return nil, classify("course", err)
	}
	found := make(map[VersionKey]hub.Course, len(of))
	defer rows.Close()
	for rows.Next() {
		var (
			k   VersionKey
			c   hub.Course
			doc []byte
		)
		if err := rows.Scan(&k.CourseID, &k.Version, &c.Free, &doc); err != nil {
			return nil, classify("course", err)
		}
		if err := json.Unmarshal(doc, &c.Lessons); err != nil {
			return nil, classify("course", err)
		}
		found[k] = c
	}
	return found, classify("course", rows.Err())
}

// CourseKey is the place of a course in a list.
type CourseKey struct {
	Score int64  `json:"s"` // of a search; 0 without one
	Title string `json:"t"`
	ID    string `json:"i"`
}

// CourseQuery is a hub.CourseFilter in the form SQL takes.
type CourseQuery struct {
	hub.CourseFilter
	Trigrams []string // of Query
	UserID   string
	Reads    bool       // also what isn't free
	After    *CourseKey // nil for the first page
}

// Courses lists courses without texts, best match first, then by title, and
// says where the next page begins. When no word of the query is found as it is
// written, titles that look like it are. A search that finds very much ranks no
// more than the first of it, those with the words in their title before others.
func (tx Tx) Courses(ctx context.Context, q CourseQuery) ([]hub.Course, *CourseKey, error) {
	after := CourseKey{ID: "00000000-0000-0000-0000-000000000000"}
	if q.After != nil {
		after = *q.After
	}
	var (
		list     string
		args     []any
		filtered = []any{q.UserID, q.Limit + 1, q.Provider, q.Level, q.Category, q.Enrolled}
		all      = q.Provider == "" && q.Level == "" && q.Category == "" && !q.Enrolled
	)
	switch {
	case q.Query != "":
		list, args = listByQuery, append(filtered, q.Query, orEmpty(q.Trigrams), likeness, mostRanked, q.After != nil, after.Score, after.Title, after.ID)
		if !q.Reads {
			list = listByQueryShown
		}
	case all && q.After == nil:
		list, args = listAll, filtered[:2]
	case all:
		list, args = listAllNext, append(filtered[:2:2], after.Title, after.ID)
	case q.After == nil:
		list, args = listSome, filtered
	default:
		list, args = listSomeNext, append(filtered, after.Title, after.ID)
	}
	rows, err := tx.Query(ctx, list, args...)
	if err != nil {
		return nil, nil, classify("course", err)
	}
	defer rows.Close()
	var (
		courses = []hub.Course{}
		last    CourseKey
	)
	for rows.Next() {
		var (
			key     CourseKey
			c       hub.Course
			at      hub.Course
			summary []byte
		)
		if err := rows.Scan(&key.Score, &key.Title, &key.ID, &at.Version, &at.CreatedAt, &at.UpdatedAt, &summary, &at.Enrolled); err != nil {
			return nil, nil, classify("course", err)
		}
		if len(courses) == q.Limit { // one more than asked for: there is a next page
			return courses, &last, nil
		}
		if err := json.Unmarshal(summary, &c); err != nil {
			return nil, nil, classify("course", err)
		}
		c.ID, c.Version, c.CreatedAt, c.UpdatedAt, c.Enrolled = key.ID, at.Version, at.CreatedAt.UTC(), at.UpdatedAt.UTC(), at.Enrolled
		courses, last = append(courses, c), key
	}
	return courses, nil, classify("course", rows.Err())
}

// A list without a query is read in the order of its index, from where the page
// begins and as far as it goes, however many courses there are. PostgreSQL keeps
// its plan for that only as long as it needs no parameter to see that the list is
// short and that most courses are on it: hence the inner limit of the lists of all.
// Planning each of their pages anew costs as much as reading it. What filters let
// through may be few, who takes five courses of thousands, and begins elsewhere:
// those lists are planned for what is asked.
const (
	listAll      = short + listed + published + listedTo + shortTo
	listAllNext  = short + listed + published + ` AND (i.title, i.course_id) > ($3, $4::uuid)` + listedTo + shortTo
	listSome     = listed + filters + listedTo + `$2`
	listSomeNext = listed + filters + ` AND (i.title, i.course_id) > ($7, $8::uuid)` + listedTo + `$2`

	short = `
		SELECT * FROM (`
	shortTo = `101
		) AS page ORDER BY title, id LIMIT $2`

	listed = `
		    SELECT 0::bigint AS score, i.title, c.id, c.version, c.created_at, c.updated_at, i.summary, e.user_id IS NOT NULL AS enrolled
		    FROM course_index i JOIN courses c ON c.id = i.course_id` + taken
	listedTo = `
		    ORDER BY i.title, i.course_id LIMIT `

	taken = `
		LEFT JOIN enrollments e ON e.course_id = i.course_id AND e.user_id = nullif($1, '')::uuid`

	published = `
		WHERE (NOT i.unpublished OR e.user_id IS NOT NULL)`

	filters = published + `
		  AND ($3 = '' OR i.provider = $3) AND ($4 = '' OR i.level = $4)
		  AND ($5 = '' OR lower(i.category) = lower($5)) AND (NOT $6 OR e.user_id IS NOT NULL)`

	// mine is what of an index i the filters let through.
	mine = taken + filters

	// readable is what somebody who reads every course finds an index i by, and shown
	// what others do. What somebody may not read, they don't search either, nor has it
	// a say in what comes first: phrase by phrase, and with words that are left out, a
	// search would read it to them. Each has an index.
	readable = `i.search`
	shown    = `CASE WHEN i.free THEN i.search ELSE ts_filter(i.search, '{a,b}') END`
)

var (
	listByQuery      = byQuery(readable)
	listByQueryShown = byQuery(shown)
)

// byQuery is a search of that. Only what is found counts in the limits, so that none
// that isn't takes the place of one that is; a title alone says so where no word is
// left out.
func byQuery(searched string) string {
	return `
		WITH asked AS (
		    SELECT websearch_to_tsquery('english', $7) AS q
		), words AS (
		    SELECT q, q::text !~ '!' AS all_there FROM asked
		), candidates AS (
		    (SELECT i.course_id FROM words w JOIN course_index i ON to_tsvector('english', i.title) @@ w.q` + mine + ` AND (w.all_there OR ` + searched + ` @@ w.q) LIMIT $10)
		    UNION
		    (SELECT i.course_id FROM words w JOIN course_index i ON ` + searched + ` @@ w.q` + mine + ` LIMIT $10)
		), found AS (
		    SELECT i.course_id, (ts_rank(` + searched + `, w.q) * 1e6)::bigint AS score
		    FROM candidates JOIN course_index i USING (course_id), words w
		), alike AS (
		    SELECT i.course_id, (1000 * cardinality(ARRAY(SELECT unnest(i.trigrams) INTERSECT SELECT unnest($8::text[])))
		                 / greatest(cardinality($8::text[]), 1))::bigint AS score
		    FROM course_index i` + mine + ` AND i.trigrams && $8::text[] AND NOT EXISTS (SELECT 1 FROM found)
		), list AS (
		    SELECT * FROM found
		    UNION ALL SELECT * FROM alike WHERE score >= $9
		)
		SELECT l.score, i.title, c.id, c.version, c.created_at, c.updated_at, i.summary, e.user_id IS NOT NULL
		FROM list l
		JOIN course_index i USING (course_id)
		JOIN courses c ON c.id = l.course_id
		LEFT JOIN enrollments e ON e.course_id = l.course_id AND e.user_id = nullif($1, '')::uuid
		WHERE NOT $11 OR (-l.score, i.title, c.id) > (-$12::bigint, $13, $14::uuid)
		ORDER BY -l.score, i.title, c.id
		LIMIT $2`
}

// mostRanked is how many courses a search compares, twice: more would only tell
// apart what matches alike.
const mostRanked = 500

// FreshCourse returns the slug and title of the easiest course that userID is
// not enrolled in. With all false, only free ones count.
func (tx Tx) FreshCourse(ctx context.Context, userID string, all bool) (c hub.Course, err error) {
	err = tx.QueryRow(ctx, `
		SELECT i.slug, i.title FROM course_index i
		WHERE (i.free OR $2) AND NOT i.unpublished AND NOT EXISTS (
		    SELECT 1 FROM enrollments e WHERE e.course_id = i.course_id AND e.user_id = nullif($1, '')::uuid)
		ORDER BY array_position(ARRAY['beginner', 'intermediate', 'advanced'], i.level), i.title, i.course_id
		LIMIT 1`, userID, all).Scan(&c.Slug, &c.Title)
	return c, classify("course", err)
}

// likeness is how many thousandths of a query's trigrams a title has to share.
const likeness = 400

// Enroll enrolls userID in the newest version of a course, and moves them to
// it when they took an older one. It reports whether they were not enrolled
// before.
func (tx Tx) Enroll(ctx context.Context, userID, courseID string, now time.Time) (e hub.Enrollment, first bool, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO enrollments AS e (user_id, course_id, version, created_at)
		SELECT $1, id, version, $3 FROM courses WHERE id = $2
		ON CONFLICT (user_id, course_id) DO UPDATE SET version = excluded.version
		RETURNING course_id, (SELECT slug FROM courses WHERE id = $2), version, created_at, xmax = 0`,
		userID, courseID, now).Scan(&e.CourseID, &e.Course, &e.Version, &e.CreatedAt, &first)
	e.CreatedAt = e.CreatedAt.UTC()
	return e, first, classify("course", err)
}

// Takes returns which version of each course userID takes, by the course's id,
// and the ids by slug.
func (tx Tx) Takes(ctx context.Context, userID string) (versions map[string]int, ids map[string]string, err error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, c.slug, e.version FROM enrollments e JOIN courses c ON c.id = e.course_id WHERE e.user_id = $1::text::uuid`, userID)
	if err != nil {
		return nil, nil, classify("enrollment", err)
	}
	versions, ids = map[string]int{}, map[string]string{}
	var (
		id, slug string
		version  int
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &slug, &version}, func() error {
		versions[id], ids[slug] = version, id
		return nil
	})
	return versions, ids, classify("enrollment", err)
}

// collect reads rows of one column.
func collect[T any](rows pgx.Rows, what string) ([]T, error) {
	items, err := pgx.CollectRows(rows, pgx.RowTo[T])
	return items, classify(what, err)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
