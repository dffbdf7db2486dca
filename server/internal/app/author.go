package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// imported is the category of the courses that imports make, and how an import
// knows its own.
const imported = "scenarios"

// MayAuthor refuses whoever publishes nothing. A door asks before it takes in
// something large.
func (a Actor) MayAuthor() error { return a.need(hub.Instructor) }

// ImportScenarios makes one course of a repository of scenarios, the caller's
// own. archive is a tar.gz of the repository; it is read only after the caller
// proved to be an author. The same content again changes nothing. What this
// installation cannot run is imported to be read.
func (a Actor) ImportScenarios(ctx context.Context, o hub.ImportOptions, archive io.Reader) (hub.ImportReport, error) {
	if err := a.need(hub.Instructor); err != nil {
		return hub.ImportReport{}, err
	}
	if o.Kind != "" && o.Kind != "killercoda" {
		return hub.ImportReport{}, hub.Errorf(hub.Invalid, "There is no importer for %q. Use killercoda, which reads Katacoda's format too.", o.Kind)
	}
	tree, err := scenario.Unpack(archive, scenario.Limits{})
	if err != nil {
		return hub.ImportReport{}, importError(err)
	}
	slug := o.Slug
	if slug == "" {
		slug = slugOf(tree.Top())
	}
	if !courses.IsSlug(slug) {
		return hub.ImportReport{}, hub.Errorf(hub.Invalid, "Give the course a slug: small letters, digits and hyphens, at most 63 of them.")
	}
	repo, err := scenario.Find(tree)
	if err != nil {
		return hub.ImportReport{}, importError(err)
	}
	report := hub.ImportReport{
		Labs: []hub.ImportedLab{}, Rejected: lines(repo.Rejected), Warnings: lines(repo.Warnings), Licence: repo.Licence,
	}
	labs := make([]*scenario.Scenario, 0, len(repo.Scenarios))
	for _, s := range repo.Scenarios {
		report.Warnings = append(report.Warnings, lines(s.Warnings)...)
		if s.Private {
			report.Warnings = append(report.Warnings, s.Dir+": "+words.Kept("is marked as private; left out"))
			continue
		}
		labs = append(labs, s)
	}
	for _, dir := range repo.Hidden {
		report.Warnings = append(report.Warnings, dir+": "+words.Kept("is in no structure.json; left out"))
	}
	nameLabs(slug, labs)
	for _, s := range labs {
		report.Labs = append(report.Labs, a.app.importedLab(s))
	}
	if o.DryRun || len(labs) == 0 {
		return report, nil
	}
	return a.publishImport(ctx, courseOf(slug, tree.Top(), o, repo, labs), report)
}

// publishImport publishes c and completes the report with what that changed.
func (a Actor) publishImport(ctx context.Context, c *courses.Course, report hub.ImportReport) (hub.ImportReport, error) {
	slugs := make([]string, 0, len(c.Labs))
	for _, s := range c.Labs {
		slugs = append(slugs, s.Slug)
	}
	if err := a.replaceable(ctx, c.Document.Slug, slugs); err != nil {
		return hub.ImportReport{}, err
	}
	before, err := a.labVersions(ctx, slugs)
	if err != nil {
		return hub.ImportReport{}, err
	}
	done, err := a.Publish(ctx, c)
	if hub.CodeOf(err) == hub.Forbidden {
		err = hub.Wrap(err, hub.Conflict, "The course %s belongs to somebody else. Import yours under another slug.", c.Document.Slug)
	}
	if err != nil {
		return hub.ImportReport{}, err
	}
	after, err := a.labVersions(ctx, slugs)
	if err != nil {
		return hub.ImportReport{}, err
	}
	report.Course, report.Version = done.Slug, done.Version
	for i, l := range report.Labs {
		switch was, is := before[l.Slug], after[l.Slug]; {
		case was == "":
			report.Labs[i].State = hub.ImportNew
		case was != is:
			report.Labs[i].State = hub.ImportChanged
		default:
			report.Labs[i].State = hub.ImportUnchanged
		}
	}
	return report, nil
}

// replaceable refuses to let an import take the place of a course that came
// from elsewhere and only happens to have its slug.
func (a Actor) replaceable(ctx context.Context, slug string, labs []string) error {
	was, err := a.Course(ctx, slug)
	if hub.CodeOf(err) == hub.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	same := len(was.Labs) == 0
	for _, l := range was.Labs {
		for _, id := range labs {
			same = same || l.ID == id
		}
	}
	if was.Category != imported || !same {
		return hub.Errorf(hub.Conflict, "There is a course %s already, and it is another one. Import yours under another slug.", slug)
	}
	return nil
}

func (a Actor) labVersions(ctx context.Context, slugs []string) (versions map[string]string, err error) {
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		versions, err = tx.LabVersions(ctx, slugs)
		return err
	})
	return versions, err
}

func (a *App) importedLab(s *scenario.Scenario) hub.ImportedLab {
	l := hub.ImportedLab{
		Slug: s.Slug, Path: s.Dir, Title: s.Title, Image: s.ImageID, Needs: s.Needs, Reason: a.missing(s.Needs),
		Steps: len(s.Steps), Checks: s.Checks(), Quizzes: len(s.Intro.Quiz) + len(s.Finish.Quiz),
		Assets: s.AssetCount, Optional: s.Optional, UnknownKeys: s.UnknownKeys, Warnings: lines(s.Warnings),
	}
	for _, st := range s.Steps {
		l.Quizzes += len(st.Quiz)
	}
	l.Runnable = l.Reason == ""
	return l
}

// courseOf is the course that an import makes.
func courseOf(slug, folder string, o hub.ImportOptions, repo *scenario.Repository, labs []*scenario.Scenario) *courses.Course {
	title := firstOf(o.Title, repo.Title, folder, slug)
	d := hub.Course{
		Slug: slug, Title: title, Provider: "multi", Category: imported, Level: level(labs), Free: !repo.Private,
		Description: firstOf(repo.Description, fmt.Sprintf("%d hands-on scenarios. Licence: %s.", len(labs), repo.Licence)),
	}
	for _, s := range labs {
		d.Duration += s.Minutes
		d.Labs = append(d.Labs, courses.Summary(courses.Lab(s)))
	}
	return &courses.Course{Document: d, Answers: map[string]map[string]courses.Answer{}, Labs: labs, Hash: "import"}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

// level is the one that most labs have; the easier of two that are even.
func level(labs []*scenario.Scenario) string {
	count := map[string]int{}
	for _, s := range labs {
		count[s.Difficulty]++
	}
	best := "beginner"
	for _, l := range []string{"intermediate", "advanced"} {
		if count[l] > count[best] {
			best = l
		}
	}
	return best
}

// nameLabs gives each lab a slug made of the course's and its directory's
// name, the same in every import of the repository.
func nameLabs(course string, labs []*scenario.Scenario) {
	taken := map[string]bool{}
	for _, s := range labs {
		if s.Slug == "" {
			s.Slug = labSlug(course, s.Dir)
		}
		if taken[s.Slug] {
			s.Slug = short(s.Slug, s.Dir)
		}
		taken[s.Slug] = true
	}
}

func labSlug(course, dir string) string {
	name := slugOf(strings.ReplaceAll(dir, "/", "-"))
	if dir == "." && !scenario.Reserved(course) {
		return course
	}
	if name == "" { // a name in another script
		return short(course, dir)
	}
	slug := course + "-" + name
	if name == course || strings.HasPrefix(name, course+"-") {
		slug = name
	}
	if courses.IsSlug(slug) && !scenario.Reserved(slug) && len(slug) <= 63 {
		return slug
	}
	return short(course+"-"+slugOf(path.Base(dir)), dir)
}

// short is slug cut to size, with a mark that dir alone decides.
func short(slug, dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return strings.TrimRight(slug[:min(len(slug), 54)], "-") + "-" + hex.EncodeToString(sum[:4])
}

// slugOf makes a slug of a name: small letters and digits, anything else a
// hyphen. It is empty when nothing of the name remains.
func slugOf(name string) string {
	fields := strings.FieldsFunc(strings.ToLower(strings.TrimSuffix(name, ".git")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(fields, "-")
}

func lines(ws []scenario.Warning) []string {
	out := make([]string, 0, len(ws))
	for _, w := range ws {
		out = append(out, w.String())
	}
	return out
}

func importError(err error) error {
	if wrong, ok := errors.AsType[*scenario.Error](err); ok {
		return hub.Errorf(hub.Invalid, "%s", hub.Word(wrong.Error()))
	}
	return hub.Wrap(err, hub.Invalid, "The archive did not arrive whole.")
}
