package postgres

import (
	"context"
	"fmt"
	"time"
)

// Publication is one version of a course, to be stored as it is.
type Publication struct {
	Slug     string
	OwnerID  string // empty for what comes with the server
	Hash     string
	Document []byte // hub.Course with lesson bodies
	Outline  []byte // the same without texts
	Answers  []byte
	Index    CourseIndex
	Labs     []LabPublication // in order

	Draft        bool // a course that isn't there yet begins unpublished
	RestoredFrom int  // the version that this one brings back, if it does
}

// CourseIndex is what a course is found by.
type CourseIndex struct {
	Title, Provider, Level, Category string
	Free                             bool
	Trigrams                         []string // of the title
	About                            string   // what the catalogue shows of it
	Text                             string   // what its lessons say: only readers find it by that
}

// LabPublication is one lab of a Publication. Without a document it is a version
// that is stored already.
type LabPublication struct {
	Slug     string
	Hash     string
	Document []byte
	Scenario []byte
	Assets   []byte
}

// Published is a course as it stands.
type Published struct {
	ID      string
	Slug    string
	OwnerID string // empty when nobody owns it
	Version int
	Hash    string
}

// LockPublishing makes this the only transaction that publishes, until it
// ends. Servers that start at once take turns with it.
func (tx Tx) LockPublishing(ctx context.Context) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))`, publishLock)
	return classify("course", err)
}

const publishLock = 0x636d69

// PublishedCourse is the newest version of the course with this slug. There
// may be none.
func (tx Tx) PublishedCourse(ctx context.Context, slug string) (Published, error) {
	p := Published{Slug: slug}
	err := tx.QueryRow(ctx, `
		SELECT c.id, coalesce(c.owner_id::text, ''), c.version, v.hash
		FROM courses c JOIN course_versions v ON v.course_id = c.id AND v.version = c.version
		WHERE c.slug = $1`, slug).Scan(&p.ID, &p.OwnerID, &p.Version, &p.Hash)
	return p, classify("course", err)
}

// LabsElsewhere returns which of these labs belong to another course than
// slug.
func (tx Tx) LabsElsewhere(ctx context.Context, slug string, labs []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT l.id FROM labs l LEFT JOIN courses c ON c.id = l.course_id
		WHERE l.id = ANY($2) AND c.slug IS DISTINCT FROM $1 ORDER BY l.id`, slug, labs)
	if err != nil {
		return nil, classify("lab", err)
	}
	return collect[string](rows, "lab")
}

// Publish stores p as the newest version of its course, and its labs as their
// newest. Labs that the course no longer has are retired.
func (tx Tx) Publish(ctx context.Context, p Publication, now time.Time) (Published, error) {
	done := Published{Slug: p.Slug, Hash: p.Hash}
	err := tx.QueryRow(ctx, `
		INSERT INTO courses AS c (slug, owner_id, version, created_at, updated_at, unpublished_at)
		VALUES ($1, nullif($2, '')::uuid, 1, $3, $3, CASE WHEN $4 THEN $3::timestamptz END)
		ON CONFLICT (slug) DO UPDATE SET version = c.version + 1, updated_at = excluded.updated_at
		RETURNING id, version, coalesce(owner_id::text, '')`, p.Slug, p.OwnerID, now, p.Draft).Scan(&done.ID, &done.Version, &done.OwnerID)
	if err != nil {
		return done, classify("course", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO course_versions (course_id, version, hash, document, outline, answers, created_at, labs, restored_from)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, 0))`, done.ID, done.Version, p.Hash, p.Document, p.Outline, p.Answers, now, labEditions(p.Labs), p.RestoredFrom)
	if err != nil {
		return done, classify("course version", err)
	}
	x := p.Index
	_, err = tx.Exec(ctx, `
		INSERT INTO course_index (course_id, slug, title, provider, level, category, free, summary, trigrams, unpublished, search)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT unpublished_at IS NOT NULL FROM courses WHERE id = $1),
		        setweight(to_tsvector('english', $3), 'A') ||
		        setweight(to_tsvector('english', $10), 'B') ||
		        setweight(to_tsvector('english', $11), 'C'))
		ON CONFLICT (course_id) DO UPDATE SET
		    slug = excluded.slug, title = excluded.title, provider = excluded.provider, level = excluded.level,
		    category = excluded.category, free = excluded.free, summary = excluded.summary,
		    trigrams = excluded.trigrams, search = excluded.search`,
		done.ID, p.Slug, x.Title, x.Provider, x.Level, x.Category, x.Free, p.Outline, x.Trigrams, x.About, x.Text)
	if err != nil {
		return done, classify("course index", err)
	}
	return done, tx.publishLabs(ctx, done.ID, p.Labs, now)
}

func (tx Tx) publishLabs(ctx context.Context, courseID string, labs []LabPublication, now time.Time) error {
	slugs := make([]string, 0, len(labs))
	for i, l := range labs {
		slugs = append(slugs, l.Slug)
		_, err := tx.Exec(ctx, `
			INSERT INTO labs AS l (id, course_id, position, version, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT (id) DO UPDATE SET
			    position = excluded.position, version = excluded.version, retired_at = NULL,
			    updated_at = CASE WHEN l.version = excluded.version THEN l.updated_at ELSE excluded.updated_at END`,
			l.Slug, courseID, i+1, l.Hash, now)
		if err != nil {
			return classify("lab "+l.Slug, err)
		}
		if l.Document == nil {
			continue
		}
		assets := l.Assets
		if assets == nil {
			assets = []byte{}
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO lab_versions (lab_id, hash, document, scenario, assets, created_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, l.Slug, l.Hash, l.Document, l.Scenario, assets, now)
		if err != nil {
			return classify("version of the lab "+l.Slug, err)
		}
	}
	_, err := tx.Exec(ctx, `
		UPDATE labs SET retired_at = $3 WHERE course_id = $1 AND id <> ALL($2) AND retired_at IS NULL`, courseID, slugs, now)
	if err != nil {
		return fmt.Errorf("retire labs: %w", classify("lab", err))
	}
	return nil
}
