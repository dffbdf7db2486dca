#!/usr/bin/env bash
probe=/srv/app/.check-$$
trap 'rm -f "$probe"' EXIT

su ben -s /bin/sh -c "umask 002; echo x >$probe" 2>/dev/null || { echo "ben still can't create a file in /srv/app."; exit 1; }
[ "$(stat -c %G "$probe")" = web ] ||
	{ echo "ben's new file has the group $(stat -c %G "$probe"). New files should take the folder's group by themselves: setgid."; exit 1; }
su ana -s /bin/sh -c "echo y >>$probe" 2>/dev/null || { echo "ana can't change a file that ben created."; exit 1; }
