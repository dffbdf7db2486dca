#!/usr/bin/env bash
dir=/home/deploy/.ssh
[ -f "$dir/id_ed25519" ] || { echo "$dir/id_ed25519 is gone. Start the lab again to get it back."; exit 1; }
for f in "$dir" "$dir/id_ed25519" "$dir/id_ed25519.pub"; do
	[ -e "$f" ] || { echo "$f is gone."; exit 1; }
	[ "$(stat -c %U "$f")" = deploy ] || { echo "$f belongs to $(stat -c %U "$f")."; exit 1; }
done
