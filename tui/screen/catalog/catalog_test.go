package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/catalog"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

func TestView(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		api  *demo.Hub
		user hub.User
		w, h int
		keys string
	}{
		{"wide", screentest.Hub(), screentest.Ana, 80, 20, ""},
		{"cramped", screentest.Hub(), screentest.Ana, 40, 8, ""},
		{"offline", screentest.Offline(), screentest.Ana, 80, 20, ""},
		{"offline cramped", screentest.Offline(), screentest.Ana, 40, 8, ""},
		{"empty", screentest.Hub().Empty(), screentest.Ana, 80, 20, ""},
		{"second", screentest.Hub(), screentest.Ana, 80, 20, "j"},
		{"search", screentest.Hub(), screentest.Ana, 80, 20, "/ v p c"},
		{"search cramped", screentest.Hub(), screentest.Ana, 40, 8, "/ v p c enter"},
		{"nothing found", screentest.Hub(), screentest.Ana, 80, 20, "/ z z z enter"},
		{"filtered", screentest.Hub(), screentest.Ana, 80, 20, "p v v"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) catalog.Model { return catalog.New(ctx, tt.api, screentest.Env(tt.user)) }, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	env := screentest.Env(screentest.Ana)
	m := catalog.New(t.Context(), screentest.Hub(), env)
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Loading…") {
		t.Errorf("before anything came:\n%s", view)
	}
}

// counter keeps what the server was asked.
type counter struct {
	*demo.Hub
	asked []string
}

func (c *counter) Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	c.asked = append(c.asked, f.Query)
	return c.Hub.Courses(ctx, f)
}

func TestEnterAsksTheServerOnce(t *testing.T) {
	t.Parallel()
	c := &counter{Hub: screentest.Hub()}
	_, asked := screentest.Play(t, func(ctx context.Context) catalog.Model {
		return catalog.New(ctx, c, screentest.Env(screentest.Ana))
	}, 80, 20, "/", "vpc", "enter", "enter")
	if diff := cmp.Diff([]string{"", "vpc"}, c.asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]tea.Msg{screen.OpenCourse{Course: "aws-vpc"}}, asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// broken is a hub that is gone after the first page.
type broken struct{ *demo.Hub }

func (b broken) Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	if f.Cursor != "" {
		return hub.Page[hub.Course]{}, hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub.")
	}
	page, err := b.Hub.Courses(ctx, f)
	page.Next = "more"
	return page, err
}

// What is here stays when the rest of it can't be had, and can be asked for again.
func TestTheRestCanNotBeHad(t *testing.T) {
	t.Parallel()
	m, asked := screentest.Play(t, func(ctx context.Context) catalog.Model {
		return catalog.New(ctx, broken{screentest.Hub()}, screentest.Env(screentest.Ana))
	}, 80, 20, "G", "g", "G")
	view := ansi.Strip(m.View())
	if !strings.Contains(view, "Linux for cloud engineers") || !strings.Contains(view, "more below") {
		t.Errorf("the list is gone:\n%s", view)
	}
	failed := 0
	for _, msg := range asked {
		if _, ok := msg.(screen.Failed); ok {
			failed++
		}
	}
	if failed < 2 {
		t.Errorf("said so %d times, %v", failed, asked)
	}
}

// Keys that open what nobody sees are not named.
func TestNothingToOpenWhileItFails(t *testing.T) {
	t.Parallel()
	h := screentest.Hub()
	m, _ := screentest.Play(t, func(ctx context.Context) catalog.Model { return catalog.New(ctx, h, screentest.Env(screentest.Ana)) }, 80, 20)
	h.Err = hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub.")
	m, cmd := m.Update(screentest.Key("v"))
	m, _ = m.Update(cmd())
	for _, k := range m.Keys() {
		if k.Help().Desc == "open" {
			t.Errorf("enter is named below:\n%s", ansi.Strip(m.View()))
		}
	}
	if _, cmd = m.Update(screentest.Key("enter")); cmd != nil {
		t.Errorf("enter opens %v", cmd())
	}
}

// many is a hub with so many courses.
type many struct {
	*demo.Hub
	n int
}

func (h many) Courses(context.Context, hub.CourseFilter) (p hub.Page[hub.Course], err error) {
	for i := range h.n {
		p.Items = append(p.Items, hub.Course{
			Slug: fmt.Sprint("c", i), Title: fmt.Sprintf("%s on %s, part %d", []string{"Networks", "Identities", "Costs", "Pipelines"}[i%4], []string{"AWS", "Azure", "Google Cloud"}[i%3], i),
			Description: "Subnets, routes, gateways and the ways they fail, in a lab of one's own.", Level: "beginner", Duration: (i * 37) % 240, Provider: "aws",
		})
	}
	return p, nil
}

// What is typed finds titles first, then texts, then titles with the letters in
// their order; rows can be sorted.
func TestFuzzySearchAndSort(t *testing.T) {
	t.Parallel()
	open := func(ctx context.Context) catalog.Model {
		return catalog.New(ctx, many{screentest.Hub(), 1000}, screentest.Env(screentest.Ana))
	}
	m, _ := screentest.Play(t, open, 80, 24, "/")
	for _, k := range "pipaz7" { // before the server has answered
		m, _ = m.Update(screentest.Key(string(k)))
	}
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Pipelines on Azure, part 7 ") {
		t.Errorf("letters in order:\n%s", view)
	}
	m, _ = screentest.Play(t, open, 80, 24, "s", "s")
	if view := ansi.Strip(m.View()); !strings.Contains(view, "by time") || !strings.Contains(view, "part 0 ") {
		t.Errorf("by time:\n%s", view)
	}
}

// From a key in the search to the frame that shows what it finds.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := catalog.New(b.Context(), many{screentest.Hub(), n}, screentest.Env(hub.User{}))
			m, _ = m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
			m, _ = m.Update(m.Init()())
			m, _ = m.Update(screentest.Key("/"))
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				key := "pipaz"[i%5 : i%5+1]
				if i%5 == 0 && i > 0 {
					for range 5 {
						m, _ = m.Update(screentest.Key("backspace"))
					}
				}
				m, _ = m.Update(screentest.Key(key))
				_ = m.View()
			}
		})
	}
}
