package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// LabVersion is a lab as published, with what the rules need to know of it.
type LabVersion struct {
	Lab      hub.Lab // nothing in it depends on the caller or on this installation
	CourseID string  // empty when it belongs to no course
	Version  string

	DraftOwner string // who alone may see it; empty for published ones

	Unpublished bool   // its course is, so it is there for who is enrolled
	CourseOwner string // and for its author
}

// labFrom joins a lab to its newest version, its course, and whether that is
// free.
const labFrom = `
	FROM labs l
	JOIN lab_versions v ON v.lab_id = l.id AND v.hash = l.version
	LEFT JOIN courses c ON c.id = l.course_id
	LEFT JOIN course_index i ON i.course_id = l.course_id`

const labFree = `coalesce(i.free, (v.document->>'free')::boolean, false)`

// Lab returns the newest version of a lab, its texts included. A retired lab
// is no longer there.
func (tx Tx) Lab(ctx context.Context, id string) (LabVersion, error) {
	var (
		v    LabVersion
		doc  []byte
		err  error
		free bool
	)
	err = tx.QueryRow(ctx, `
		SELECT v.document, coalesce(c.slug, ''), coalesce(l.course_id::text, ''), l.version, `+labFree+`, l.updated_at,
		       coalesce(l.draft_owner::text, ''), c.unpublished_at IS NOT NULL, coalesce(c.owner_id::text, '')`+labFrom+`
		WHERE l.id = $1 AND l.retired_at IS NULL`, id).
		Scan(&doc, &v.Lab.Course, &v.CourseID, &v.Version, &free, &v.Lab.UpdatedAt, &v.DraftOwner, &v.Unpublished, &v.CourseOwner)
	if err != nil {
		return v, classify("lab", err)
	}
	course, updated := v.Lab.Course, v.Lab.UpdatedAt
	if err := json.Unmarshal(doc, &v.Lab); err != nil {
		return v, classify("lab", err)
	}
	v.Lab.ID, v.Lab.Course, v.Lab.Free, v.Lab.UpdatedAt = id, course, free, updated
	broken, err := tx.brokenChecks(ctx, id, v.Version)
	for _, n := range broken {
		if n <= len(v.Lab.Steps) && v.Lab.Steps[n-1].Checked {
			v.Lab.Steps[n-1].Checked, v.Lab.Steps[n-1].Broken = false, true
		}
	}
	return v, err
}

// Labs lists labs without their texts: the courses by slug, the labs of each in
// the author's order. With abilities other than nil, it lists only labs that
// need nothing else. It begins after the lab at a key, when there is one, and
// returns the last lab's key when there are more. The filter's own paging cursor
// is not looked at.
func (tx Tx) Labs(ctx context.Context, f hub.LabFilter, after *LabKey, abilities []string) ([]hub.Lab, *LabKey, error) {
	var from LabKey
	if after != nil {
		from = *after
	}
	rows, err := tx.Query(ctx, `
		SELECT l.id, coalesce(c.slug, ''), l.position, `+labFree+`, l.updated_at,
		       (v.document - 'instructions' - 'finish' - 'warnings') || jsonb_build_object('steps', coalesce((
		           SELECT jsonb_agg(st - 'text' ORDER BY n)
		           FROM jsonb_array_elements(v.document->'steps') WITH ORDINALITY AS e(st, n)), '[]'))`+labFrom+`
		WHERE l.retired_at IS NULL AND l.draft IS NULL AND c.unpublished_at IS NULL
		  AND ($1 = '' OR concat_ws(' ', l.id, v.document->>'title', v.document->>'description') ILIKE $1)
		  AND ($2 = '' OR c.slug = $2)
		  AND ($3 = '' OR i.provider = $3)
		  AND ($4::jsonb IS NULL OR (coalesce(v.document->'needs', '[]') <@ $4::jsonb AND coalesce(v.document->>'reason', '') = ''))
		  AND (NOT $5::boolean OR (coalesce(c.slug, ''), l.position, l.id) > ($6::text, $7::integer, $8::text))
		ORDER BY coalesce(c.slug, ''), l.position, l.id
		LIMIT $9`,
		contains(f.Query), f.Course, f.Provider, abilitySet(abilities),
		after != nil, from.Course, from.Position, from.ID, f.Limit+1)
	if err != nil {
		return nil, nil, classify("lab", err)
	}
	defer rows.Close()
	labs := []hub.Lab{}
	var last LabKey
	for rows.Next() {
		var (
			at      LabKey
			lab     hub.Lab
			doc     []byte
			free    bool
			updated time.Time
		)
		if err := rows.Scan(&at.ID, &at.Course, &at.Position, &free, &updated, &doc); err != nil {
			return nil, nil, classify("lab", err)
		}
		if len(labs) == f.Limit { // one more than asked for: there is a next page
			return labs, &last, nil
		}
		if err := json.Unmarshal(doc, &lab); err != nil {
			return nil, nil, classify("lab", err)
		}
		lab.ID, lab.Course, lab.Free, lab.UpdatedAt = at.ID, at.Course, free, updated
		labs, last = append(labs, lab), at
	}
	return labs, nil, classify("lab", rows.Err())
}

// LabKey is the place of a lab in the list.
type LabKey struct {
	Course   string
	Position int
	ID       string
}

// LabScenario returns what the engine needs to run one version of a lab: the
// scenario as JSON, and its assets as a tar archive.
func (tx Tx) LabScenario(ctx context.Context, lab, version string) (scenario, assets []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT scenario, assets FROM lab_versions WHERE lab_id = $1 AND hash = $2`, lab, version).
		Scan(&scenario, &assets)
	return scenario, assets, classify("lab", err)
}

// contains is the LIKE pattern of texts that hold query as it is written.
func contains(query string) string {
	if query == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(query) + "%"
}

func abilitySet(abilities []string) []byte {
	if abilities == nil {
		return nil
	}
	b, _ := json.Marshal(abilities) // strings always encode
	return b
}
