package main

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/hubclient"
	"github.com/cloudmastershub/cmh/cmd/cmh/update"
)

// news tells of a newer cmh, beside what the learner asked for: it waits for
// nothing. The nil one tells nothing.
type news struct {
	update.News

	mu sync.Mutex // one at a time is at the file
}

// listen asks the hub's version while a command runs, where somebody will read
// what comes of it, and no more than once a day.
func (m *machine) listen(ctx context.Context) {
	c, err := m.settings()
	if err != nil || m.news != nil || c.NoUpdateNotifier || m.env.WithoutHub() || m.env.Quiet || !m.env.ForHumans() || !m.env.Interactive() ||
		m.env.Var("SSH_CONNECTION") != "" || m.env.Var("SSH_TTY") != "" {
		return
	}
	asker := hubclient.Guest(m.env, c)
	place, err := offline.At(c.Apart(asker.BaseURL()), m.env.Var)
	if err != nil {
		return
	}
	n := &news{News: update.News{File: filepath.Join(place.Cache, "version.json"), Own: client.Version, Now: time.Now}}
	m.news = n
	if n.Due() {
		n.Asked()
		go func() { // ends with the answer, or with the process
			if v, err := asker.ServerVersion(ctx); err == nil {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.Heard(v)
			}
		}()
	}
}

// tellNews says after a command what has been heard until then.
func (m *machine) tellNews() {
	if m.news == nil {
		return
	}
	m.news.mu.Lock()
	defer m.news.mu.Unlock()
	if v := m.news.Tell(); v != "" {
		m.env.Say("cmh %s is out, and this is %s: %s", v, client.Version, update.Source)
	}
}
