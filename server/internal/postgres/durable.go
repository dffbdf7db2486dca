package postgres

import (
	"context"
	"fmt"
)

// Durable fails unless a committed row survives a crash of the machine. No
// kill of a process can tell: a kernel that lives on keeps what was written.
func (db *DB) Durable(ctx context.Context) error {
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := db.pool.QueryRow(ctx, `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
			return classify("database", err)
		}
		if value != "on" {
			return fmt.Errorf("the database has %s=%s: an acknowledged write could be lost", setting, value)
		}
	}
	return nil
}
