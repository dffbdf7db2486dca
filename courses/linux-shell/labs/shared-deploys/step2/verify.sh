#!/usr/bin/env bash
dir=/home/deploy/.ssh key=/home/deploy/.ssh/id_ed25519
[ -f "$key" ] || { echo "$key is gone. Start the lab again to get it back."; exit 1; }
for f in "$dir" "$key" "$key.pub"; do
	[ -e "$f" ] || { echo "$f is gone."; exit 1; }
	[ "$(stat -c %U "$f")" = deploy ] || { echo "$f belongs to $(stat -c %U "$f"), not to deploy."; exit 1; }
done
[ "$(stat -c %a "$dir")" = 700 ] || { echo "$dir has mode $(stat -c %a "$dir"). Only its owner should get in."; exit 1; }
case $(stat -c %a "$key") in
600 | 400) ;;
*) echo "The private key has mode $(stat -c %a "$key"). Only its owner should read it."; exit 1 ;;
esac
su deploy -s /bin/sh -c "ssh-keygen -y -f $key" >/dev/null 2>&1 || { echo "ssh still does not accept the key."; exit 1; }
echo "ssh accepts the key, and nobody else can read it."
