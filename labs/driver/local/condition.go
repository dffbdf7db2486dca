package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

var _ labs.Examiner = (*Driver)(nil)

// Examine is labs.Examiner's.
func (d *Driver) Examine(ctx context.Context, id string) (labs.Condition, error) {
	if err := ctx.Err(); err != nil {
		return labs.Condition{}, err
	}
	if !place.ValidID(id) {
		return labs.Condition{}, labs.ErrNotFound
	}
	c := labs.Condition{ID: id}
	rec, recErr := readRecord(d.dir(id))
	c.Memory, c.Pids = d.groups.usage(rec.born(id))
	if d.lost(id) {
		c.State = labs.Lost
		return c, nil
	}
	st, err := os.Stat(d.dir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return c, labs.ErrNotFound
	}
	if err != nil {
		return c, err
	}
	err = recErr
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !rec.Ready:
		c.State = labs.Making
	case err != nil: // a damaged record names nobody
		c.State = labs.Lost
	case d.alive(rec):
		c.State = labs.Running
	default:
		c.State = labs.Dead
	}
	c.Image, c.Since = rec.Image, st.ModTime()
	if sock, err := os.Stat(filepath.Join(d.dir(id), place.SocketFile)); err == nil { // made once, and never written
		c.Since = sock.ModTime()
	}
	return c, nil
}

// usage is what both cgroups of a sandbox use; -1 where nobody counts.
func (g cgroups) usage(id string) (memory int64, pids int) {
	if g.version == 0 {
		return -1, -1
	}
	read := func(file string) (sum int64) {
		for _, parent := range g.parents {
			for _, dir := range groupsOf(parent, id) {
				raw, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					continue // another hierarchy's
				}
				n, _ := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
				sum += n
			}
		}
		return sum
	}
	file := "memory.current"
	if g.version == 1 {
		file = "memory.usage_in_bytes"
	}
	return read(file), int(read("pids.current"))
}
