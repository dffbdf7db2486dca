#!/usr/bin/env bash
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src" "$work/cwd"
echo "$RANDOM$RANDOM" >"$work/src/row"
script=/opt/backup.sh
[ -x "$script" ] || { echo "$script is not there, or not executable."; exit 1; }
cd "$work/cwd" || exit 1
dest="$work/back ups/new"

out=$(SOURCE_DIR="$work/src" BACKUP_DIR="$dest" timeout 20 "$script" 2>&1)
status=$?
[ $status -eq 0 ] || { echo "With a BACKUP_DIR that is new and has a blank in its name, it ends with status $status: ${out:0:120}"; exit 1; }
[ "$(tar xzOf "$dest/data.tgz" ./row 2>/dev/null)" = "$(cat "$work/src/row")" ] ||
	{ echo "data.tgz in BACKUP_DIR does not hold what was in SOURCE_DIR."; exit 1; }

for how in unset empty; do
	if [ $how = unset ]; then out=$(env -u BACKUP_DIR SOURCE_DIR="$work/src" HOME="$work/cwd" timeout 20 "$script" 2>&1); else out=$(BACKUP_DIR= SOURCE_DIR="$work/src" HOME="$work/cwd" timeout 20 "$script" 2>&1); fi
	status=$?
	[ $status -ne 0 ] || { echo "With BACKUP_DIR $how it should fail, and it ended with status 0."; exit 1; }
	[[ $out == *BACKUP_DIR* ]] || { echo "With BACKUP_DIR $how it fails, but its message does not name BACKUP_DIR."; exit 1; }
done

before=$(sha256sum <"$dest/data.tgz")
SOURCE_DIR="$work/nowhere" BACKUP_DIR="$dest" timeout 20 "$script" >/dev/null 2>&1 &&
	{ echo "With a SOURCE_DIR that does not exist it should fail, and it ended with status 0."; exit 1; }
[ -f "$dest/data.tgz" ] && [ "$(sha256sum <"$dest/data.tgz")" = "$before" ] ||
	{ echo "After a failed backup, the one of last time is gone or damaged."; exit 1; }
echo "It works, it says what is missing, and it keeps the old backup when it fails."
