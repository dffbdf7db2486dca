package tui

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/paint"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/account"
	"github.com/cloudmastershub/cmh/tui/screen/catalog"
	"github.com/cloudmastershub/cmh/tui/screen/course"
	"github.com/cloudmastershub/cmh/tui/screen/home"
	"github.com/cloudmastershub/cmh/tui/screen/lab"
	"github.com/cloudmastershub/cmh/tui/screen/lesson"
	"github.com/cloudmastershub/cmh/tui/screen/me"
	"github.com/cloudmastershub/cmh/tui/screen/progress"
	"github.com/cloudmastershub/cmh/tui/screen/quiz"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
	"github.com/cloudmastershub/cmh/words"
)

// model is the stack of screens and what is drawn around them.
type model struct {
	ctx           context.Context
	api           Backend
	o             Options
	env           screen.Env
	width, height int
	known         bool // whether somebody is signed in
	err           error
	stack         []entry
	tab           int
	ids           int
	help          bool
	helpAt        int          // the first line of it in sight
	stood         hub.Standing // with the hub, when that was last looked at
	leaving       tea.Msg      // what would lose something, while that is asked about
	said          string       // shown until the next key
	failed        error        // likewise
	terminal      terminal
}

// entry is one screen on the stack.
type entry struct {
	id     int
	s      page
	cancel context.CancelFunc // ends what the screen has under way
}

// page is a screen whatever its model's type is.
type page interface {
	Init() tea.Cmd
	update(tea.Msg) (page, tea.Cmd)
	View() string
	Title() string
	Typing() bool
	Keys() []key.Binding
	unsaved() string // what would be lost by leaving, as a sentence; mostly nothing
}

// drawable is what every screen's model can do.
type drawable[M any] interface {
	Init() tea.Cmd
	Update(tea.Msg) (M, tea.Cmd)
	View() string
	Title() string
	Typing() bool
	Keys() []key.Binding
}

type paged[M drawable[M]] struct{ drawable[M] }

func (p paged[M]) update(msg tea.Msg) (page, tea.Cmd) {
	m, cmd := p.Update(msg)
	return paged[M]{m}, cmd
}

// A Page is a screen in this program.
type Page = page

// PageOf makes one of a screen.
func PageOf[M drawable[M]](m M) Page { return paged[M]{m} }

func (p paged[M]) unsaved() string {
	if m, ok := any(p.drawable).(interface{ Unsaved() string }); ok {
		return m.Unsaved()
	}
	return ""
}

// forMsg is a message that only the screen of that id may see: the answer to
// what it asked, perhaps long after it was left.
type forMsg struct {
	id  int
	msg tea.Msg
}

type profileMsg struct {
	user hub.User
	err  error
}

// tabs are the screens that a digit opens.
var tabs = []string{words.Mark("Home"), words.Mark("Catalogue"), words.Mark("Labs"), words.Mark("Progress"), words.Mark("Me")}

func (m model) Init() tea.Cmd { return tea.Batch(m.profile, m.watch()) }

// profile finds out who is here. Nobody is a fine answer.
func (m model) profile() tea.Msg {
	u, err := m.api.Profile(m.ctx)
	if hub.CodeOf(err) == hub.Unauthenticated {
		return profileMsg{}
	}
	return profileMsg{u, err}
}

func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		return m.resized()
	case tea.ColorProfileMsg, tea.EnvMsg, tea.BackgroundColorMsg:
		return m.hears(msg)
	case profileMsg:
		m.known, m.err, m.env.User = msg.err == nil, msg.err, msg.user
		if msg.err != nil {
			return m, nil
		}
		m, cmd := m.toTab(0)
		if m.o.Open != nil {
			return m, tea.Batch(cmd, screen.Go(m.o.Open))
		}
		return m, cmd
	case screen.Wished:
		return m.wishes(msg.On)
	case uv.UnknownEvent:
		return m.misread(msg), nil
	case standingMsg:
		return m.stands()
	case forMsg:
		i := slices.IndexFunc(m.stack, func(e entry) bool { return e.id == msg.id })
		if i < 0 {
			return m, nil
		}
		return m.send(i, msg.msg)
	case screen.Failed:
		m.failed, m.said = msg.Err, ""
		return m, nil
	case screen.Said:
		m.said, m.failed = msg.Text, nil
		return m, nil
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	if next, cmd, ok := m.navigate(msg); ok {
		return next, cmd
	}
	if len(m.stack) == 0 {
		return m, nil
	}
	return m.send(len(m.stack)-1, msg)
}

// navigate goes where a screen asked to go.
func (m model) navigate(msg tea.Msg) (model, tea.Cmd, bool) {
	ctx, cancel := context.WithCancel(m.ctx)
	var p page
	switch msg := msg.(type) {
	case screen.Back:
		cancel()
		if m.loses() != "" {
			m.leaving = msg
			return m, nil, true
		}
		next, cmd := m.pop()
		return next, cmd, true
	case screen.OpenCatalog:
		cancel()
		next, cmd := m.toTab(1)
		return next, cmd, true
	case screen.OpenCourse:
		p = paged[course.Model]{course.New(ctx, m.api, m.env, msg.Course)}
	case screen.OpenLesson:
		p = paged[lesson.Model]{lesson.New(ctx, m.api, m.env, msg.Course, msg.Lesson)}
		if msg.Replace && len(m.stack) > 1 {
			m = m.drop()
		}
	case screen.OpenQuiz:
		p = paged[quiz.Model]{quiz.New(ctx, m.api, m.env, msg.Course, msg.Lesson)}
	case screen.OpenLab:
		p = paged[lab.Model]{lab.New(ctx, m.api, m.env, msg)}
	case screen.Joined:
		cancel()
		return m, tea.Sequence(func() tea.Msg { m.o.Joined(); return nil }, tea.Quit), true
	case screen.OpenJoin:
		cancel()
		next, cmd := m.toTab(4)
		return next, cmd, true
	case screen.OpenAccount:
		p = paged[account.Model]{account.New(ctx, m.api, m.env)}
	default:
		cancel()
		return m, nil, false
	}
	next, cmd := m.push(p, cancel)
	return next, cmd, true
}

// deepest bounds the stack; nobody goes back that far.
const deepest = 20

func (m model) push(p page, cancel context.CancelFunc) (model, tea.Cmd) {
	if len(m.stack) >= deepest {
		m.stack[1].cancel()
		m.stack = append(m.stack[:1:1], m.stack[2:]...)
	}
	m.ids++
	m.stack = append(m.stack[:len(m.stack):len(m.stack)], entry{m.ids, p, cancel})
	m, size := m.resized()
	return m, tea.Batch(size, tag(m.ids, p.Init()))
}

// drop leaves the top screen without going anywhere.
func (m model) drop() model {
	top := m.stack[len(m.stack)-1]
	top.cancel()
	m.stack = m.stack[: len(m.stack)-1 : len(m.stack)-1]
	return m
}

// pop goes back. The screen below looks again: what was done above may have
// changed what it shows.
func (m model) pop() (model, tea.Cmd) {
	if len(m.stack) <= 1 {
		if m.tab == 0 {
			return m, nil
		}
		return m.toTab(0)
	}
	m = m.drop()
	top := m.stack[len(m.stack)-1]
	m, size := m.resized()
	return m, tea.Batch(size, tag(top.id, top.s.Init()))
}

// toTab leaves everything for one of the tabs.
func (m model) toTab(n int) (model, tea.Cmd) {
	for len(m.stack) > 0 {
		m = m.drop()
	}
	m.tab = n
	ctx, cancel := context.WithCancel(m.ctx)
	var p page
	switch n {
	case 1:
		p = paged[catalog.Model]{catalog.New(ctx, m.api, m.env)}
	case 2:
		p = paged[catalog.Model]{catalog.Labs(ctx, m.api, m.env)}
	case 3:
		p = paged[progress.Model]{progress.New(ctx, m.api, m.env)}
	case 4:
		if p = (paged[me.Model]{me.New(ctx, m.api, m.env)}); m.env.Joins && m.env.Guest() {
			p = m.o.Join(ctx, m.env)
		}
	default:
		p = paged[home.Model]{home.New(ctx, m.api, m.env)}
	}
	return m.push(p, cancel)
}

// resized tells the top screen how much room it has.
func (m model) resized() (model, tea.Cmd) {
	if len(m.stack) == 0 || m.width == 0 {
		return m, nil
	}
	w, h := m.inner()
	return m.send(len(m.stack)-1, tea.WindowSizeMsg{Width: w, Height: h})
}

func (m model) send(i int, msg tea.Msg) (model, tea.Cmd) {
	e := m.stack[i]
	var cmd tea.Cmd
	e.s, cmd = e.s.update(msg)
	m.stack = slices.Clone(m.stack)
	m.stack[i] = e
	return m, tag(e.id, cmd)
}

// tag makes the answer of cmd reach the screen that asked, and no other. What
// is meant for the program or for this model goes its own way.
func tag(id int, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		switch msg := cmd().(type) {
		case nil:
			return nil
		case tea.BatchMsg:
			out := make(tea.BatchMsg, len(msg))
			for i, c := range msg {
				out[i] = tag(id, c)
			}
			return out
		case screen.Back, screen.OpenCatalog, screen.OpenCourse, screen.OpenLesson, screen.OpenQuiz, screen.OpenLab, screen.OpenAccount, screen.OpenJoin, screen.Joined, screen.Failed, screen.Said, screen.Wished, paint.Lending:
			return msg
		default:
			if reflect.TypeOf(msg).PkgPath() == bubbletea {
				return msg
			}
			return forMsg{id, msg}
		}
	}
}

var bubbletea = reflect.TypeFor[tea.QuitMsg]().PkgPath()

func (m model) press(k tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	if m.belongs(k) {
		return m, nil
	}
	switch k.String() {
	case "ctrl+c":
		return m, tea.Interrupt
	case "ctrl+z":
		if m.o.Suspend {
			return m, tea.Suspend
		}
		return m, nil
	}
	keys := m.env.Theme.Keys
	m.said, m.failed = "", nil
	switch {
	case m.tiny() || len(m.stack) == 0:
		switch {
		case key.Matches(k, keys.Quit):
			return m.quit()
		case m.err != nil && key.Matches(k, keys.Reload):
			m.err = nil
			return m, m.profile
		}
		return m, nil
	case m.help && key.Matches(k, keys.Down):
		if _, h := m.inner(); m.helpAt+max(h-2, 1) < len(m.helpLines()) {
			m.helpAt++
		}
		return m, nil
	case m.help && key.Matches(k, keys.Up):
		m.helpAt = max(m.helpAt-1, 0)
		return m, nil
	case m.help:
		m.help = false
		return m, nil
	}
	top := m.stack[len(m.stack)-1].s
	switch {
	case m.leaving != nil:
		return m.leave(k)
	case top.Typing():
		return m.send(len(m.stack)-1, k)
	case key.Matches(k, keys.Help, keys.Settings) || owns(top, k):
	case m.loses() != "" && (key.Matches(k, keys.Quit, keys.Back, keys.Filter) || tabOf(k) >= 0):
		m.leaving = k
		return m, nil
	}
	return m.command(top, k)
}

// loses is what would be lost by leaving the screen on top.
func (m model) loses() string {
	if len(m.stack) == 0 {
		return ""
	}
	return m.stack[len(m.stack)-1].s.unsaved()
}

// leave takes the answer to whether to leave, and what is under way.
func (m model) leave(k tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	msg := m.leaving
	m.leaving = nil
	if s := strings.ToLower(k.String()); s != "y" && s != m.env.Theme.T("y") {
		return m, nil
	}
	if k, ok := msg.(tea.KeyPressMsg); ok {
		return m.command(m.stack[len(m.stack)-1].s, k)
	}
	return m.pop()
}

// command takes a key that is ours where the screen on top doesn't take it.
func (m model) command(top page, k tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	switch {
	case key.Matches(k, keys.Quit):
		return m.quit()
	case key.Matches(k, keys.Help):
		m.help, m.helpAt = true, 0
		return m, nil
	case key.Matches(k, keys.Settings):
		return m.settings()
	case owns(top, k):
		return m.send(len(m.stack)-1, k)
	case key.Matches(k, keys.Back):
		return m.pop()
	case key.Matches(k, keys.Filter):
		m, opened := m.toTab(1)
		m, focused := m.send(len(m.stack)-1, k)
		return m, tea.Batch(opened, focused)
	}
	if n := tabOf(k); n >= 0 {
		return m.toTab(n)
	}
	return m.send(len(m.stack)-1, k)
}

// tabOf is the tab that a key leads to, -1 when it is for none.
func tabOf(k tea.KeyPressMsg) int {
	if s := k.String(); len(s) == 1 && s[0] >= '1' && int(s[0]-'1') < len(tabs) {
		return int(s[0] - '1')
	}
	return -1
}

// settings opens those of the learner's machine, once.
func (m model) settings() (tea.Model, tea.Cmd) {
	if m.o.Settings == nil {
		m.said = m.env.Theme.T("What can be set is set where you sit: ssh -o SetEnv=CMH_LANGUAGE=de, for one.")
		return m, nil
	}
	if _, ok := m.stack[len(m.stack)-1].s.(paged[settings.Model]); ok {
		return m, nil
	}
	ctx, cancel := context.WithCancel(m.ctx)
	return m.push(paged[settings.Model]{settings.New(ctx, m.o.Settings, m.env)}, cancel)
}

// owns reports whether a screen does something of its own with a key.
func owns(p page, k tea.KeyPressMsg) bool {
	return slices.ContainsFunc(p.Keys(), func(b key.Binding) bool { return key.Matches(k, b) })
}

// The least room the program can be used in.
const (
	leastWidth  = 40
	leastHeight = 10
)

func (m model) tiny() bool { return m.width < leastWidth || m.height < leastHeight }

// widest is how far apart the two ends of a row may be: on a wider terminal the
// eye would lose the row between them.
const widest = 130

// inner is the room a screen has: all but the bar and the two lines below.
func (m model) inner() (width, height int) { return min(m.width, widest), m.height - 4 }
