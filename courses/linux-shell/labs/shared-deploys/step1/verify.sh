#!/usr/bin/env bash
probe=.check-$$
trap 'rm -f "/srv/app/$probe" "/srv/app/$probe-m"' EXIT

[ "$(stat -c %G /srv/app)" = web ] || { echo "The group of /srv/app is $(stat -c %G /srv/app), not web."; exit 1; }
su ben -s /bin/sh -c "umask 002; echo x >/srv/app/$probe" 2>/dev/null ||
	{ echo "ben still can't create a file in /srv/app."; exit 1; }
[ "$(stat -c %G "/srv/app/$probe")" = web ] ||
	{ echo "ben's new file has the group $(stat -c %G "/srv/app/$probe"). New files should take the folder's group by themselves: setgid."; exit 1; }
su ana -s /bin/sh -c "echo y >>/srv/app/$probe" 2>/dev/null ||
	{ echo "ana can't change a file that ben created."; exit 1; }
su mallory -s /bin/sh -c "touch /srv/app/$probe-m" 2>/dev/null &&
	{ echo "mallory can create files in /srv/app. Only the team should."; exit 1; }
su mallory -s /bin/sh -c "cat /srv/app/VERSION" >/dev/null 2>&1 ||
	{ echo "mallory can't read /srv/app/VERSION any more. Reading is allowed to everybody."; exit 1; }
su mallory -s /bin/sh -c "[ ! -w /srv/app/VERSION ]" ||
	{ echo "mallory can write /srv/app/VERSION."; exit 1; }
su ben -s /bin/sh -c "[ -w /srv/app/VERSION ]" ||
	{ echo "ben can't write /srv/app/VERSION, which was there before: its group, and the group's w?"; exit 1; }
echo "The team shares the folder, and mallory only reads."
