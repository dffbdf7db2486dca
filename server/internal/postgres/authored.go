package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Authored is a course with whose it is.
type Authored struct {
	hub.AuthoredCourse
	OwnerID string // empty when nobody owns it
}

const authored = `
	SELECT c.id::text, c.slug, i.title, c.version, c.unpublished_at IS NULL, i.free, jsonb_array_length(i.summary->'lessons'),
	       jsonb_array_length(i.summary->'labs'), (SELECT count(*) FROM enrollments e WHERE e.course_id = c.id), c.created_at, c.updated_at,
	       coalesce(c.owner_id::text, '')
	FROM courses c JOIN course_index i ON i.course_id = c.id `

func scanAuthored(row pgx.CollectableRow) (a Authored, err error) {
	err = row.Scan(&a.ID, &a.Slug, &a.Title, &a.Version, &a.Published, &a.Free, &a.Lessons, &a.Labs, &a.Learners, &a.CreatedAt, &a.UpdatedAt, &a.OwnerID)
	a.CreatedAt, a.UpdatedAt = a.CreatedAt.UTC(), a.UpdatedAt.UTC()
	return a, err
}

// AuthoredCourses lists the courses of ownerID, or everybody's when that is
// empty, by slug behind the one given, and says behind which one the next page
// begins.
func (tx Tx) AuthoredCourses(ctx context.Context, ownerID string, limit int, after *string) ([]hub.AuthoredCourse, *string, error) {
	rows, err := tx.Query(ctx, authored+`WHERE ($1 = '' OR c.owner_id = nullif($1, '')::uuid) AND c.slug > coalesce($2, '') ORDER BY c.slug LIMIT $3`,
		ownerID, after, limit+1)
	if err != nil {
		return nil, nil, classify("course", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (hub.AuthoredCourse, error) {
		a, err := scanAuthored(row)
		return a.AuthoredCourse, err
	})
	if err != nil || len(all) <= limit {
		return all, nil, classify("course", err)
	}
	return all[:limit], &all[limit-1].Slug, nil
}

// AuthoredCourse returns a course by slug or id, whosever it is.
func (tx Tx) AuthoredCourse(ctx context.Context, ref string) (Authored, error) {
	rows, err := tx.Query(ctx, authored+`WHERE c.slug = $1 OR c.id::text = lower($1) ORDER BY c.slug = $1 DESC LIMIT 1`, ref)
	if err != nil {
		return Authored{}, classify("course", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAuthored)
	return a, classify("course", err)
}

// SetPublished says whether a course is there for everybody, and reports whether
// that is another than before.
func (tx Tx) SetPublished(ctx context.Context, courseID string, published bool, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE courses SET unpublished_at = CASE WHEN $2 THEN NULL ELSE $3::timestamptz END, updated_at = $3
		WHERE id = $1::text::uuid AND (unpublished_at IS NULL) <> $2`, courseID, published, now)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE course_index SET unpublished = NOT $2 WHERE course_id = $1::text::uuid`, courseID, published)
	}
	return tag.RowsAffected() > 0, classify("course", err)
}

// Edition is a version of a course, and a mark for the content of each of its
// parts, by id.
type Edition struct {
	hub.CourseEdition
	Lessons, Labs map[string]string
}

// Editions returns the versions of a course, the newest first, at most limit. The
// texts stay in the database: a mark is enough to tell what has changed.
func (tx Tx) Editions(ctx context.Context, courseID string, limit int) ([]Edition, error) {
	rows, err := tx.Query(ctx, `
		SELECT v.version, v.version = c.version, coalesce(v.restored_from, 0), v.created_at,
		       (SELECT count(*) FROM enrollments e WHERE e.course_id = c.id AND e.version = v.version),
		       (SELECT coalesce(jsonb_object_agg(l->>'id', md5(l::text || coalesce(v.answers->(l->>'id'), '{}')::text)), '{}') FROM jsonb_array_elements(v.document->'lessons') l),
		       (SELECT coalesce(jsonb_object_agg(l->>'id', coalesce(h.hash, md5(l::text))), '{}')
		        FROM jsonb_array_elements(v.document->'labs') l LEFT JOIN jsonb_to_recordset(v.labs) AS h (id text, hash text) ON h.id = l->>'id')
		FROM courses c JOIN course_versions v ON v.course_id = c.id
		WHERE c.id = $1::text::uuid ORDER BY v.version DESC LIMIT $2`, courseID, limit)
	if err != nil {
		return nil, classify("course version", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Edition, err error) {
		err = row.Scan(&e.Version, &e.Current, &e.RestoredFrom, &e.CreatedAt, &e.Learners, &e.Lessons, &e.Labs)
		e.CreatedAt = e.CreatedAt.UTC()
		return e, err
	})
	return all, classify("course version", err)
}

// PublicationOf returns a version of a course as it was published, without the
// content of its labs, which is stored already, and without its index.
func (tx Tx) PublicationOf(ctx context.Context, courseID string, version int) (p Publication, err error) {
	var labs []byte
	err = tx.QueryRow(ctx, `SELECT c.slug, coalesce(c.owner_id::text, ''), v.hash, v.document, v.outline, v.answers, v.labs
		FROM courses c JOIN course_versions v ON v.course_id = c.id WHERE c.id = $1::text::uuid AND v.version = $2`, courseID, version).
		Scan(&p.Slug, &p.OwnerID, &p.Hash, &p.Document, &p.Outline, &p.Answers, &labs)
	if err != nil {
		return p, classify("version of this course", err)
	}
	var had []labEdition
	if err := json.Unmarshal(labs, &had); err != nil {
		return p, classify("course version", err)
	}
	for _, l := range had {
		p.Labs = append(p.Labs, LabPublication{Slug: l.ID, Hash: l.Hash})
	}
	p.RestoredFrom = version
	return p, nil
}

// labEdition is what a version of a course remembers of each of its labs.
type labEdition struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

func labEditions(labs []LabPublication) []labEdition {
	all := make([]labEdition, 0, len(labs))
	for _, l := range labs {
		all = append(all, labEdition{l.Slug, l.Hash})
	}
	return all
}

// Leave takes userID out of a course, and reports whether they were in it. Their
// progress stays.
func (tx Tx) Leave(ctx context.Context, userID, courseID string) (bool, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM enrollments WHERE user_id = $1::text::uuid AND course_id = $2::text::uuid`, userID, courseID)
	return tag.RowsAffected() > 0, classify("enrollment", err)
}

// IsEnrolled reports whether userID takes a course.
func (tx Tx) IsEnrolled(ctx context.Context, userID, courseID string) (is bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM enrollments WHERE user_id = nullif($1, '')::uuid AND course_id = nullif($2, '')::uuid)`, userID, courseID).Scan(&is)
	return is, classify("enrollment", err)
}
