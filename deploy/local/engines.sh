#!/usr/bin/env bash
# Runs a command beside a Docker and a Podman engine of its own, whose sockets
# it finds in CMH_TEST_DOCKER and CMH_TEST_PODMAN. Both end with it, and with
# everything they made. They share nothing with engines that run here already.
#   engines.sh COMMAND...
# Without root there are no engines: the command is run all the same.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
	echo "engines.sh: SKIPPED: Docker and Podman engines: they need root" >&2
	exec "$@"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/cmh-engines-XXXXXX")
pids=()
stop() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	# What an engine that was killed left mounted must not be removed through.
	grep -o " $dir/[^ ]*" /proc/self/mountinfo | sort -ru | while read -r m; do umount -l "$m" 2>/dev/null || true; done
	grep -q " $dir/" /proc/self/mountinfo || rm -rf "$dir"
}
trap stop EXIT

# No network of the host's is touched: labs have none.
dockerd --data-root "$dir/docker" --exec-root "$dir/docker-run" -p "$dir/docker.pid" -H "unix://$dir/docker.sock" \
	--iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none >"$dir/docker.log" 2>&1 &
pids+=($!)

# crun refuses hosts with both versions of cgroups; runc takes them. Podman 4.3
# swaps soft and hard limits on this socket, so they are equal, and its own
# default is above what a host without CAP_SYS_RESOURCE may give.
cat >"$dir/containers.conf" <<-CONF
	[engine]
	runtime = "runc"
	cgroup_manager = "cgroupfs"
	events_logger = "none"
	[containers]
	default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
CONF
cat >"$dir/storage.conf" <<-CONF
	[storage]
	driver = "overlay"
	graphroot = "$dir/podman"
	runroot = "$dir/podman-run"
CONF
# Podman 4.3 leaves a copy of each image that it loads in its temporary folder.
mkdir "$dir/podman-temp"
TMPDIR=$dir/podman-temp CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf \
	podman --tmpdir "$dir/podman-tmp" system service --time=0 "unix://$dir/podman.sock" >"$dir/podman.log" 2>&1 &
pids+=($!)

for engine in docker podman; do
	for ((i = 0; ; i++)); do
		curl -fsS --max-time 5 --unix-socket "$dir/$engine.sock" http://engine/_ping >/dev/null 2>&1 && break
		if [ $i -gt 900 ]; then
			tail -n 20 "$dir/$engine.log" >&2
			echo "engines.sh: $engine did not start" >&2
			exit 1
		fi
		sleep 0.2
	done
done
export CMH_TEST_DOCKER=unix://$dir/docker.sock CMH_TEST_PODMAN=unix://$dir/podman.sock
"$@"
