#!/usr/bin/env bash
# Looks for known vulnerabilities in what we call. The database is a web
# service; where it cannot be had (CMH_VULN_DB names a local copy, such as
# file:///srv/vulndb) the step is skipped aloud, and with CMH_STRICT=1 fails.
#   govulncheck.sh VERSION BINARY
set -euo pipefail
version=$1 bin=$2
db=${CMH_VULN_DB:-https://vuln.go.dev}
skip() {
	echo "SKIPPED: govulncheck: $1"
	[ -z "${CMH_STRICT:-}" ]
	exit
}
if [[ $db == http* ]] && ! curl -fsS -m 5 -o /dev/null "$db/index/db.json" 2>/dev/null; then
	skip "$db cannot be reached from here; set CMH_VULN_DB to a copy"
fi
[ -x "$bin" ] || GOBIN=$(dirname "$bin") go install "golang.org/x/vuln/cmd/govulncheck@v$version"
"$bin" -db "$db" ./...
