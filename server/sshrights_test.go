package server

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// sshRows are the rows of the table that are asked for over SSH.
func sshRows() (names []string) {
	for _, o := range access.Table {
		if o.OverSSH() {
			names = append(names, o.Name)
		}
	}
	return names
}

// What can be done over SSH has a row in the table, and each row of it can be
// done: every command, with a terminal and without, every door of a lab, the
// screens.
func TestEverythingOverSSHIsInTheTable(t *testing.T) {
	t.Parallel()
	have := map[string]bool{theScreens: true}
	for _, door := range gateway.Doors {
		have[string(door)] = true
	}
	for _, local := range []*root.Local{nil, {Desk: (lobby{}).desk(nil, app.Actor{})}} {
		for name := range cli.Guarded(commands(&cli.Env{}, local, hub.Guest, nil)) {
			have[theCommands+name] = true
		}
	}
	want := sshRows()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(have))); diff != "" {
		t.Errorf("server/internal/access/table.go (-) and what is served over SSH (+) differ: what has no row is open to nobody.\n%s", diff)
	}
}

// words is a command line for each row: one that comes as far as the rules.
var sshWords = map[string]string{
	"admin audit":           "",
	"admin labs stop":       "s-aaaaaaaaaa --yes",
	"admin users role":      "nobody free --yes",
	"admin users suspend":   "nobody --yes",
	"admin users unsuspend": "nobody",
	"admin users view":      "nobody",
	"auth device approve":   "BCDF-GHJK",
	"auth device deny":      "BCDF-GHJK",
	"auth forgot-password":  "--email nobody@example.com",
	"auth register":         "--email nobody@example.com --username nobody --password-stdin",
	"auth reset-password":   "--token x --password-stdin",
	"auth password":         "--password-stdin",
	"auth sessions revoke":  "00000000-0000-4000-8000-000000000000",
	"auth verify":           "x",
	"cert download":         "bdwp-hqpk-xm2a-7cft",
	"cert verify":           "bdwp-hqpk-xm2a-7cft",
	"completion":            "bash",
	"course enroll":         "COURSE",
	"course leave":          "COURSE",
	"course search":         "text",
	"course view":           "COURSE --json",
	"key add":               "-",
	"key remove":            "SHA256:x --yes",
	"lab answer":            "s-aaaaaaaaaa --answer x",
	"lab check":             "s-aaaaaaaaaa",
	"lab checkpoints":       "",
	"lab events":            "s-aaaaaaaaaa",
	"lab extend":            "s-aaaaaaaaaa",
	"lab forget":            "k-nosuchone22",
	"lab goto":              "1 s-aaaaaaaaaa",
	"lab hint":              "s-aaaaaaaaaa",
	"lab next":              "s-aaaaaaaaaa",
	"lab recordings delete": "r-aaaaaaaaaa --yes",
	"lab recordings export": "r-aaaaaaaaaa",
	"lab record":            "on s-aaaaaaaaaa",
	"lab share":             "on s-aaaaaaaaaa",
	"lab watch":             "",
	"lab replay":            "r-aaaaaaaaaa",
	"lab report":            "s-aaaaaaaaaa -m text",
	"lab reset":             "1 s-aaaaaaaaaa --yes",
	"lab resume":            "s-aaaaaaaaaa",
	"lab save":              "s-aaaaaaaaaa",
	"lab skip":              "s-aaaaaaaaaa",
	"lab solution":          "s-aaaaaaaaaa",
	"lab start":             "LAB",
	"lab status":            "s-aaaaaaaaaa",
	"lab stop":              "s-aaaaaaaaaa",
	"lab submit":            "s-aaaaaaaaaa",
	"lab view":              "LAB --step 1",
	"lab wait":              "s-aaaaaaaaaa --timeout 1s",
	"lesson done":           "COURSE LESSON",
	"lesson list":           "COURSE",
	"lesson view":           "COURSE LESSON",
	"profile delete":        "--yes --password-stdin",
	"profile edit":          "--name Ada",
	"quiz attempts":         "COURSE LESSON",
	"quiz take":             "COURSE LESSON --answer a=x",
}

// Every command is tried over SSH in every role: it ends as its row says, and
// whoever hasn't paid reads no word of what is paid for.
func TestEveryCommandOverSSHInEveryRole(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	forPremium := map[string]bool{"Hippopotamus": false, "platypus": false, "echidna": false} // and whether it was read
	for slug, free := range map[string]bool{"open": true, "paid": false} {
		of := func(word string) string {
			if free {
				return "Read."
			}
			return "Read of the " + word + "."
		}
		s := &scenario.Scenario{Slug: slug + "-lab", Title: slug, Needs: []string{"linux"}, Steps: []scenario.Step{{Page: scenario.Page{Title: "One", Text: of("echidna")}}}}
		c := &courses.Course{Labs: []*scenario.Scenario{s}, Document: hub.Course{
			Slug: slug, Title: slug, Level: "beginner", Provider: "multi", Category: "tools", Free: free,
			Lessons: []hub.Lesson{{ID: "start", Title: "Start", Body: of("Hippopotamus"), Quiz: &hub.Quiz{Pass: 50, Questions: []hub.Question{{ID: "a", Kind: hub.Text, Prompt: of("platypus")}}}}},
			Labs:    []hub.Lab{courses.Summary(courses.Lab(s))},
		}}
		if _, err := userOn(t, api, hub.Instructor).Publish(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range access.Roles {
		for name := range cli.Guarded(commands(&cli.Env{}, nil, role, nil)) {
			op, _ := access.Of(theCommands + name)
			for _, course := range []string{"open", "paid"} {
				as := api.App.As(app.Guest)
				if role != hub.Guest {
					as = userOn(t, api, role)
				}
				line := strings.NewReplacer("COURSE", course, "LESSON", "start", "LAB", course+"-lab").Replace(name + " " + sshWords[name])
				if line == sshWords[name] {
					continue
				}
				out, exit := runOver(t.Context(), as, strings.Fields(line))
				for word := range forPremium {
					if !strings.Contains(out, word) {
						continue
					}
					if access.Rank(role) < access.Rank(hub.Premium) {
						t.Errorf("%s: ssh HOST %s tells of the %s: %s", role, line, word, out)
					}
					forPremium[word] = true
				}
				if why := fitsExit(op.Cell(role), course == "open", exit); why != "" {
					t.Errorf("%s: ssh HOST %s: %s, but ends with %d: %s", role, line, why, exit, out)
				}
			}
		}
		if role == hub.Guest || role == hub.Free {
			for word := range forPremium {
				as := api.App.As(app.Guest)
				if role == hub.Free {
					as = userOn(t, api, role)
				}
				if out, _ := runOver(t.Context(), as, []string{"course", "search", word, "--json"}); strings.Contains(out, word) {
					t.Errorf("%s: a search for it tells of the %s: %s", role, word, out)
				}
			}
		}
	}
	for word, read := range forPremium {
		if !read {
			t.Errorf("those who pay never read of the %s: nothing was tested", word)
		}
	}
}

func userOn(t *testing.T, api *apitest.API, role hub.Role) app.Actor {
	t.Helper()
	u, err := api.User(t, role).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return api.App.As(u)
}

// runOver runs one command as the lobby does.
func runOver(ctx context.Context, as app.Actor, args []string) (string, int) {
	if args[0] == "cmh" {
		args = args[1:]
	}
	var out bytes.Buffer
	env := &cli.Env{
		In: strings.NewReader("correct horse battery\n"), Out: &out, Err: &out, Shared: true,
		Backend: func() (cli.Backend, error) { return as, nil },
	}
	exit := cli.Run(ctx, commands(env, nil, as.User().Role, nil), env, args)
	return out.String(), exit
}

// fitsExit says what is wrong with an exit status, or "".
func fitsExit(c access.Cell, flaggedFree bool, exit int) string {
	switch {
	case c == access.SignIn && exit != cli.ExitLogin:
		return "the table says sign in"
	case (c == access.No || c == access.Part && !flaggedFree) && exit != cli.ExitForbidden:
		return "the table says " + string(c)
	case c == access.Hidden && exit != cli.ExitNotFound:
		return "the table says hidden"
	case (c == access.Yes || c == access.Own || c == access.Part && flaggedFree) && (exit == cli.ExitLogin || exit == cli.ExitForbidden):
		return "the table says " + string(c)
	}
	return ""
}

// A command that nobody wrote a row for is closed, and so are the helpers of
// completion.
func TestWhatHasNoRowRunsForNobody(t *testing.T) {
	t.Parallel()
	for _, role := range access.Roles {
		if err := maySSH(role, theCommands+"forgotten"); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: %v", role, err)
		}
	}
	as := (&app.App{}).As(app.Guest)
	if out, _ := runOver(t.Context(), as, []string{"--plain", "__complete", "lab", "start", ""}); !strings.Contains(out, "Usage") {
		t.Errorf("completion over SSH: %s", out)
	}
}
