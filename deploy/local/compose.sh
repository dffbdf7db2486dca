#!/usr/bin/env bash
# Brings a hub up as deploy/compose.yaml and compose.labs.yaml say, uses it, restarts
# it, takes it down and brings it up again: what was there is there.
#   compose.sh DOCKER-COMPOSE    the program, 2 or newer
# Its engine is its own, in a network of its own, and ends with it. No registry is
# asked: PostgreSQL is this machine's, in a container that has its /usr to read and
# is made ready as the official image is.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
	echo "compose.sh: an engine needs root" >&2
	exit 1
fi
if [ -z "${CMH_COMPOSE_APART:-}" ]; then
	# Ports and bridges are nobody else's; what is mounted goes with it.
	CMH_COMPOSE_APART=1 exec unshare --net --mount -- "$0" "$@"
fi
ip link set lo up
ip address add 10.99.0.1/32 dev lo # where the hub finds the engine for labs
[[ $1 = /* ]] || set -- "$PWD/$1"

dir=$(mktemp -d /var/tmp/cmh-compose-XXXXXX)
engine=
stop() {
	status=$?
	trap - EXIT
	if [ -n "$engine" ]; then
		if [ $status -ne 0 ]; then
			compose logs --no-color --tail 40 >&2 || true
			tail -n 20 "$dir/docker.log" >&2
		fi
		compose down -v -t 20 >/dev/null 2>&1 || true
		docker ps -aq | xargs -r docker rm -fv >/dev/null 2>&1 || true
		kill "$engine" 2>/dev/null && wait "$engine" 2>/dev/null || true
	fi
	grep -o " $dir/[^ ]*" /proc/self/mountinfo | sort -ru | while read -r m; do umount -l "$m" 2>/dev/null || true; done
	grep -q " $dir/" /proc/self/mountinfo || rm -rf "$dir"
	exit $status
}
trap stop EXIT
compose() { (cd "$dir/deploy" && docker compose -f compose.yaml -f compose.labs.yaml -f test.yaml "$@"); }
say() { printf '== %s\n' "$*"; }
must() { # must WHAT COMMAND...: it says WHAT
	local out
	out=$("${@:2}" 2>&1) || { echo "compose.sh: ${*:2}: $out" >&2; exit 1; }
	grep -qE -- "$1" <<<"$out" || { echo "compose.sh: ${*:2} says, and not $1: $out" >&2; exit 1; }
}

export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir/config
mkdir -p "$dir/config/cli-plugins"
ln -s "$1" "$dir/config/cli-plugins/docker-compose"

say "An engine, which labs reach by certificates"
mkdir -p "$dir/deploy/secrets/engine"
(
	cd "$dir/deploy/secrets/engine"
	key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
	sign() { # sign NAME USAGE EXTENSION
		key "$1-key.pem"
		openssl req -new -key "$1-key.pem" -subj "/CN=$1" | openssl x509 -req -days 2 -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
			-extfile <(printf 'extendedKeyUsage=%s\n%s\n' "$2" "${3:-}") -out "$1.pem" 2>/dev/null
	}
	key ca-key.pem
	openssl req -x509 -new -key ca-key.pem -days 2 -subj /CN=cmh-compose -out ca.pem
	sign server serverAuth subjectAltName=IP:10.99.0.1
	sign client clientAuth
	mv client.pem cert.pem && mv client-key.pem key.pem
)
certs=$dir/deploy/secrets/engine
dockerd --data-root "$dir/docker" --exec-root "$dir/docker-run" -p "$dir/docker.pid" -H "$DOCKER_HOST" -H tcp://10.99.0.1:2376 \
	--tlsverify --tlscacert "$certs/ca.pem" --tlscert "$certs/server.pem" --tlskey "$certs/server-key.pem" --bridge=none >"$dir/docker.log" 2>&1 &
engine=$!
for ((i = 0; ; i++)); do
	docker version >/dev/null 2>&1 && break
	if [ $i -gt 300 ] || ! kill -0 "$engine" 2>/dev/null; then
		tail -n 20 "$dir/docker.log" >&2
		exit 1
	fi
	sleep 0.2
done

say "Images"
deploy/local/container.sh image cmh-server:latest "-s -w" >/dev/null 2>"$dir/build.log" || { cat "$dir/build.log" >&2; exit 1; }
mkdir -p "$dir/pg"/{etc,proc,sys,dev,tmp,run,usr,docker-entrypoint.d,var/lib/postgresql/data}
for link in bin sbin lib lib64; do ln -s "usr/$link" "$dir/pg/$link"; done
printf 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' >"$dir/pg/etc/passwd"
printf 'root:x:0:\npostgres:x:999:\n' >"$dir/pg/etc/group"
chmod 1777 "$dir/pg/tmp"
chown 999:999 "$dir/pg/var/lib/postgresql" "$dir/pg/var/lib/postgresql/data"
pg=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)")
cat >"$dir/pg/start" <<'SH'
#!/bin/bash
# As the official image: root gives the folder away, and what is there first is
# made by a server that nobody but itself reaches.
set -eu
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
	chown 999:999 $data /run && chmod 700 $data
	exec setpriv --reuid 999 --regid 999 --clear-groups "$0"
fi
if [ ! -s $data/PG_VERSION ]; then
	initdb -D $data -U "$POSTGRES_USER" --pwfile=<(cat "$POSTGRES_PASSWORD_FILE") ${POSTGRES_INITDB_ARGS:-}
	echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
	pg_ctl -D $data -o "-c listen_addresses='' -k /run" -w start
	psql -h /run -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
	pg_ctl -D $data -m fast -w stop
fi
exec postgres -D $data -c listen_addresses='*' -k /run
SH
chmod 755 "$dir/pg/start"
tar -C "$dir/pg" -c . | docker import -c "ENV PATH=$pg:/usr/bin:/bin PGHOST=/run" -c 'ENTRYPOINT ["/start"]' -c 'VOLUME /var/lib/postgresql/data' - cmh-test-postgres >/dev/null
cp deploy/compose.yaml deploy/compose.labs.yaml "$dir/deploy/"
cat >"$dir/deploy/test.yaml" <<'YAML'
services:
  db:
    image: cmh-test-postgres
    stop_signal: SIGINT
    volumes: ["/usr:/usr:ro"]
YAML

# As the head of compose.yaml says.
cd "$dir/deploy"
chmod 700 secrets secrets/engine
head -c 24 /dev/urandom | base64 | tr -d '/+=\n' >secrets/db_password
echo "db:5432:cmh:cmh:$(cat secrets/db_password)" >secrets/pgpass
chmod 444 secrets/db_password secrets/pgpass secrets/engine/*
export CMH_LAB_ENGINE=tcp://10.99.0.1:2376 CMH_SSH_HOST=127.0.0.1 CMH_LAB_OLD_RUNC=yes

say "Up"
compose up -d --wait --wait-timeout 240 >/dev/null 2>&1 || { compose ps -a >&2; exit 1; }
password=$(head -c 24 /dev/urandom | base64)
compose exec -T hub cmh-server admin create --email ada@example.com --role instructor --password-stdin <<<"$password"

export CMH_SERVER=http://127.0.0.1:8080 CMH_CONFIG_DIR=$dir/learner HOME=$dir
unset CMH_TOKEN
cmh=$OLDPWD/bin/cmh
say "Sign in, browse, learn"
must ada "$cmh" auth login --email ada@example.com --password-stdin --insecure-storage <<<"$password"
must linux-shell "$cmh" course list
must 'linux-shell' "$cmh" course enroll linux-shell --json
lesson=$("$cmh" lesson list linux-shell --jq '.[0].id')
must 100 "$cmh" lesson done linux-shell "$lesson" --json

say "A lab, by the published port and stock ssh"
mkdir -p scenarios/small && git init -q scenarios
echo '{"title": "Small", "details": {"steps": [{"title": "Small", "text": "step.md", "verify": "verify.sh"}]}, "backend": {"imageid": "ubuntu"}}' >scenarios/small/index.json
echo 'image: tiny' >scenarios/small/lab.yaml
echo "Make \`/root/small\`." >scenarios/small/step.md
printf '#!/bin/sh\ntest -s /root/small\n' >scenarios/small/verify.sh
must '"runnable":true' "$cmh" author import killercoda scenarios --slug small --json
ssh-keygen -q -t ed25519 -N '' -f "$dir/id"
must . "$cmh" key add "$dir/id.pub"
lab=$("$cmh" lab list --course small --jq '.[0].id')
session=$("$cmh" lab start "$lab" --detach --jq .session_id)
"$cmh" lab wait "$session" --timeout 180s >/dev/null
"$cmh" ssh-config >"$dir/ssh.conf"
inside() { ssh -F "$dir/ssh.conf" -i "$dir/id" -o BatchMode=yes "$session" "$@"; }
must '^0$' inside 'stat -c %u /etc/passwd'
must . inside 'echo here >/root/small; cat /root/small'
must . "$cmh" lab check "$session"
must linux-shell ssh -F "$dir/ssh.conf" -i "$dir/id" -o BatchMode=yes -l ada "$session" course list --json
must ada "$cmh" auth status --json

there() {
	must '"progress_percentage":100' "$cmh" progress --json
	must "$1" inside 'cat /root/small'
}
say "Restarted"
compose restart -t 60 >/dev/null 2>&1
compose up -d --wait --wait-timeout 240 >/dev/null 2>&1
there '^here$'
say "Down, and up again"
compose down -t 60 >/dev/null 2>&1
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
	echo "compose.sh: it is down and answers" >&2
	exit 1
fi
compose up -d --wait --wait-timeout 240 >/dev/null 2>&1
there '^here$'
must . "$cmh" lab stop "$session" --yes
compose exec -T db pg_dump -Fc -U cmh cmh >"$dir/hub.dump"
must PGDMP head -c 5 "$dir/hub.dump"
say "Down for good"
compose down -v -t 60 >/dev/null 2>&1
