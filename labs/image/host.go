package image

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const goarch = runtime.GOARCH

// hostFiles may be copied from the host's /etc: what programs in /usr need to
// run, nothing that says who uses this machine. Only files that everyone may
// read are taken.
var hostFiles = []string{
	"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "services", "protocols", "inputrc", "login.defs",
	"alternatives", "ssl/openssl.cnf", "ssl/certs/ca-certificates.crt", "pam.d", "security", "os-release", "debian_version", "mime.types", "vim",
}

var freshFiles = map[string]string{
	"etc/passwd":          "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"etc/group":           "root:x:0:\ntty:x:5:\nsudo:x:27:\nnogroup:x:65534:\n",
	"etc/shadow":          "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
	"etc/gshadow":         "root:*::\n",
	"etc/profile":         "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n[ -n \"$BASH\" ] && [ -r /etc/bash.bashrc ] && . /etc/bash.bashrc\n",
	"etc/bash.bashrc":     "[ -z \"$PS1\" ] && return\nshopt -s checkwinsize histappend\nHISTFILE=~/.bash_history\nHISTCONTROL=\nPROMPT_COMMAND='history -a'\nPS1='\\u@\\h:\\w\\$ '\n",
	"root/.bashrc":        "",
	"etc/killercoda/host": "lab\n",
}

// hostSkeleton is everything but /usr, which the driver binds from the host.
// It is quick to make and never the same on two machines, so it is for
// development only.
func (s *Store) hostSkeleton() (Root, error) {
	h := sha256.New()
	fmt.Fprint(h, "host 1 ", os.Geteuid())
	if release, err := os.ReadFile("/etc/os-release"); err == nil {
		h.Write(release)
	}
	r := Root{Name: Host, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), Source: "the host's /usr, for development only", HostUsr: true}
	if have, err := s.read(Host, folder(r.Digest)); err == nil {
		return have, nil
	}
	for _, dir := range []string{"bin", "lib"} {
		if to, err := os.Readlink("/" + dir); err != nil || filepath.Base(filepath.Dir(filepath.Join("/", to))) != "usr" {
			return Root{}, errors.New("the host image needs a host whose /bin and /lib lie in /usr")
		}
	}
	return s.install(nil, r, writeSkeleton)
}

func writeSkeleton(tree string) error {
	for _, dir := range []string{
		"dev", "etc", "etc/killercoda", "home", "home/scrapbook", "mnt", "opt", "proc", "root", "root/tutorial", "run", "srv", "sys", "tmp", "usr",
		"var", "var/cache", "var/lib", "var/log", "var/log/killercoda", "var/mail", "var/spool", "var/tmp",
	} {
		mode := fs.FileMode(0o755)
		switch filepath.Base(dir) {
		case "tmp":
			mode = 0o777 | fs.ModeSticky
		case "root":
			mode = 0o700
		}
		if err := os.Mkdir(filepath.Join(tree, dir), mode); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(tree, dir), mode); err != nil {
			return err
		}
	}
	links := map[string]string{"var/run": "/run", "var/lock": "/run/lock", "home/scrapbook/tutorial": "/root/tutorial"}
	for _, dir := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		if _, err := os.Stat("/usr/" + dir); err == nil {
			links[dir] = "usr/" + dir
		}
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(tree, name)); err != nil {
			return err
		}
	}
	for name, text := range freshFiles {
		mode := fs.FileMode(0o644)
		if filepath.Ext(name) == "" && (filepath.Base(name) == "shadow" || filepath.Base(name) == "gshadow") {
			mode = 0o640
		}
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), mode); err != nil {
			return err
		}
	}
	for _, name := range hostFiles {
		if err := copyPublic("/etc/"+name, filepath.Join(tree, "etc", name)); err != nil {
			return err
		}
	}
	return nil
}

// copyPublic copies what exists and everyone may read. Symbolic links are
// copied as links, never followed.
func copyPublic(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(p)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case info.Mode().IsRegular() && info.Mode()&0o004 != 0:
			raw, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			return os.WriteFile(target, raw, info.Mode().Perm())
		}
		return nil
	})
}
