package postgres

import "context"

// LabVersions is the newest version of each of these labs, by slug. Those that
// do not exist, or were retired, are left out.
func (tx Tx) LabVersions(ctx context.Context, slugs []string) (map[string]string, error) {
	rows, err := tx.Query(ctx, `SELECT id, version FROM labs WHERE id = ANY($1) AND retired_at IS NULL`, slugs)
	if err != nil {
		return nil, classify("lab", err)
	}
	defer rows.Close()
	versions := map[string]string{}
	for rows.Next() {
		var id, version string
		if err := rows.Scan(&id, &version); err != nil {
			return nil, classify("lab", err)
		}
		versions[id] = version
	}
	return versions, classify("lab", rows.Err())
}
