package credential

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/cloudmastershub/cmh/client/lockfile"
)

// pending is a file that takes another one's place when it is complete. Until
// then, whatever happens, the old one is as it was.
type pending struct {
	tmp  *os.File
	path string
}

func newFile(path string) (*pending, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // 0600
	if err != nil {
		return nil, err
	}
	return &pending{tmp, path}, nil
}

func (p *pending) write(ix index) error {
	b, err := json.MarshalIndent(ix, "", "  ")
	if err != nil {
		return err
	}
	if _, err := p.tmp.Write(append(b, '\n')); err != nil {
		return err
	}
	if err := p.tmp.Sync(); err != nil {
		return err
	}
	if err := p.tmp.Close(); err != nil {
		return err
	}
	return lockfile.Replace(p.tmp.Name(), p.path)
}

// discard removes what was not put in place.
func (p *pending) discard() {
	_ = p.tmp.Close() // closed before where it was
	_ = os.Remove(p.tmp.Name())
}
