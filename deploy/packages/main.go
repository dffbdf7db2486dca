// Command packages makes everything that cmh is handed out as: archives for
// Linux, macOS and Windows, packages for Debian, Red Hat and Alpine, a Homebrew
// formula, a Scoop manifest, a container image, bills of materials, and the sums
// of all. What it writes depends on the commit and Go's version alone: neither the folder,
// nor the clock, nor who runs it gets in (docs/packages.md).
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	module = "github.com/cloudmastershub/cmh"
	home   = "https://" + module
)

// release is what all packages of one run have in common.
type release struct {
	version, commit string
	date            time.Time // of the commit: the time of every file
	url             string    // where the archives will be
	page            string    // where people read of new ones; cmh names it
	nfpm            string    // the program that makes deb, rpm and apk
	out             string    // where packages go
	work            string    // for what goes into them
}

var released = regexp.MustCompile(`^\d+\.\d+\.\d+`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var r release
	var date, targets string
	flag.StringVar(&r.version, "version", "", "version, with or without a v")
	flag.StringVar(&r.commit, "commit", "", "commit that it is made of")
	flag.StringVar(&date, "date", "", "time of the commit, RFC 3339")
	flag.StringVar(&r.url, "url", "https://github.com/cloudmastershub/cmh/releases/download", "address that the version's archives will be under")
	flag.StringVar(&r.page, "page", "https://github.com/cloudmastershub/cmh/releases", "address that cmh names when a newer one is out")
	flag.StringVar(&r.nfpm, "nfpm", "nfpm", "path of nfpm")
	flag.StringVar(&r.out, "out", "dist", "folder for the packages; it is emptied")
	flag.StringVar(&targets, "targets", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64", "what to build for")
	flag.Parse()
	if !released.MatchString(r.plain()) { // a commit before the first tag, which may begin with a digit
		r.version = "0.0.0-dev+" + r.plain()
	}
	var err error
	if r.date, err = time.Parse(time.RFC3339, date); err == nil {
		r.date = r.date.UTC()
		err = r.run(ctx, strings.Split(targets, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

func (r *release) run(ctx context.Context, targets []string) (err error) {
	if r.work, err = os.MkdirTemp("", "cmh-packages"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.work) }()
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	shared, err := r.shared(ctx)
	if err != nil {
		return err
	}
	var all []made
	for _, t := range targets {
		fmt.Println("packing", t)
		m, err := r.target(ctx, t, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		all = append(all, m)
	}
	for _, step := range []func([]made) error{r.formula, r.scoop, r.image} {
		if err := step(all); err != nil {
			return err
		}
	}
	if err := r.sums(); err != nil {
		return err
	}
	return r.check(all)
}

// made is one target's programs and its archive.
type made struct {
	os, arch string
	files    []file   // as they are in the archive
	modules  []string // whose code is in the programs, as Go lists them: path and version
	archive  string   // name in out
	sum      string   // SHA-256 of the archive
}

// target builds one target's programs and everything that holds them.
func (r *release) target(ctx context.Context, target string, shared []file) (made, error) {
	goos, arch, ok := strings.Cut(target, "/")
	if !ok {
		return made{}, fmt.Errorf("it is no OS/ARCH")
	}
	m := made{os: goos, arch: arch}
	programs, err := r.build(ctx, goos, arch)
	if err != nil {
		return m, err
	}
	licence, modules, err := r.licence(ctx, goos, arch)
	if err != nil {
		return m, err
	}
	m.modules = modules
	m.files = slices.Concat(programs, shared, beside(goos), []file{licence})
	if goos == "windows" { // which has nothing to read manual pages with
		m.files = slices.DeleteFunc(m.files, func(f file) bool { return strings.HasPrefix(f.name, "man/") })
	}
	if err := r.archive(&m); err != nil {
		return m, err
	}
	if err := r.materials(m); err != nil {
		return m, err
	}
	if goos == "linux" {
		err = r.distributions(ctx, m)
	}
	return m, err
}

// programs are what learners and authors install. Only Linux has the lab engine.
func programs(goos string) map[string]string {
	p := map[string]string{"cmh": "./cmd/cmh", "cmh-format": "./cmd/format"}
	if goos == "linux" {
		p["cmh-author"], p["lab-agent"] = "./cmd/author", "./labs/agent"
	}
	return p
}

// pages are those of programs that have no commands.
//
//go:embed man/*.1
var pages embed.FS

// beside is the manual of the programs beside cmh.
func beside(goos string) []file {
	var files []file
	for name := range programs(goos) {
		if body, err := pages.ReadFile("man/" + name + ".1"); err == nil {
			files = append(files, file{"man/man1/" + name + ".1", 0o644, body})
		}
	}
	return files
}

func (r *release) build(ctx context.Context, goos, arch string) ([]file, error) {
	var files []file
	for _, name := range sorted(programs(goos)) {
		to, err := r.program(ctx, goos, arch, name)
		if err != nil {
			return nil, err
		}
		body, err := os.ReadFile(to)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: filepath.Base(to), mode: 0o755, body: body})
	}
	return files, nil
}

// program builds one program, once, and says where it is.
func (r *release) program(ctx context.Context, goos, arch, name string) (string, error) {
	to := filepath.Join(r.work, goos, arch, name)
	if goos == "windows" {
		to += ".exe"
	}
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	ldflags := fmt.Sprintf("-s -w -X %[1]s/client.Version=%[2]s -X %[1]s/client.Commit=%[3]s -X %[1]s/client.Date=%[4]s -X %[1]s/cmd/cmh/update.Source=%[5]s",
		module, r.version, r.commit, r.date.Format(time.RFC3339), r.page)
	return to, command(ctx, []string{
		"CGO_ENABLED=0", "GOFLAGS=", "GOOS=" + goos, "GOARCH=" + arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	}, nil,
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", to, programs(goos)[name])
}

// shared is what is the same for all: the manual and the completions, which cmh
// itself writes, and what there is to read.
func (r *release) shared(ctx context.Context) ([]file, error) {
	cmh, err := r.program(ctx, runtime.GOOS, runtime.GOARCH, "cmh")
	if err != nil {
		return nil, err
	}
	home := []string{"HOME=" + r.work, "CMH_CONFIG_DIR=" + filepath.Join(r.work, "config"), "LANG=C", "LC_ALL=C"}
	man := filepath.Join(r.work, "man")
	if err := command(ctx, home, nil, cmh, "man", man); err != nil {
		return nil, err
	}
	pages, err := os.ReadDir(man)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, p := range pages {
		body, err := os.ReadFile(filepath.Join(man, p.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: "man/man1/" + p.Name(), mode: 0o644, body: body})
	}
	for shell, name := range map[string]string{"bash": "bash/cmh", "zsh": "zsh/_cmh", "fish": "fish/cmh.fish", "powershell": "powershell/cmh.ps1"} {
		var out strings.Builder
		if err := command(ctx, home, &out, cmh, "completion", shell); err != nil {
			return nil, err
		}
		files = append(files, file{name: "completions/" + name, mode: 0o644, body: []byte(out.String())})
	}
	for _, name := range []string{"README.md", "CHANGELOG.md"} {
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, mode: 0o644, body: body})
	}
	return files, nil
}
