package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// IssueCertificate issues the certificate id to userID if they have completed
// every lesson and lab of a course, in the version they take, and have none yet.
// It reports whether it did. Their merits must be locked: two that complete one half
// each would both find the other half open.
func (tx Tx) IssueCertificate(ctx context.Context, id, userID, courseID, name string, now time.Time) (hub.Certificate, bool, error) {
	c := hub.Certificate{ID: id, Name: name, IssuedAt: now.UTC()}
	err := tx.QueryRow(ctx, `
		WITH taken AS (
		    SELECT c.id, c.slug, e.version, v.outline
		    FROM enrollments e
		    JOIN courses c ON c.id = e.course_id
		    JOIN course_versions v ON v.course_id = e.course_id AND v.version = e.version
		    WHERE e.user_id = $2 AND e.course_id = $3::text::uuid
		), parts AS (
		    SELECT (SELECT completed_at FROM user_progress WHERE user_id = $2 AND course_id = t.id AND lesson_id = l->>'id') AS at
		    FROM taken t, jsonb_array_elements(t.outline->'lessons') l
		    UNION ALL SELECT (SELECT completed_at FROM lab_progress WHERE user_id = $2 AND lab_id = l->>'id')
		    FROM taken t, jsonb_array_elements(t.outline->'labs') l
		), whole AS (
		    SELECT max(at) AS at FROM parts HAVING count(*) > 0 AND count(*) = count(at)
		)
		INSERT INTO certificates (id, user_id, course_id, version, name, title, completed_at, issued_at)
		SELECT $1, $2, t.id, t.version, $4, t.outline->>'title', w.at, $5 FROM taken t, whole w
		ON CONFLICT (user_id, course_id) DO NOTHING
		RETURNING title, (SELECT slug FROM taken)`, id, userID, courseID, name, now).Scan(&c.Title, &c.Course)
	if errors.Is(err, pgx.ErrNoRows) { // nothing was completed, or it was certified before
		return c, false, nil
	}
	return c, err == nil, classify("certificate", err)
}

const certificateColumns = `k.id, k.name, c.slug, k.title, k.issued_at`

func scanCertificate(row pgx.CollectableRow) (c hub.Certificate, err error) {
	err = row.Scan(&c.ID, &c.Name, &c.Course, &c.Title, &c.IssuedAt)
	c.IssuedAt = c.IssuedAt.UTC()
	return c, err
}

// Certificates lists userID's certificates, the newest first.
func (tx Tx) Certificates(ctx context.Context, userID string) ([]hub.Certificate, error) {
	rows, err := tx.Query(ctx, `SELECT `+certificateColumns+` FROM certificates k JOIN courses c ON c.id = k.course_id
		WHERE k.user_id = $1::text::uuid ORDER BY k.issued_at DESC, k.id`, userID)
	if err != nil {
		return nil, classify("certificate", err)
	}
	all, err := pgx.CollectRows(rows, scanCertificate)
	return all, classify("certificate", err)
}

// Certificate returns one, whosever it is, unless their account is closed.
func (tx Tx) Certificate(ctx context.Context, id string) (hub.Certificate, error) {
	rows, err := tx.Query(ctx, `SELECT `+certificateColumns+` FROM certificates k JOIN courses c ON c.id = k.course_id
		JOIN users u ON u.id = k.user_id WHERE k.id = $1 AND u.disabled_at IS NULL`, id)
	if err != nil {
		return hub.Certificate{}, classify("certificate", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCertificate)
	return c, classify("certificate", err)
}

// CourseOfLab is the id of the course that a lab belongs to, or "".
func (tx Tx) CourseOfLab(ctx context.Context, lab string) (course string, err error) {
	err = tx.QueryRow(ctx, `SELECT coalesce(course_id::text, '') FROM labs WHERE id = $1`, lab).Scan(&course)
	return course, classify("lab", err)
}
