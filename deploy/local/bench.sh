#!/usr/bin/env bash
# Measures the built binaries against floors of the same run (package bench)
# and prints Markdown. Further arguments go to the program: bench.sh -only cli
set -euo pipefail
cd "$(dirname "$0")/../.."
export CMH_IMAGE_DIR=${CMH_IMAGE_DIR:-$([ "$(id -u)" = 0 ] && echo /var/cache/cmh/images || echo "${XDG_CACHE_HOME:-$HOME/.cache}/cmh/images")}
[ -z "${MAKELEVEL:-}" ] && make --no-print-directory build >&2 # no figures of yesterday's programs
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/bench" ./bench
"$bin/bench" "$@"
