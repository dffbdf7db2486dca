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
	docker, remove := dockerRun(ctx, root.Path)
	defer remove()
	if docker != nil {
		runners = append(runners, runner{"`docker run --network none` + bash", untilPrompt("exit\n", docker...)})
	} else {
		notes = append(notes, "No Docker daemon answers here, so Docker isn't measured.")
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

// dockerRun is the command that starts our image with Docker, or nil where no
// daemon answers.
func dockerRun(ctx context.Context, root string) (argv []string, remove func()) {
	const tag = "cmh-bench:latest"
	none := func() {}
	quick, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if exec.CommandContext(quick, "docker", "info").Run() != nil {
		return nil, none
	}
	load := exec.CommandContext(ctx, "sh", "-c", `tar -C "$1" -c . | docker import - "$2"`, "sh", root, tag)
	if load.Run() != nil {
		return nil, none
	}
	remove = func() { _ = exec.CommandContext(context.WithoutCancel(ctx), "docker", "rmi", tag).Run() }
	return []string{"docker", "run", "--rm", "-it", "--network", "none", tag, "/bin/bash", "-l"}, remove
}
