package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/all"
	"github.com/cloudmastershub/cmh/labs/image"
)

// sandboxes opens a driver with a folder of our own.
func (r *rig) sandboxes(ctx context.Context, state string) (labs.Driver, image.Root, error) {
	store, err := image.Open(r.images)
	if err != nil {
		return nil, image.Root{}, err
	}
	root, err := store.Resolve("")
	if err != nil {
		return nil, image.Root{}, err
	}
	d, err := all.Open(ctx, "", all.Config{State: state, Images: store, Agent: filepath.Join(r.bin, "lab-agent")})
	return d, root, err
}

// cold is a lab from nothing to a prompt, against what others do on the same
// file tree with the same limits.
func cold(ctx context.Context, r *rig) ([]table, error) {
	d, root, err := r.sandboxes(ctx, filepath.Join(r.dir, "cold"))
	if err != nil {
		return nil, err
	}
	const id = "bench"
	defer func() { _ = d.Destroy(context.WithoutCancel(ctx), id) }()
	ours := func(ctx context.Context) (time.Duration, error) {
		took, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) {
			if err := d.Create(ctx, labs.Spec{ID: id}); err != nil {
				return nil, err
			}
			return labs.Connect(ctx, d, id)
		})(ctx)
		return took, errors.Join(err, d.Destroy(context.WithoutCancel(ctx), id))
	}
	runners := []runner{{"lab: create, connect, SSH handshake, terminal, prompt", ours}}
	notes := []string{
		"Ours is a bounded disk of its own, an unprivileged user range, all namespaces, cgroups, a seccomp filter, the agent, and an SSH handshake with it; the others end at a shell's prompt.",
		"All of them run `bash -l` of the same image.",
	}

	if _, err := exec.LookPath("unshare"); err != nil {
		return nil, err
	}
	// This one writes to the image itself, where a history would greet learners.
	runners = append(runners, runner{"`unshare`, all namespaces, + bash; no limits, shared disk", untilPrompt("unset HISTFILE; exit\n",
		"unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--root="+root.Path, "--mount-proc", "/bin/bash", "-l")})
	if _, err := exec.LookPath("bwrap"); err == nil {
		runners = append(runners, runner{"`bwrap --unshare-all` + bash; no limits, read-only disk", untilPrompt("exit\n",
			"bwrap", "--unshare-all", "--ro-bind", root.Path, "/", "--proc", "/proc", "--dev", "/dev", "/bin/bash", "-l")})
	}
	if runc, err := exec.LookPath("runc"); err == nil {
		bundle, err := r.bundle(ctx, runc, root.Path)
		if err != nil {
			return nil, err
		}
		runners = append(runners, runner{"`runc run` + bash; read-only disk", untilPrompt("exit\n",
			runc, "--root", filepath.Join(r.dir, "runc"), "run", "--bundle", bundle, fmt.Sprintf("cmh-bench-%d", os.Getpid()))})
	}
	there := engines(ctx)
	for _, e := range there {
		argv, err := e.run(ctx, root.Path)
		if err != nil {
			return nil, err
		}
		runners = append(runners, runner{"`" + e.name + " run --network none` + bash, the same limits", untilPrompt("exit\n", argv...)})
	}
	if len(there) < 2 {
		notes = append(notes, "An engine that isn't in the table doesn't run here.")
	}
	results, err := race(ctx, r.rounds(25), runners...)
	if err != nil {
		return nil, err
	}
	return []table{timings("A lab from nothing to a prompt", 0.9, results, notes...)}, nil
}

// bundle is runc's own default configuration with our image, bash and limits.
func (r *rig) bundle(ctx context.Context, runc, root string) (string, error) {
	dir := filepath.Join(r.dir, "bundle")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, runc, "spec", "--bundle", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("runc spec: %w: %s", err, out)
	}
	file := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var conf map[string]any
	if err := json.Unmarshal(raw, &conf); err != nil {
		return "", err
	}
	process, _ := conf["process"].(map[string]any)
	linux, _ := conf["linux"].(map[string]any)
	resources, _ := linux["resources"].(map[string]any)
	if process == nil || resources == nil {
		return "", errors.New("runc spec makes a configuration we don't know")
	}
	process["args"] = []string{"/bin/bash", "-l"}
	conf["root"] = map[string]any{"path": root, "readonly": true}
	limits := labs.Limits{}.WithDefaults()
	resources["memory"] = map[string]any{"limit": limits.MemoryBytes}
	resources["pids"] = map[string]any{"limit": limits.Pids}
	resources["cpu"] = map[string]any{"quota": int64(limits.CPUs * 100000), "period": 100000}
	if raw, err = json.Marshal(conf); err != nil {
		return "", err
	}
	return dir, os.WriteFile(file, raw, 0o600)
}

// An engine runs containers. The two are started by deploy/local/engines.sh.
type engine struct {
	name string
	argv []string
}

// engines are those that answer.
func engines(ctx context.Context) (all []engine) {
	for _, e := range []engine{
		{"docker", []string{"docker", "--host", os.Getenv("CMH_TEST_DOCKER")}},
		{"podman", []string{"podman", "--remote", "--url", os.Getenv("CMH_TEST_PODMAN")}},
	} {
		quick, cancel := context.WithTimeout(ctx, 10*time.Second)
		if exec.CommandContext(quick, e.argv[0], append(e.argv[1:], "info")...).Run() == nil {
			all = append(all, e)
		}
		cancel()
	}
	return all
}

// run is the command that starts our image with the engine.
func (e engine) run(ctx context.Context, root string) ([]string, error) {
	const tag = "localhost/cmh-bench:latest"
	load := exec.CommandContext(ctx, "sh", append([]string{"-c", `tar=$1 tag=$2; shift 2; tar -C "$tar" -c . | "$@" import - "$tag"`, "sh", root, tag}, e.argv...)...)
	if out, err := load.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s import: %w: %s", e.name, err, out)
	}
	return append(e.argv, "run", "--rm", "-it", "--network", "none", "--memory", "512m", "--pids-limit", "256", "--cpus", "1", tag, "/bin/bash", "-l"), nil
}
