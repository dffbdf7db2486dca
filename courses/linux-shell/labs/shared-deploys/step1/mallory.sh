#!/usr/bin/env bash
probe=/srv/app/.check-$$
trap 'rm -f "$probe"' EXIT

su mallory -s /bin/sh -c "touch $probe" 2>/dev/null && { echo "mallory can create files in /srv/app. Only the team should."; exit 1; }
su mallory -s /bin/sh -c "cat /srv/app/VERSION" >/dev/null 2>&1 ||
	{ echo "mallory can't read /srv/app/VERSION any more. Reading is allowed to everybody."; exit 1; }
su mallory -s /bin/sh -c "[ ! -w /srv/app/VERSION ]" || { echo "mallory can write /srv/app/VERSION."; exit 1; }
