package postgres

import (
	"context"
	"time"
)

// AddDraft stores labs that only owner may see, in no course.
func (tx Tx) AddDraft(ctx context.Context, draft, owner string, labs []LabPublication, now time.Time) error {
	for i, l := range labs {
		_, err := tx.Exec(ctx, `
			INSERT INTO labs (id, position, version, draft, draft_owner, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
			l.Slug, i+1, l.Hash, draft, owner, now)
		if err != nil {
			return classify("lab "+l.Slug, err)
		}
		assets := l.Assets
		if assets == nil {
			assets = []byte{}
		}
		_, err = tx.Exec(ctx, `INSERT INTO lab_versions (lab_id, hash, document, scenario, assets, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			l.Slug, l.Hash, l.Document, l.Scenario, assets, now)
		if err != nil {
			return classify("version of the lab "+l.Slug, err)
		}
	}
	return nil
}

// CountDrafts is how many drafts owner has, and makes every other transaction
// that counts them wait for this one.
func (tx Tx) CountDrafts(ctx context.Context, owner string) (n int, err error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, owner); err != nil {
		return 0, classify("account", err)
	}
	err = tx.QueryRow(ctx, `SELECT count(DISTINCT draft) FROM labs WHERE draft_owner = $1`, owner).Scan(&n)
	return n, classify("draft", err)
}

// DraftOwner is whose a draft is.
func (tx Tx) DraftOwner(ctx context.Context, draft string) (owner string, err error) {
	err = tx.QueryRow(ctx, `SELECT draft_owner::text FROM labs WHERE draft = $1 LIMIT 1`, draft).Scan(&owner)
	return owner, classify("draft", err)
}

// DraftRuns are the running sessions of a draft's labs.
func (tx Tx) DraftRuns(ctx context.Context, draft string) ([]LabRun, error) {
	return tx.labRuns(ctx, `WHERE l.draft = $1 AND s.ended_at IS NULL ORDER BY s.created_at`, draft)
}

// RemoveDraft removes a draft's labs, with all that was done in them.
func (tx Tx) RemoveDraft(ctx context.Context, draft string) error {
	_, err := tx.Exec(ctx, `DELETE FROM labs WHERE draft = $1`, draft)
	return classify("draft", err)
}

// OldDrafts are drafts from before the given time in which nothing runs.
func (tx Tx) OldDrafts(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT l.draft FROM labs l WHERE l.draft IS NOT NULL AND l.created_at < $1
		GROUP BY l.draft
		HAVING NOT bool_or(EXISTS (SELECT 1 FROM lab_sessions s WHERE s.lab_id = l.id AND s.ended_at IS NULL))`, before)
	if err != nil {
		return nil, classify("draft", err)
	}
	return collect[string](rows, "draft")
}
