package httpapi_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func reached(t *testing.T, c *client.Client) (hub.Streak, []string) {
	t.Helper()
	all, err := c.Achievements(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	earned := []string{}
	for _, a := range all.Achievements {
		if a.EarnedAt != nil {
			earned = append(earned, a.ID)
		}
	}
	return all.Streak, earned
}

func TestAchievementsFollowFromProgress(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	streak, earned := reached(t, c)
	if diff := cmp.Diff(hub.Streak{Timezone: "UTC"}, streak); diff != "" || len(earned) > 0 {
		t.Errorf("at first: %s %v", diff, earned)
	}
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 99)}); err != nil {
		t.Fatal(err)
	}
	if streak, earned = reached(t, c); streak.Current != 0 || len(earned) > 0 {
		t.Errorf("almost read: %+v %v", streak, earned)
	}
	for range 2 { // a repeat counts nothing twice
		if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 100)}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.TakeQuiz(t.Context(), "one", "counting", hub.QuizAnswers{Answers: map[string][]string{"tool": {"a"}, "port": {"443"}}}); err != nil {
			t.Fatal(err)
		}
	}
	streak, earned = reached(t, c)
	if streak.Longest < 1 || streak.Longest > 2 || streak.Current != streak.Longest { // midnight may come in between
		t.Errorf("the streak is %+v", streak)
	}
	if diff := cmp.Diff([]string{"first-lesson", "first-quiz"}, earned); diff != "" {
		t.Error(diff)
	}
	if n := events(t, api, "achievement.earned"); n != 2 {
		t.Errorf("%d achievement.earned events, want 2", n)
	}
	_, err := api.Guest().Achievements(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
}

// What was done offline counts on the day it was done, in the learner's zone.
func TestStreaksHeedTheTimeZoneOfTheProfile(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	api := apitest.New(t)
	api.App.Now = func() time.Time { return now.AddDate(0, 0, 1) }
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	late, early := now.Add(-time.Hour), now.Add(time.Hour) // a day in UTC, either side of midnight in Auckland or so
	first, second := entry("one", "counting", 100), entry("one", "sorting", 100)
	first.CompletedAt, second.CompletedAt = &late, &early
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{second, first}); err != nil {
		t.Fatal(err)
	}
	if streak, _ := reached(t, c); streak.Longest != 1 || streak.Today || streak.Current != 1 || streak.LastDay != now.Format(time.DateOnly) {
		t.Errorf("in UTC: %+v", streak)
	}
	if _, err := c.UpdateProfile(t.Context(), hub.ProfileUpdate{Profile: &hub.Profile{Timezone: "Etc/GMT-12"}}); err != nil {
		t.Fatal(err)
	}
	if streak, _ := reached(t, c); streak.Longest != 2 || streak.Timezone != "Etc/GMT-12" {
		t.Errorf("twelve hours east of it: %+v", streak)
	}
}

// Devices that report at once earn an achievement once.
func TestAchievementsAreEarnedOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	for i := range 5 {
		a.publish(t, fmt.Sprintf("c%d", i))
	}
	c := api.User(t, hub.Free)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			lesson := []string{"counting", "sorting"}[i%2]
			if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry(fmt.Sprintf("c%d", i/2), lesson, 100)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, earned := reached(t, c); !cmp.Equal(earned, []string{"first-lesson", "ten-lessons"}) {
		t.Errorf("earned %v", earned)
	}
	if n := events(t, api, "achievement.earned"); n != 2 {
		t.Errorf("%d achievement.earned events, want 2", n)
	}
}
