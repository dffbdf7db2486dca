package image

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/image/debian"
	"github.com/cloudmastershub/cmh/words"
)

// buildVersion is part of every build's digest: raise it when the code below
// makes a different tree of the same recipe.
const buildVersion = "2"

const defaultSuite = "bookworm"

// Recipe says what Build makes. The zero Recipe is the default image.
type Recipe struct {
	Name     string    // Default
	Suite    string    // Debian release: bookworm
	Packages []string  // beyond Debian's minimal set; nil: debian.Packages()
	Progress io.Writer // one line a stage; nil: nowhere
}

func (r Recipe) withDefaults() Recipe {
	if r.Name == "" {
		r.Name = Default
	}
	if r.Suite == "" {
		r.Suite = defaultSuite
	}
	if r.Packages == nil {
		r.Packages = debian.Packages()
	}
	if r.Progress == nil {
		r.Progress = io.Discard
	}
	return r
}

// Forms of Debian's names, so that none is taken for something else.
var (
	packageForm = regexp.MustCompile(`^[a-z0-9][a-z0-9+.:-]*$`)
	suiteForm   = regexp.MustCompile(`^[a-z]+$`)
)

func (r Recipe) check() error {
	if err := checkName(r.Name); err != nil {
		return err
	}
	if !suiteForm.MatchString(r.Suite) {
		return fmt.Errorf("%q is not a release of Debian", r.Suite)
	}
	for _, p := range r.Packages {
		if !packageForm.MatchString(p) {
			return fmt.Errorf("%q is not the name of a package", p)
		}
	}
	return nil
}

func (r Recipe) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "cmh image %s\n%s\n%s\n%s\n%d\n%s", buildVersion, r.Suite, strings.Join(r.Packages, " "), strings.Join(debian.LeftOut(), " "), os.Geteuid(), debian.Setup)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Build makes an image with mmdebstrap, from the Debian mirror that this
// machine's apt uses, unless the same recipe was built before. It takes a
// minute of a small machine and a network.
func (s *Store) Build(ctx context.Context, r Recipe) (Root, error) {
	r = r.withDefaults()
	if err := r.check(); err != nil {
		return Root{}, err
	}
	root := Root{Name: r.Name, Digest: r.digest(), Source: "debian " + r.Suite}
	return s.install(ctx.Done(), root, func(tree string) error {
		fmt.Fprintf(r.Progress, "building the %s image (Debian %s, %d packages), once\n", r.Name, r.Suite, len(r.Packages))
		if err := ensureTools(ctx, r.Progress); err != nil {
			return err
		}
		return bootstrap(ctx, r, tree)
	})
}

// ensureTools installs mmdebstrap where we may.
func ensureTools(ctx context.Context, progress io.Writer) error {
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	const by = "apt-get install --no-install-recommends mmdebstrap debian-archive-keyring"
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New(words.Kept("mmdebstrap is missing; as root: %s; or import an OCI image by path", by))
	}
	fmt.Fprintln(progress, "installing mmdebstrap: "+by)
	if err := runQuietly(ctx, "apt-get", "update", "-q"); err != nil {
		return err
	}
	return runQuietly(ctx, "apt-get", "install", "-q", "-y", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring")
}

func runQuietly(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, lastLines(out))
	}
	return nil
}

func bootstrap(ctx context.Context, r Recipe, tree string) error {
	args := []string{
		"--variant=minbase", "--include=" + strings.Join(r.Packages, ","),
		"--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=force-unsafe-io",
		// Indexing the manual would take longer than anything else.
		`--essential-hook=echo "man-db man-db/auto-update boolean false" | chroot "$1" debconf-set-selections`,
		// As text, not as a file: in an ordinary user's namespaces its root is
		// somebody else, who can't look into the user's folders.
		"--customize-hook=# the small machine that scenarios know\n" + debian.Setup,
	}
	for _, option := range debian.LeftOut() {
		args = append(args, "--dpkgopt="+option)
	}
	if os.Geteuid() == 0 {
		args = append(args, "--mode=root", r.Suite, tree)
		args = append(args, mirrors(ctx, r.Suite)...)
		return mmdebstrap(ctx, r.Progress, nil, args)
	}
	// An ordinary user's sandboxes see every file as owned by its root, so
	// the tree is unpacked as the user's own.
	args = append(args, "--mode=unshare", "--format=tar", r.Suite, "-")
	args = append(args, mirrors(ctx, r.Suite)...)
	pr, pw := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(pr, tree)
		if err == nil { // what pads the archive behind its end is written, too
			_, err = io.Copy(io.Discard, pr)
		}
		pr.CloseWithError(err)
		unpacked <- err
	}()
	err := mmdebstrap(ctx, r.Progress, pw, args)
	pw.CloseWithError(err)
	return errors.Join(err, <-unpacked)
}

// apart is what root's mmdebstrap runs behind. It binds the host's /dev/shm,
// /dev, /proc and /sys into the tree, in whatever mount namespace it finds: a
// build that is killed would leave them there, and clearing its tree away would
// then empty the host's (it did, once). So it gets mounts that nobody else
// sees, a /dev/shm of its own, and processes that end with it.
const apart = `mount -t proc proc /proc && mount -t tmpfs -o mode=1777 shm /dev/shm && exec "$@"`

// mmdebstrap passes on the tool's own stages, and its last words on failure.
func mmdebstrap(ctx context.Context, progress, stdout io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	if os.Geteuid() == 0 {
		cmd = inOwnNamespaces(ctx, "mmdebstrap", args...)
	}
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "TMPDIR="+os.TempDir())
	cmd.Stdout = stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("mmdebstrap: %w", err)
	}
	var said bytes.Buffer
	for sc := bufio.NewScanner(stderr); sc.Scan(); {
		fmt.Fprintln(&said, sc.Text())
		if stage, ok := strings.CutPrefix(sc.Text(), "I: "); ok {
			fmt.Fprintln(progress, "  "+stage)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mmdebstrap: %w: %s", err, lastLines(said.Bytes()))
	}
	return nil
}

func inOwnNamespaces(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", apart, "sh", name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID, // whoever is killed, all are
		Unshareflags: unix.CLONE_NEWNS,  // and private, as package syscall does it
	}
	return cmd
}

// mirrors are the sources of this machine's apt that are Debian's own for the
// suite, so that a company's mirror is used; else Debian's.
func mirrors(ctx context.Context, suite string) []string {
	const format = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)"
	out, _ := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", format).Output()
	var found []string
	seen, base := map[string]bool{}, false
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 6 || f[0] != "Packages" || f[1] != "Debian" || f[5] != "main" {
			continue
		}
		if f[4] != suite && f[4] != suite+"-updates" && f[4] != suite+"-security" {
			continue
		}
		src := "deb " + f[2] + " " + f[3] + " main"
		if !seen[src] {
			found = append(found, src)
		}
		seen[src], base = true, base || f[4] == suite
	}
	if base {
		return found
	}
	const by = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/"
	return []string{
		by + "debian " + suite + " main",
		by + "debian " + suite + "-updates main",
		by + "debian-security " + suite + "-security main",
	}
}

func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
