package gateway

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A member is a connection that has proved something, and whose it was when
// somebody last looked.
type member struct {
	*peer
	who     Identity
	account string // "" for a stranger
}

// members are those who are inside, but for guests: they have nothing to lose.
func (d *door) members() (all []member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := range d.peers {
		if p.user != "" && !p.who.Guest() {
			all = append(all, member{p, p.who, p.account})
		}
	}
	return all
}

// missed notes whether a member may still be here, and returns how often in a row
// it was found that it may not.
func (d *door) missed(p *peer, stays bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.misses++
	if stays {
		p.misses = 0
	}
	return p.misses
}

// looking has look called until ctx is done.
func (g *Gateway) looking(ctx context.Context) {
	tick := time.NewTicker(g.Limits.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.look(ctx)
		}
	}
}

// look ends the connections of those whose key or account is gone: a shell that is
// open already is a door too. It asks once for all of them. Whose key nobody had may
// have made an account since, and comes by its key from then on. A database that is
// away takes nobody's rights.
func (g *Gateway) look(ctx context.Context) {
	inside := g.door.members()
	if len(inside) == 0 {
		return
	}
	who := map[Identity]bool{} // several connections may be one's
	for _, m := range inside {
		who[m.who] = true
	}
	asking, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	users, err := g.Sandboxes.Users(asking, slices.Collect(maps.Keys(who)))
	if err != nil {
		return
	}
	for _, m := range inside {
		user := users[m.who]
		if m.account == "" && user != "" {
			g.door.join(strangerOf(m.who), user)
			continue
		}
		// Who had a lab's door opened had an account, if only between two looks.
		stays := user == m.account && (user != "" || !m.owner.Load())
		// The lobby looks as often and tells its visitor why, so it gets the time to.
		if g.door.missed(m.peer, stays) == 2 {
			g.Log.InfoContext(ctx, "ssh connection ended: its key or account is gone", "source", m.source, "user", m.account)
			_ = m.Close()
		}
	}
}
