package app

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// Labs lists labs, those the caller may not start included. Texts are only in
// Lab's answer.
func (a Actor) Labs(ctx context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error) {
	page := hub.Page[hub.Lab]{Items: []hub.Lab{}}
	if err := labFilter(&f); err != nil {
		return page, err
	}
	var abilities []string // nil for any
	if f.Runnable {
		if a.app.Labs.Engine == nil {
			return page, nil
		}
		abilities = append([]string{}, a.app.Labs.Abilities...)
	}
	key, err := a.app.cursorKey(ctx)
	if err != nil {
		return page, err
	}
	var after *postgres.LabKey
	list := struct{ Labs hub.LabFilter }{f}
	list.Labs.Paging = hub.Paging{}
	if f.Cursor != "" {
		after = new(postgres.LabKey)
		if err := key.open(list, f.Cursor, after); err != nil {
			return page, err
		}
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		items, next, err := tx.Labs(ctx, f, after, abilities)
		if err != nil {
			return err
		}
		page.Items = items
		if next != nil {
			page.Next = key.seal(list, next)
		}
		return nil
	})
	for i := range page.Items {
		a.app.dress(&page.Items[i])
	}
	if f.Runnable { // the database knows what labs need, not what is installed
		page.Items = slices.DeleteFunc(page.Items, func(l hub.Lab) bool { return !l.Runnable })
	}
	return page, err
}

// labFilter checks f and fills in what it leaves open.
func labFilter(f *hub.LabFilter) error {
	var wrong []hub.FieldError
	check := func(ok bool, name, format string, args ...any) {
		if !ok {
			wrong = append(wrong, hub.Field("/"+name, format, args...))
		}
	}
	f.Query, f.Course = strings.TrimSpace(f.Query), strings.TrimSpace(f.Course)
	check(searchable(f.Query), "q", "A search is at most 200 characters, without control characters.")
	check(searchable(f.Course), "course", "That is not the slug of a course.")
	check(f.Provider == "" || slices.Contains(courses.Providers, f.Provider), "provider", "The providers are %s.", strings.Join(courses.Providers, ", "))
	check(f.Limit >= 0 && f.Limit <= 100, "limit", "The limit is from 1 to 100.")
	if f.Limit == 0 {
		f.Limit = 30
	}
	if len(wrong) > 0 {
		return hub.Unfit(wrong)
	}
	return nil
}

// Lab returns a lab with its texts, to those whose tier includes it.
func (a Actor) Lab(ctx context.Context, id string) (hub.Lab, error) {
	var v postgres.LabVersion
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		v, err = a.labIn(ctx, tx, id)
		return err
	})
	if err != nil {
		return hub.Lab{}, err
	}
	if err := a.entitled(v); err != nil {
		return hub.Lab{}, err
	}
	a.app.dress(&v.Lab)
	if access.Rank(a.user.Role) < access.Rank(hub.Instructor) {
		v.Lab.Warnings = nil
	}
	return v.Lab, nil
}

// labIn finds a lab as the caller meets it: one whose course isn't published is
// there for who is enrolled in that, and for those who look after it.
func (a Actor) labIn(ctx context.Context, tx postgres.Tx, id string) (postgres.LabVersion, error) {
	v, err := tx.Lab(ctx, id)
	if err != nil || !v.Unpublished || v.CourseOwner == a.user.ID && a.user.ID != "" || a.seesAll() {
		return v, err
	}
	enrolled, err := tx.IsEnrolled(ctx, a.user.ID, v.CourseID)
	if err == nil && !enrolled {
		err = hub.Errorf(hub.NotFound, "There is no such lab.")
	}
	return v, err
}

// entitled refuses labs outside the caller's tier. Somebody else's draft is not
// there at all.
func (a Actor) entitled(v postgres.LabVersion) error {
	lab := v.Lab
	if v.DraftOwner != "" && v.DraftOwner != a.user.ID && a.user.Role != hub.Admin {
		return hub.Errorf(hub.NotFound, "There is no such lab.")
	}
	if lab.Free || access.Rank(a.user.Role) >= access.Rank(hub.Premium) {
		return nil
	}
	return hub.Errorf(hub.Forbidden, "The lab %s is part of the premium tier.", lab.ID)
}

// dress fills in what depends on this installation, and turns what is absent
// into empty lists.
func (a *App) dress(lab *hub.Lab) {
	if lab.Needs == nil {
		lab.Needs = []string{}
	}
	if lab.Steps == nil {
		lab.Steps = []hub.LabStep{}
	}
	if lab.Reason == "" { // else it can run nowhere
		lab.Reason = a.missing(lab.Needs)
	}
	if lab.Reason == "" && a.Labs.Installed != nil && !a.Labs.Installed(lab.Image) {
		if image := firstOf(lab.Image, a.Labs.Engine.Image); image != "" {
			lab.Reason = words.Kept("the image %s is not installed here", image)
		} else {
			lab.Reason = words.Kept("the image of labs is not installed here")
		}
	}
	lab.Runnable = lab.Reason == ""
}

// missing says what this installation lacks for a lab with these needs, or "".
func (a *App) missing(needs []string) string {
	if a.Labs.Engine == nil {
		return words.Kept("this installation runs no labs")
	}
	var lacks []string
	for _, need := range needs {
		if !slices.Contains(a.Labs.Abilities, need) {
			lacks = append(lacks, spelled(need))
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return words.Kept("this installation lacks %s", strings.Join(lacks, ", "))
}

// spelled is how people write the name of a need.
func spelled(need string) string {
	if name, ok := spellings[need]; ok {
		return name
	}
	return need
}

var spellings = map[string]string{
	"docker": "Docker", "kubernetes": "Kubernetes", "openshift": "OpenShift", "network": words.Kept("a network"),
	"multi-host": words.Kept("several machines"), "systemd": "systemd", "privileged": words.Kept("a machine of its own"), "cloud": words.Kept("a cloud account"),
	"jupyter": "Jupyter", "nodejs": "Node.js", "java": "Java", "kotlin": "Kotlin", "rust": "Rust", "ruby": "Ruby", "go": "Go",
	"dotnet": ".NET", "r": "R", "compiler": words.Kept("a C compiler"), "ansible": "Ansible", "terraform": "Terraform",
}
