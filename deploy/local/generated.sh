#!/usr/bin/env bash
# Fails when the code of the GraphQL schema is not what gqlgen makes of
# docs/schema.graphql now.
#   generated.sh GQLGEN
set -euo pipefail
dir=server/internal/graph
was=$(mktemp -d)
trap 'rm -rf "$was"' EXIT
cp "$dir"/generated.go "$dir"/models_gen.go "$was"
restore() { cp -p "$was"/generated.go "$was"/models_gen.go "$dir"; }
if ! (cd "$dir" && "$1" generate --config gqlgen.yml) >"$was/log" 2>&1; then
	restore
	cat "$was/log"
	exit 1
fi
for f in generated.go models_gen.go; do
	if ! cmp -s "$was/$f" "$dir/$f"; then
		restore
		echo "$dir/$f is not what docs/schema.graphql makes: run make generate"
		exit 1
	fi
done
restore
