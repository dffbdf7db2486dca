// Package pool keeps sandboxes waiting, so that a start takes one instead of
// making it. It wraps a driver and decides only what waits: a few sandboxes of
// each kind that is asked for most, made one at a time while nobody starts a lab
// and the machine has room to spare.
//
// A sandbox waits under an id of its own (labs.WaitingID) and is handed out
// once, under the name of whoever asked. Those that wait belong to one process:
// the next one destroys what it finds.
package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/labs"
)

// Config says what a Pool keeps. Zero fields take the default beside them.
type Config struct {
	Size  int           // 2 sandboxes of each kind
	Kinds int           // 3 kinds, the ones asked for most
	Most  int           // no limit: sandboxes on this host, those in use included
	Fresh time.Duration // 45 minutes: how long one waits before it is made anew
	First []labs.Spec   // kinds that wait before anybody has asked; ID, Hostname and Env don't matter

	// Busy says why the host should not make a sandbox that nobody needs yet,
	// or "". Nil is Host of the current folder.
	Busy func() string

	Log *slog.Logger // nothing
}

const (
	tick      = time.Second
	makeTime  = 30 * time.Second
	endTime   = 10 * time.Second
	restAfter = time.Minute // after a kind that can't be made
	decay     = 0.98        // of what was asked for, with each start
)

// A Pool is a labs.Driver. Between New and Run it makes every sandbox anew.
type Pool struct {
	labs.Claimer
	cfg  Config
	wake chan struct{}

	mu     sync.Mutex
	kinds  map[string]*kind
	making int // starts that have found nothing and are under way
}

// A kind is all sandboxes that differ in nothing but their names.
type kind struct {
	spec    labs.Spec
	asked   float64 // how often, the last times counting most
	rest    time.Time
	waiting []waiting // the oldest first
}

type waiting struct {
	id   string
	made time.Time
}

// New returns a pool over d. Run fills it.
func New(d labs.Claimer, cfg Config) *Pool {
	if cfg.Size == 0 {
		cfg.Size = 2
	}
	if cfg.Kinds == 0 {
		cfg.Kinds = 3
	}
	if cfg.Fresh == 0 {
		cfg.Fresh = 45 * time.Minute
	}
	if cfg.Busy == nil {
		cfg.Busy = Host(".")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{Claimer: d, cfg: cfg, wake: make(chan struct{}, 1), kinds: map[string]*kind{}}
	for _, s := range cfg.First {
		p.kind(s).asked = 1
	}
	return p
}

// key is what makes a Spec's kind: everything but what a sandbox can still
// become. Fields that are added to Spec count.
func key(s labs.Spec) (string, labs.Spec) {
	s.ID, s.Hostname, s.Env = "", "", nil
	s.Limits = s.Limits.WithDefaults()
	return fmt.Sprintf("%#v", s), s
}

// kind is that of s; the caller holds mu, or nobody else has p yet.
func (p *Pool) kind(s labs.Spec) *kind {
	name, plain := key(s)
	k := p.kinds[name]
	if k == nil {
		k = &kind{spec: plain}
		p.kinds[name] = k
	}
	return k
}

// Create hands out a sandbox that waits, or makes one.
func (p *Pool) Create(ctx context.Context, spec labs.Spec) error {
	if spec.From != "" { // nobody asks for the same checkpoint again and again
		return p.make(ctx, spec)
	}
	for id := p.take(spec); id != ""; id = p.takeMore(spec) {
		switch err := p.claim(ctx, id, spec); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return err
		default:
			p.cfg.Log.WarnContext(ctx, "waiting sandbox not claimed", "sandbox", id, "err", err)
		}
	}
	return p.make(ctx, spec)
}

// claim makes the sandbox id the one of spec. When it fails there is neither.
func (p *Pool) claim(ctx context.Context, id string, spec labs.Spec) error {
	if err := p.Claim(ctx, id, spec.ID); err != nil {
		p.end(ctx, id)
		return err
	}
	if spec.Hostname == "" && len(spec.Env) == 0 {
		return nil
	}
	s, err := labs.Open(ctx, p.Claimer, spec.ID)
	if err == nil {
		err = s.Become(ctx, spec.Hostname, spec.Env)
		_ = s.Close()
	}
	if err != nil {
		p.end(ctx, spec.ID)
	}
	return err
}

// end destroys a sandbox also when whoever asked has gone. What can't be
// destroyed now is met by the next sweep.
func (p *Pool) end(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := p.Destroy(ctx, id); err != nil {
		p.cfg.Log.WarnContext(ctx, "waiting sandbox not destroyed yet", "sandbox", id, "err", err)
	}
}

// make makes a sandbox for somebody who waits for it. When the host is full,
// those that nobody has asked for give way.
func (p *Pool) make(ctx context.Context, spec labs.Spec) error {
	p.mu.Lock()
	p.making++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.making--
		p.mu.Unlock()
		p.nudge()
	}()
	err := p.Claimer.Create(ctx, spec)
	if errors.Is(err, labs.ErrCapacity) && p.empty(ctx) > 0 {
		err = p.Claimer.Create(ctx, spec)
	}
	return err
}

// take takes one that waits out of the pool, for good, and counts the question.
func (p *Pool) take(spec labs.Spec) string {
	p.mu.Lock()
	for _, k := range p.kinds {
		k.asked *= decay
	}
	p.kind(spec).asked++
	p.mu.Unlock()
	return p.takeMore(spec)
}

func (p *Pool) takeMore(spec labs.Spec) string {
	defer p.nudge()
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kind(spec)
	if len(k.waiting) == 0 {
		return ""
	}
	w := k.waiting[0]
	k.waiting = k.waiting[1:]
	return w.id
}

func (p *Pool) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}

// Waiting is how many sandboxes wait.
func (p *Pool) Waiting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.kinds {
		n += len(k.waiting)
	}
	return n
}

// Run fills the pool until ctx is done, and then empties it. It begins by
// destroying what an earlier process left waiting: who may have been in it
// meanwhile, nobody knows.
func (p *Pool) Run(ctx context.Context) error {
	p.sweep(ctx)
	t := time.NewTicker(tick)
	defer t.Stop()
	for swept := time.Now(); ; {
		for ctx.Err() == nil && p.refill(ctx) {
		}
		select {
		case <-p.wake:
		case <-t.C:
			if time.Since(swept) >= time.Minute {
				p.sweep(ctx)
				swept = time.Now()
			}
		case <-ctx.Done():
			p.empty(ctx)
			return nil
		}
	}
}

// sweep destroys what waits on this host without being in the pool.
func (p *Pool) sweep(ctx context.Context) {
	all, err := p.List(ctx)
	if err != nil {
		p.cfg.Log.WarnContext(ctx, "waiting sandboxes not listed", "err", err)
		return
	}
	ours := map[string]bool{}
	p.mu.Lock()
	for _, k := range p.kinds {
		for _, w := range k.waiting {
			ours[w.id] = true
		}
	}
	p.mu.Unlock()
	for _, id := range all {
		// One that was taken since is claimed already, or is about to be: then
		// its start makes another.
		if labs.Waits(id) && !ours[id] {
			p.end(ctx, id)
		}
	}
}

// empty destroys all that waits.
func (p *Pool) empty(ctx context.Context) (n int) {
	p.mu.Lock()
	var ids []string
	for _, k := range p.kinds {
		for _, w := range k.waiting {
			ids = append(ids, w.id)
		}
		k.waiting = nil
	}
	p.mu.Unlock()
	for _, id := range ids {
		p.end(ctx, id)
	}
	return len(ids)
}

// refill makes one sandbox that is missing, if that disturbs nobody, or ends
// one that need not wait. It reports whether it did.
func (p *Pool) refill(ctx context.Context) bool {
	if old := p.spare(); old != "" {
		p.end(ctx, old)
		return true
	}
	k := p.missing()
	if k == nil || !p.room(ctx) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, makeTime)
	defer cancel()
	spec := k.spec
	spec.ID = labs.WaitingID(strings.ToLower(rand.Text())[:16])
	err := p.Claimer.Create(ctx, spec)
	if err == nil {
		err = p.ready(ctx, spec.ID)
	}
	if err != nil {
		p.cfg.Log.WarnContext(ctx, "no sandbox to wait", "image", spec.Image, "err", err)
		p.mu.Lock()
		k.rest = time.Now().Add(restAfter)
		p.mu.Unlock()
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k.waiting = append(k.waiting, waiting{spec.ID, time.Now()})
	return true
}

// ready makes a sandbox that waits end by itself, should we be gone for long;
// whoever claims it sets another time. And it lets a shell wait in it.
func (p *Pool) ready(ctx context.Context, id string) error {
	s, err := labs.Open(ctx, p.Claimer, id)
	if err == nil {
		if err = s.Expire(ctx, 2*p.cfg.Fresh); err == nil {
			err = s.Prepare(ctx)
		}
		_ = s.Close()
	}
	if err != nil {
		p.end(ctx, id)
	}
	return err
}

// wanted are the kinds that are to wait: those asked for most.
func (p *Pool) wanted() []*kind {
	all := make([]*kind, 0, len(p.kinds))
	for name, k := range p.kinds {
		if k.asked < 0.1 && len(k.waiting) == 0 {
			delete(p.kinds, name)
			continue
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *kind) int {
		switch {
		case a.asked > b.asked:
			return -1
		case a.asked < b.asked:
			return 1
		}
		return strings.Compare(a.spec.Image, b.spec.Image)
	})
	return all[:min(len(all), p.cfg.Kinds)]
}

// spare takes one out of the pool that has waited too long, or is of a kind that
// is no longer wanted.
func (p *Pool) spare() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := p.wanted()
	for _, k := range p.kinds {
		if len(k.waiting) > 0 && (!slices.Contains(wanted, k) || time.Since(k.waiting[0].made) > p.cfg.Fresh) {
			w := k.waiting[0]
			k.waiting = k.waiting[1:]
			return w.id
		}
	}
	return ""
}

// missing is the kind to make one of next: of those that lack some, the one
// with the fewest.
func (p *Pool) missing() *kind {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.making > 0 { // a learner waits
		return nil
	}
	var next *kind
	for _, k := range p.wanted() {
		if len(k.waiting) < p.cfg.Size && !time.Now().Before(k.rest) && (next == nil || len(k.waiting) < len(next.waiting)) {
			next = k
		}
	}
	return next
}

func (p *Pool) room(ctx context.Context) bool {
	if p.cfg.Busy() != "" {
		return false
	}
	if p.cfg.Most <= 0 {
		return true
	}
	all, err := p.List(ctx)
	return err == nil && len(all) < p.cfg.Most
}
