#!/usr/bin/env bash
# Prints the share of statements the tests reach, in all and for each layer. The
# profiles are those of the tests and of the programs that they ran. Programs that
# measure or draw for the docs are left out. What runs inside a sandbox (the agent
# and stage 0) is tested there and is killed with it, so it can't report: most of
# it shows here as not reached.
set -euo pipefail
awk '
FNR > 1 {
	split($1, at, ":"); file = at[1]; sub("^github.com/cloudmastershub/cmh/", "", file)
	if (file ~ /^(bench|docs)\// || file ~ /\/(inspect|drivertest|labstest|screentest|apitest|pgtest)\//) next
	block = $1
	if (!(block in size)) { size[block] = $2; home[block] = file }
	if ($3 > 0) hit[block] = 1
}
END {
	for (b in size) {
		n = split(home[b], p, "/"); layer = p[1]
		if (n > 2 && (p[1] == "server" || p[1] == "labs" || p[1] == "cmd")) layer = p[1] "/" p[2]
		all += size[b]; per[layer] += size[b]
		if (b in hit) { got += size[b]; has[layer] += size[b] }
	}
	for (l in per) printf "  %5.1f%%  %s\n", 100 * has[l] / per[l], l | "sort -k2"
	close("sort -k2")
	printf "coverage: %.1f%% of statements\n", 100 * got / all
}' "$@"
