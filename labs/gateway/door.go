package gateway

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A door counts who is inside and decides who may come in. It knows addresses
// and accounts, and no SSH.
type door struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	peers   map[*peer]struct{}
	sources map[string]*source
	users   map[string]int
	proofs  map[string]int
}

// A source is one address's share.
type source struct {
	conns   int
	waiting list.List // of *peer before authentication, oldest first
	misses  budget    // logins without an account, failed handshakes
}

// A budget is so many per minute, saved up for a minute at most. Failures take
// from it also what isn't there, again for a minute at most.
type budget struct {
	left float64
	at   time.Time
}

func (b *budget) refill(perMinute int, now time.Time) {
	if b.at.IsZero() {
		b.left = float64(perMinute)
	} else {
		b.left = min(float64(perMinute), b.left+now.Sub(b.at).Minutes()*float64(perMinute))
	}
	b.at = now
}

func newDoor(l Limits, now func() time.Time) *door {
	return &door{limits: l, now: now, peers: map[*peer]struct{}{}, sources: map[string]*source{}, users: map[string]int{}, proofs: map[string]int{}}
}

// sourceOf is the address a connection is counted under: IPv6 by the network a
// subscriber gets.
func sourceOf(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return addr.String()
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// arrive lets a connection begin its handshake, or not. When its address has
// too many unfinished ones the oldest goes, so that silent sockets cannot keep
// anybody out.
func (d *door) arrive(p *peer) bool {
	d.mu.Lock()
	src := d.source(p.source)
	if len(d.peers) >= d.limits.Connections || src.conns-src.waiting.Len() >= d.limits.PerSource {
		d.forget(p.source)
		d.mu.Unlock()
		return false
	}
	var oldest *peer
	if src.waiting.Len() >= d.limits.Handshakes {
		oldest = src.waiting.Remove(src.waiting.Front()).(*peer)
		oldest.waiting = nil
	}
	d.peers[p] = struct{}{}
	src.conns++
	p.waiting = src.waiting.PushBack(p)
	d.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return true
}

func (d *door) source(name string) *source {
	src := d.sources[name]
	if src == nil {
		src = &source{}
		d.sources[name] = src
	}
	return src
}

// forget drops a source that nothing needs to be remembered of.
func (d *door) forget(name string) {
	src := d.sources[name]
	if src == nil || src.conns > 0 {
		return
	}
	if src.misses.refill(d.limits.GuestsPerMinute, d.now()); src.misses.left >= float64(d.limits.GuestsPerMinute) {
		delete(d.sources, name)
	}
}

func (d *door) authenticated(p *peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.waiting != nil {
		d.source(p.source).waiting.Remove(p.waiting)
		p.waiting = nil
	}
}

// miss takes one from the budget of the address for failures and strangers.
func (d *door) miss(source string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := &d.source(source).misses
	b.refill(d.limits.GuestsPerMinute, d.now())
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// fail is miss for who couldn't prove what they said, and says how long the
// address is to wait for the answer. Only those who fail wait: others at their
// address have done nothing.
func (d *door) fail(source string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	most := float64(d.limits.GuestsPerMinute)
	b := &d.source(source).misses
	b.refill(d.limits.GuestsPerMinute, d.now())
	b.left = max(b.left-1, -most)
	return max(0, time.Duration(-b.left/most*float64(time.Minute)))
}

// enter counts a connection to what it has proved, from that moment on.
func (d *door) enter(p *peer, proof string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, here := d.peers[p]; !here || p.proof != "" || d.proofs[proof] >= d.limits.PerUser {
		return false
	}
	d.proofs[proof]++
	p.proof = proof
	return true
}

// admit counts a connection to its account, or to what it is counted to without one.
func (d *door) admit(p *peer, st standing, user string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, here := d.peers[p]; !here || d.users[user] >= d.limits.PerUser {
		return false
	}
	d.users[user]++
	p.user, p.who, p.account = user, st.who, st.account
	return true
}

// join counts to an account the connections of a stranger who has one now. It may
// have more of them than it may then, and none is closed for that: the next one is
// refused.
func (d *door) join(stranger, user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := range d.peers {
		if p.user == stranger {
			less(d.users, stranger)
			d.users[user]++
			p.user, p.account = user, user
		}
	}
}

// userOf is whom a connection is counted to.
func (d *door) userOf(p *peer) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return p.user
}

func (d *door) leave(p *peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, here := d.peers[p]; !here {
		return
	}
	delete(d.peers, p)
	src := d.source(p.source)
	src.conns--
	if p.waiting != nil {
		src.waiting.Remove(p.waiting)
		p.waiting = nil
	}
	d.forget(p.source)
	less(d.users, p.user)
	less(d.proofs, p.proof)
	// A source that misbehaved and left is kept until its budget is full
	// again; strangers must not make us keep a million of them.
	if len(d.sources) > 4*d.limits.Connections {
		for name := range d.sources {
			d.forget(name)
		}
	}
}

func less(of map[string]int, name string) {
	if of[name] <= 1 {
		delete(of, name)
	} else {
		of[name]--
	}
}

func (d *door) closeAll() {
	d.mu.Lock()
	var all []*peer
	for p := range d.peers {
		all = append(all, p)
	}
	d.mu.Unlock()
	for _, p := range all {
		_ = p.Close()
	}
}
