package me_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/me"
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
		{"80x24", screentest.Hub().Busy(), screentest.Ana, 80, 20, ""},
		{"80x24 below", screentest.Hub().Busy(), screentest.Ana, 80, 20, "pgdown"},
		{"120x40", screentest.Hub().Busy(), screentest.Ana, 120, 36, ""},
		{"40x10", screentest.Hub().Busy(), screentest.Ana, 40, 6, ""},
		{"new", screentest.Hub(), screentest.Ana, 80, 20, ""},
		{"offline", screentest.Offline(), screentest.Ana, 80, 20, ""},
		{"guest", demo.New(hub.User{}, screentest.Now), hub.User{}, 80, 20, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) me.Model { return me.New(ctx, tt.api, screentest.Env(tt.user)) }, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}
