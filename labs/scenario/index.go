package scenario

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/words"
)

// scenario fills s from the index. It never fails: what is missing or wrong
// has a warning and a stand-in.
func (r *reader) scenario(s *Scenario, root *node) {
	if s.Title = r.text(root, "title"); strings.TrimSpace(s.Title) == "" {
		s.Title = path.Base(r.dir)
		if s.Title == "." {
			s.Title = "Scenario"
		}
		r.warn(root.file, root.line, "there is no title; using %q", s.Title)
	}
	s.Description = r.plainText(r.text(root, "description"))
	s.Difficulty = difficulty(r.text(root, "difficulty"))
	s.RawTime = r.text(root, "time")
	s.Minutes = minutes(s.RawTime)
	s.Private = r.flag(root, "private")
	s.LegacyDone = r.flag(root, "useLegacyDoneProtocol")
	root.ignore("pathwayTitle", "icon", "noindex", "embedded_survey_url", "events", "asyncFiles", "preview")

	switch t := r.text(root, "type"); {
	case strings.HasPrefix(t, "challenge"):
		s.Challenge = true
	case strings.HasPrefix(t, "jupyter"):
		s.Unsupported = words.Kept("it is a Jupyter notebook")
	}

	details := r.object(root, "details")
	r.backend(s, root)
	r.environment(s, root)

	if intro := r.object(details, "intro"); intro != nil {
		s.Credits = r.text(intro, "credits")
		s.Intro = r.page(intro)
	}
	steps := r.objects(details, "steps")
	s.Steps = make([]Step, 0, len(steps))
	for i, n := range steps {
		s.Steps = append(s.Steps, r.step(n, i+1, s.Challenge))
	}
	r.checkedIntro(s, r.object(details, "intro"))
	finish := r.object(details, "finish")
	if misplaced := r.object(root, "finish"); misplaced != nil {
		if finish == nil {
			finish = misplaced
			r.warn(misplaced.file, misplaced.line, `"finish" belongs inside "details"`)
		} else {
			misplaced.ignoreAll()
		}
	}
	if finish != nil {
		s.Finish = r.page(finish)
		r.checkedFinish(s, finish)
	}
	if env := r.object(root, "environment"); env != nil {
		// Hidden pages still do their set-up.
		if r.flag(env, "hideintro") {
			s.Intro.Title, s.Intro.Text = "", ""
		}
		if r.flag(env, "hidefinish") {
			s.Finish.Title, s.Finish.Text = "", ""
		}
	}
}

// checkedIntro makes a step of an intro that has a check, since only steps are
// checked. Its scripts stay where they are: they run when the lab starts.
func (r *reader) checkedIntro(s *Scenario, n *node) {
	if n == nil || n.get("verify") == nil {
		return
	}
	if check, _ := r.check(n); check != nil {
		page := Page{Title: cmp.Or(s.Intro.Title, "Introduction"), Text: s.Intro.Text, Quiz: s.Intro.Quiz}
		s.Intro.Title, s.Intro.Text, s.Intro.Quiz = "", "", nil
		s.Steps = slices.Insert(s.Steps, 0, Step{Page: page, Verify: check})
	}
}

// checkedFinish makes the last step of a finish page that has a check.
func (r *reader) checkedFinish(s *Scenario, n *node) {
	if n.get("verify") == nil {
		return
	}
	if check, _ := r.check(n); check != nil {
		s.Steps = append(s.Steps, Step{Page: s.Finish, Verify: check})
		s.Steps[len(s.Steps)-1].Title = cmp.Or(s.Finish.Title, "Finish")
		s.Finish = Page{}
	}
}

// backend reads the sandbox that the author asked for.
func (r *reader) backend(s *Scenario, root *node) {
	b := r.object(root, "backend")
	if b != nil {
		s.ImageID = strings.ToLower(strings.TrimSpace(r.text(b, "imageid")))
		s.User, s.Group = r.id(b, "userid"), r.id(b, "groupid")
		for _, e := range r.objects(b, "envs") {
			name, value := r.text(e, "name"), r.text(e, "value")
			if !envName.MatchString(name) {
				r.warn(e.file, e.line, "%q is no name of an environment variable; ignored", name)
				continue
			}
			if s.Env == nil {
				s.Env = map[string]string{}
			}
			s.Env[name] = value
		}
		b.ignore("port", "ports", "autoUpgrade", "init", "openShift", "dockerimage", "url", "trainingid")
	}
	if s.ImageID == "" {
		r.warn(root.file, root.line, "the environment is unknown: there is no backend.imageid; using ubuntu")
		s.ImageID = "ubuntu"
	}
	m := imageFor(s.ImageID)
	s.Environment, s.Hostname = m.environment, m.hostname
	if !m.known {
		r.warn(root.file, root.line, "the environment %q is unknown; using a plain Linux", s.ImageID)
	}
	if m.note != "" {
		r.warn(root.file, root.line, "%s", m.note)
	}
	if s.Environment == "openshift" {
		s.Unsupported = words.Kept("OpenShift is not supported")
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// id reads a user or group id, which authors write as number or text.
func (r *reader) id(n *node, key string) int {
	id := r.number(n, key)
	if id < 0 || id > 65535 {
		r.warn(n.file, n.line, "%q is out of range; using root", key)
		return 0
	}
	return id
}

// environment reads what the platforms' pages looked like.
func (r *reader) environment(s *Scenario, root *node) {
	if i := r.object(root, "interface"); i != nil {
		s.Layout = r.text(i, "layout")
	}
	env := r.object(root, "environment")
	if env == nil {
		return
	}
	if l := r.text(env, "uilayout"); l != "" {
		s.Layout = l
	}
	s.EditorPath = r.text(env, "uieditorpath")
	s.Greeting = sgrOnly(r.text(env, "uimessage1") + r.text(env, "uimessage2"))
	for _, t := range r.objects(env, "terminals") {
		s.Terminals = append(s.Terminals, Terminal{r.text(t, "name"), r.text(t, "target"), r.text(t, "command")})
	}
	for _, d := range r.objects(env, "dashboards") {
		w := Web{Name: r.text(d, "name"), Host: r.text(d, "host"), Link: r.text(d, "href")}
		if v := d.get("port"); v != nil {
			w.Port = r.number(d, "port")
		}
		if m := anyPort.FindStringSubmatch(w.Link); w.Port == 0 && m != nil {
			w.Port, _ = strconv.Atoi(m[1] + m[2])
		}
		if w.Port < 0 || w.Port > 65535 {
			r.warn(d.file, d.line, "port %d is out of range; ignored", w.Port)
			continue
		}
		d.ignoreAll()
		s.Web = append(s.Web, w)
	}
	env.ignore("showdashboard", "hideintro", "hidefinish", "files", "showide", "exclusionPatterns", "hidesidebar",
		"uisettings", "uimessage1", "uimessage2", "icon", "noindex")
}

// sgr matches a colour sequence; escape matches any sequence and any control
// character that is no line end.
var (
	sgr    = regexp.MustCompile(`^\x1b\[[0-9;]*m$`)
	escape = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|.?)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]`)
)

// sgrOnly keeps colours and line ends, and no other control.
func sgrOnly(s string) string {
	return escape.ReplaceAllStringFunc(s, func(seq string) string {
		if sgr.MatchString(seq) {
			return seq
		}
		return ""
	})
}

// step reads the step with the given number.
func (r *reader) step(n *node, number int, challenge bool) Step {
	st := Step{Page: r.page(n)}
	if strings.TrimSpace(st.Title) == "" {
		st.Title = "Step " + strconv.Itoa(number)
	}
	if v := n.get("verify"); v != nil {
		st.Verify, st.Unchecked = r.check(n)
	}
	if ref := r.text(n, "answer"); ref != "" {
		if p, ok := r.markdown(n, "answer", ref); ok {
			st.Solution = p.text
		}
	}
	if ref := r.text(n, "hint"); ref != "" {
		if strings.HasSuffix(strings.ToLower(ref), ".md") {
			if p, ok := r.markdown(n, "hint", ref); ok {
				st.Hints = []Hint{{Text: p.text}}
			}
		} else if sc, ok := r.script(n, "hint", ref); ok && challenge {
			st.HintScript = &sc
		}
	}
	return st
}

// check reads a step's check. A step whose check is missing, or holds no
// command and would pass by doing nothing, is unverified; why says so.
func (r *reader) check(n *node) (check *Script, why string) {
	ref := r.text(n, "verify")
	if strings.TrimSpace(ref) == "" {
		return nil, ""
	}
	before := len(r.warnings)
	sc, ok := r.script(n, "verify", ref)
	switch {
	case !ok:
		return nil, r.warnings[before].Text
	case sc.Nothing():
		r.warn(n.file, n.get("verify").line, "verify: %q is empty; the step is unverified", ref)
		return nil, r.warnings[before].Text
	}
	return &sc, ""
}

// page reads what intro, steps and finish have in common.
func (r *reader) page(n *node) Page {
	p := Page{Title: r.text(n, "title")}
	if ref := r.text(n, "text"); ref != "" {
		if md, ok := r.markdown(n, "text", ref); ok {
			p.Text, p.Quiz = md.text, md.quiz
		} else {
			p.Text = "*This step has no text.*\n"
		}
	}
	for _, key := range []string{"foreground", "code"} {
		p.Foreground = append(p.Foreground, r.scripts(n, key)...)
	}
	for _, key := range []string{"background", "courseData"} {
		p.Background = append(p.Background, r.scripts(n, key)...)
	}
	n.ignore("credits", "challenge", "id", "description")
	return p
}

// difficulty folds the authors' words into three, and leaves the others.
func difficulty(raw string) string {
	raw = strings.TrimSpace(raw)
	switch strings.ToLower(raw) {
	case "beginner", "basic", "easy":
		return "beginner"
	case "intermediate", "medium":
		return "intermediate"
	case "advanced", "advance", "hard":
		return "advanced"
	}
	return raw
}

var someTime = regexp.MustCompile(`(\d{1,5})(?:[.,](\d))?(?:\s*(?:-|–|to|bis)\s*(\d{1,5}))?\s*(\pL*)`)

// minutes reads "10 minutes", "45-60 min" (60), "~25", "1 hour", "1.5 hours".
func minutes(raw string) int {
	m := someTime.FindStringSubmatch(strings.ToLower(raw))
	if m == nil {
		return 0
	}
	tenths, _ := strconv.Atoi(m[1] + "0")
	if m[2] != "" {
		tenths, _ = strconv.Atoi(m[1] + m[2])
	}
	if m[3] != "" {
		tenths, _ = strconv.Atoi(m[3] + "0")
	}
	if strings.HasPrefix(m[4], "h") || strings.HasPrefix(m[4], "std") || strings.HasPrefix(m[4], "stunde") {
		tenths *= 60
	}
	return min(tenths/10, 24*60)
}
