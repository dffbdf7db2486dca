package labs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/words/more"
)

const (
	asksSaved  = 20              // that a lab may ask at once
	askEvery   = 2 * time.Second // and then one this often
	asksOfLab  = 3               // being answered at the same time, of one lab
	asksAtAll  = 32              // and of all
	asksOfHost = 32              // come from one, with those that are told to come later
	answerTime = 110 * time.Second
)

const (
	sayTooLong  = "The answer is too long for this command."
	sayNonsense = "That can't be understood."
	sayTooMuch  = "That is too much at once. Please try again in a moment."
)

// A Desk answers what is asked inside of sandboxes with the command "lab". Who
// asks there is whoever can run a program: Answer knows only which lab it came
// from, and is to take all else for the word of a stranger.
type Desk struct {
	Driver Driver // only Dial is used

	// Answer answers for the lab with that id. It is called for several labs at
	// once, and for one lab too.
	Answer func(ctx context.Context, lab string, ask proto.Ask) proto.Reply

	Now func() time.Time // time.Now when nil

	mu     sync.Mutex
	labs   map[string]*counter
	free   chan struct{}
	closed bool
}

// A counter is the desk's side for one lab.
type counter struct {
	lines map[string]*ssh.Client // to its hosts
	whole bool                   // all of them are there
	busy  chan struct{}
	left  float64 // of what it may ask now
	at    time.Time
}

// Knows reports whether every host of the lab can ask already.
func (d *Desk) Knows(lab string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.labs[lab]
	return d.closed || c != nil && c.whole
}

// Open lets the hosts of the lab ask, those that can't yet. It returns
// ErrNotFound for a sandbox that isn't there.
func (d *Desk) Open(ctx context.Context, lab string, hosts ...string) error {
	for _, host := range hosts {
		if err := d.open(ctx, lab, host); err != nil {
			return fmt.Errorf("open the desk for %s: %w", host, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.labs[lab]; c != nil {
		c.whole = len(c.lines) == len(hosts)
	}
	return nil
}

func (d *Desk) open(ctx context.Context, lab, host string) error {
	d.mu.Lock()
	c := d.labs[lab]
	there := d.closed || c != nil && c.lines[host] != nil
	d.mu.Unlock()
	if there {
		return nil
	}
	client, err := Connect(ctx, d.Driver, host)
	if err != nil {
		return err
	}
	calls := client.HandleChannelOpen(proto.DeskCall)
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	ch, reqs, err := client.OpenChannel(proto.DeskLine, nil)
	stop()
	if err != nil {
		_ = client.Close()
		return err
	}
	c, ok := d.add(lab, host, client)
	if !ok {
		return client.Close()
	}
	// As long as the sandbox lives, whoever opened it.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		ssh.DiscardRequests(reqs) // until the agent, or the sandbox, has gone
		_ = ch.Close()
		_ = client.Close()
	}()
	go func() {
		defer cancel()
		_ = client.Wait()
		d.lost(lab, host, client)
	}()
	go func() {
		few := make(chan struct{}, asksOfHost)
		for call := range calls {
			select {
			case few <- struct{}{}:
			default: // the agent takes no more than that from the sandbox, either
				_ = call.Reject(ssh.ResourceShortage, "too much at once")
				continue
			}
			go func() {
				defer func() { <-few }()
				d.take(serving, lab, c, call)
			}()
		}
	}()
	return nil
}

func (d *Desk) add(lab, host string, client *ssh.Client) (*counter, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.labs == nil {
		d.labs, d.free = map[string]*counter{}, make(chan struct{}, asksAtAll)
	}
	c := d.labs[lab]
	if c == nil {
		c = &counter{lines: map[string]*ssh.Client{}, busy: make(chan struct{}, asksOfLab), left: asksSaved, at: d.now()}
		d.labs[lab] = c
	}
	if d.closed || c.lines[host] != nil { // somebody else was first
		return nil, false
	}
	c.lines[host] = client
	return c, true
}

func (d *Desk) lost(lab, host string, client *ssh.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.labs[lab]
	if c == nil || c.lines[host] != client {
		return
	}
	delete(c.lines, host)
	if c.whole = false; len(c.lines) == 0 {
		delete(d.labs, lab)
	}
}

// Close ends all lines. Asks are no longer answered.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	var all []*ssh.Client
	for _, c := range d.labs {
		for _, client := range c.lines {
			all = append(all, client)
		}
	}
	d.mu.Unlock()
	for _, client := range all {
		_ = client.Close()
	}
}

// take answers one ask, or says that it was one too many.
func (d *Desk) take(ctx context.Context, lab string, c *counter, nc ssh.NewChannel) {
	raw := nc.ExtraData()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	context.AfterFunc(ctx, func() { ch.Close() }) // whoever doesn't read is not waited for
	go func() {
		ssh.DiscardRequests(reqs)
		cancel() // nobody waits for it
	}()
	b, err := json.Marshal(d.reply(ctx, lab, c, raw))
	if err != nil || len(b) > proto.MaxReply {
		b, _ = json.Marshal(proto.Reply{Status: 1, Err: refused("", sayTooLong)}) // strings always encode
	}
	if _, err := io.Copy(ch, strings.NewReader(string(b))); err == nil {
		_ = ch.CloseWrite()
	}
}

func (d *Desk) reply(ctx context.Context, lab string, c *counter, raw []byte) proto.Reply {
	var ask proto.Ask
	if len(raw) > proto.MaxAsk || json.Unmarshal(raw, &ask) != nil {
		return proto.Reply{Status: 2, Err: refused("", sayNonsense)}
	}
	tooMuch := proto.Reply{Status: proto.Later, Err: refused(ask.Language, sayTooMuch)}
	if !d.may(c) {
		return tooMuch
	}
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	default:
		return tooMuch
	}
	select {
	case d.free <- struct{}{}:
		defer func() { <-d.free }()
	case <-ctx.Done():
		return tooMuch
	}
	return d.Answer(ctx, lab, ask)
}

// refused is why somebody gets no answer, in a language.
func refused(language, why string) string {
	s, _ := more.Languages.In(language)
	return "lab: " + s.T(why) + "\n"
}

// may takes one from what the lab may ask.
func (d *Desk) may(c *counter) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	c.left, c.at = min(asksSaved, c.left+float64(now.Sub(c.at))/float64(askEvery)), now
	if c.left < 1 {
		return false
	}
	c.left--
	return true
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// DeskKnown reports whether KeepDesk has nothing to do for the sandbox.
func (e *Engine) DeskKnown(id string) bool { return e.Desk == nil || e.Desk.Knows(id) }

// KeepDesk lets the hosts of a running lab ask at the desk, where they can't:
// after a restart of this process, say.
func (e *Engine) KeepDesk(ctx context.Context, id string) error {
	if e.DeskKnown(id) {
		return nil
	}
	others, err := e.hosts(ctx, id)
	if err != nil {
		return err
	}
	return e.Desk.Open(ctx, id, append([]string{id}, others...)...)
}
