// Package catalog is the screen that lists what there is to learn: the
// courses, or the labs, by search and filter.
package catalog

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Courses(context.Context, hub.CourseFilter) (hub.Page[hub.Course], error)
	Labs(context.Context, hub.LabFilter) (hub.Page[hub.Lab], error)
	Progress(context.Context) ([]hub.CourseProgress, error)
	LabSessions(context.Context) ([]hub.LabSession, error)
}

// pause is how long typing must rest before the server is asked.
const pause = 250 * time.Millisecond

type loadedMsg struct {
	asked question
	items []item
	next  string // cursor of the page after
	more  bool   // these follow those already here
	err   error
}

// restMsg comes when typing may have rested; since tells whether it has.
type restMsg struct{ since int }

// question is what the server was last asked.
type question struct {
	query, provider, level, category string
}

// Model is the catalogue.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	labs          bool
	width, height int
	loaded, busy  bool
	err           error
	items         []item
	next          string
	cursor        widget.Cursor
	search        widget.Input
	typed         int // counts keystrokes, for restMsg
	ask           question
	categories    []string // seen so far
	sort          string   // byTitle, byTime; empty is as the hub has them
	mine          mine
}

// New returns a catalogue of courses that loads when Init runs.
func New(ctx context.Context, api Backend, env screen.Env) Model {
	return Model{ctx: ctx, api: api, env: env, width: 80, height: 20, search: widget.Input{Prompt: "Search", Hint: "press / and type"}}
}

// Labs returns a catalogue of labs.
func Labs(ctx context.Context, api Backend, env screen.Env) Model {
	m := New(ctx, api, env)
	m.labs = true
	return m
}

// Init starts loading.
func (m Model) Init() tea.Cmd {
	if m.env.Guest() {
		return m.load("")
	}
	return tea.Batch(m.load(""), m.know)
}

// load asks for one page. It may block, and must not touch m's state.
//
//go:noinline
func (m Model) load(cursor string) tea.Cmd {
	return func() tea.Msg {
		l := loadedMsg{asked: m.ask, more: cursor != ""}
		paging := hub.Paging{Limit: 50, Cursor: cursor}
		if m.labs {
			page, err := m.api.Labs(m.ctx, hub.LabFilter{Query: m.ask.query, Provider: m.ask.provider, Runnable: m.ask.level == "runnable", Paging: paging})
			l.next, l.err = page.Next, err
			for _, lab := range page.Items {
				l.items = append(l.items, labItem(m.env.Theme.Speaker, lab))
			}
			return l
		}
		page, err := m.api.Courses(m.ctx, hub.CourseFilter{Query: m.ask.query, Provider: m.ask.provider, Level: m.ask.level, Category: m.ask.category, Paging: paging})
		l.next, l.err = page.Next, err
		for _, c := range page.Items {
			l.items = append(l.items, courseItem(m.env.Theme.Speaker, c))
		}
		return l
	}
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		if msg.asked != m.ask {
			return m, nil // an answer to what nobody asks any more
		}
		if msg.more && msg.err != nil { // what is here can still be read
			m.busy = false
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.loaded, m.busy, m.err, m.next = true, false, msg.err, msg.next
		if msg.more {
			m.items = append(m.items, msg.items...)
		} else {
			m.items = msg.items
		}
		for _, it := range msg.items {
			if it.category != "" && !slices.Contains(m.categories, it.category) {
				m.categories = append(m.categories, it.category)
			}
		}
		slices.Sort(m.categories)
		m.cursor.Clamp(len(m.shown()))
	case mine:
		m.mine = msg
	case restMsg:
		if msg.since == m.typed {
			return m.asks(func(q *question) { q.query = strings.TrimSpace(m.search.Value) })
		}
	case tea.PasteMsg:
		if m.search.Focus {
			return m.edit(msg)
		}
	case tea.KeyPressMsg:
		if m.search.Focus {
			return m.searching(msg)
		}
		return m.press(msg)
	}
	return m, nil
}

// asks changes the question and loads its answer.
func (m Model) asks(change func(*question)) (Model, tea.Cmd) {
	before := m.ask
	change(&m.ask)
	if m.ask == before {
		return m, nil
	}
	m.busy = true
	return m, m.load("")
}

func (m Model) searching(k tea.KeyPressMsg) (Model, tea.Cmd) {
	switch k.String() {
	case "esc":
		if m.search.Value == "" {
			m.search.Focus = false
			return m, nil
		}
		m.search.Value, m.search.Focus = "", false
		return m.asks(func(q *question) { q.query = "" })
	case "enter", "down", "tab":
		m.search.Focus = false
		return m.asks(func(q *question) { q.query = strings.TrimSpace(m.search.Value) })
	}
	return m.edit(k)
}

// edit changes the search. What is here is filtered at once; the server is
// asked when the typing rests.
func (m Model) edit(msg tea.Msg) (Model, tea.Cmd) {
	if !m.search.Update(msg) {
		return m, nil
	}
	m.typed++
	m.cursor.At = 0
	since := m.typed
	return m, screen.After(m.ctx, pause, restMsg{since})
}

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys, shown := m.env.Theme.Keys, m.shown()
	switch {
	case m.cursor.Move(keys, k, len(shown), max(m.rows()/2, 1)):
		if m.next != "" && !m.busy && m.cursor.At >= len(shown)-3 {
			m.busy = true
			return m, m.load(m.next)
		}
	case key.Matches(k, keys.Filter):
		m.search.Focus = true
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.load("")
	case key.Matches(k, provider):
		return m.asks(func(q *question) { q.provider = cycle(q.provider, "aws", "azure", "gcp", "multi") })
	case key.Matches(k, level) && m.labs:
		return m.asks(func(q *question) { q.level = cycle(q.level, "runnable") })
	case key.Matches(k, level):
		return m.asks(func(q *question) { q.level = cycle(q.level, "beginner", "intermediate", "advanced") })
	case key.Matches(k, category) && !m.labs:
		return m.asks(func(q *question) { q.category = cycle(q.category, m.categories...) })
	case key.Matches(k, sorting):
		m.sort = cycle(m.sort, byTitle, byTime)
		m.cursor.At = 0
	case key.Matches(k, clearAll):
		m.sort = ""
		m.search.Value = ""
		return m.asks(func(q *question) { *q = question{} })
	case m.err == nil && (key.Matches(k, keys.Open) || key.Matches(k, keys.Right)) && m.cursor.At < len(shown):
		return m, screen.Go(shown[m.cursor.At].open)
	}
	return m, nil
}

var (
	provider = theme.Bind("p", "provider", "p")
	level    = theme.Bind("v", "level", "v")
	category = theme.Bind("c", "category", "c")
	sorting  = theme.Bind("s", "sort", "s")
	clearAll = theme.Bind("0", "clear filters", "0")
)

// cycle returns the value after v; after the last one comes none.
func cycle(v string, values ...string) string {
	i := slices.Index(values, v)
	if i+1 < len(values) {
		return values[i+1]
	}
	return ""
}

// shown is what is here and fits the search so far, so that typing has an
// effect before the server answers.
func (m Model) shown() []item {
	q := strings.ToLower(strings.TrimSpace(m.search.Value))
	out := m.items
	if q != "" && (q != strings.ToLower(m.ask.query) || m.busy) {
		out = fitting(m.items, q)
	}
	if m.sort == "" {
		return out
	}
	out = slices.Clone(out)
	sort.SliceStable(out, func(i, j int) bool { // slices has it once more for each type
		if m.sort == byTime {
			return out[i].minutes < out[j].minutes
		}
		return out[i].lower < out[j].lower
	})
	return out
}

// What the rows may be sorted by, instead of as the hub has them.
const (
	byTitle = "title"
	byTime  = "time"
)

// fitting are the items that q finds: those that have it in the title, then those
// that have it at all, then those whose title has its letters in this order.
func fitting(items []item, q string) []item {
	var found [3][]item
	for _, it := range items {
		switch at := strings.Index(it.lower, q); {
		case at >= 0 && at+len(q) <= it.end:
			found[0] = append(found[0], it)
		case at >= 0:
			found[1] = append(found[1], it)
		case inOrder(it.lower[:it.end], q):
			found[2] = append(found[2], it)
		}
	}
	return slices.Concat(found[:]...)
}

// inOrder reports whether s has the letters of q, in their order.
func inOrder(s, q string) bool {
	for _, c := range q {
		i := strings.IndexRune(s, c)
		if i < 0 {
			return false
		}
		s = s[i+utf8.RuneLen(c):]
	}
	return true
}

// Title names the screen.
func (m Model) Title() string {
	if m.labs {
		return m.env.Theme.T("Labs")
	}
	return m.env.Theme.T("Catalogue")
}

// Typing reports whether keys go into the search.
func (m Model) Typing() bool { return m.search.Focus }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	if m.search.Focus {
		return []key.Binding{theme.Bind("enter", "to the list"), theme.Bind("esc", "clear")}
	}
	var out []key.Binding
	if len(m.shown()) > 0 && m.err == nil && m.loaded {
		out = append(out, k.Move, k.Open)
	}
	out = append(out, k.Filter, provider)
	if m.labs {
		out = append(out, theme.Bind("v", "runnable here", "v"))
	} else {
		out = append(out, level)
	}
	if !m.labs && len(m.categories) > 0 {
		out = append(out, category)
	}
	out = append(out, sorting)
	if m.sort != "" || m.ask != (question{}) || m.search.Value != "" {
		out = append(out, clearAll)
	}
	return append(out, k.Reload)
}
