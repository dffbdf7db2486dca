#!/bin/sh
# Makes a bare Debian tree ($1) look like a small machine that scenarios know.
set -eu
root=$1

inside() { chroot "$root" "$@"; }

# A second person, who may use sudo where the lab allows it.
inside useradd --create-home --shell /bin/bash --uid 1000 ubuntu
inside usermod --append --groups sudo,adm ubuntu
printf 'ubuntu ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$root/etc/sudoers.d/90-ubuntu"
chmod 0440 "$root/etc/sudoers.d/90-ubuntu"

# Places that scenarios take for granted.
mkdir -p "$root/var/log/killercoda" "$root/etc/killercoda" "$root/root/tutorial" "$root/home/scrapbook"
echo lab >"$root/etc/killercoda/host"
ln -s /root/tutorial "$root/home/scrapbook/tutorial"
for name in launch.sh wait.sh; do
	printf '#!/bin/sh\n# Scenarios that need one bring their own.\nexit 0\n' >"$root/usr/local/bin/$name"
	chmod 0755 "$root/usr/local/bin/$name"
done

# Nothing of the host's hardware can be seen inside, and the programs that list
# it fail. Where /sys is empty they describe the machine that a lab is: one CPU,
# one disk.
machine=$root/usr/local/share/machine
disk=$machine/sys/devices/virtual/block/vda
mkdir -p "$disk/vda1" "$disk/queue" "$machine/sys/dev/block" "$machine/sys/block" "$machine/sys/devices/system/cpu" "$machine/proc/self"
put() { printf '%s\n' "$2" >"$1"; }
put "$disk/dev" 254:0
put "$disk/size" 2097152
put "$disk/vda1/dev" 254:1
put "$disk/vda1/start" 2048
put "$disk/vda1/size" 2095104
put "$disk/vda1/partition" 1
for part in "$disk" "$disk/vda1"; do put "$part/ro" 0; done
for flag in removable queue/rotational; do put "$disk/$flag" 0; done
ln -s ../devices/virtual/block/vda "$machine/sys/block/vda"
ln -s ../../devices/virtual/block/vda "$machine/sys/dev/block/254:0"
ln -s ../../devices/virtual/block/vda/vda1 "$machine/sys/dev/block/254:1"
put "$machine/proc/self/mountinfo" '21 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw'
: >"$machine/proc/swaps"
for list in possible present online; do put "$machine/sys/devices/system/cpu/$list" 0; done
ln -s /proc/cpuinfo "$machine/proc/cpuinfo"
for name in lsblk lscpu; do
	cat >"$root/usr/local/bin/$name" <<-EOF
	#!/bin/sh
	[ -d /sys/devices ] || set -- --sysroot /usr/local/share/machine "\$@"
	exec /usr/bin/$name "\$@"
	EOF
	chmod 0755 "$root/usr/local/bin/$name"
done

# ping asks for a capability that nobody inside has, and does without it when
# the file doesn't ask (a copy doesn't).
if [ -x "$root/usr/bin/ping" ]; then
	cp "$root/usr/bin/ping" "$root/usr/bin/ping.plain"
	mv "$root/usr/bin/ping.plain" "$root/usr/bin/ping"
fi

# "service ssh start" works as on any machine, with keys that no other has.
cat >>"$root/etc/default/ssh" <<'EOF'

# Made at the first start: the image holds none.
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
EOF

# Nothing here is systemd, and much speaks to it about services that run without.
# What these two can't do honestly they refuse in systemctl's own words.
cat >"$root/usr/local/bin/systemctl" <<'EOF'
#!/bin/sh
# Answers for services that have a script in /etc/init.d. There is no systemd
# here: no units of your own, no timers, no journal.
refuse() {
	echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2
	echo "Failed to connect to bus: Host is down" >&2
	exit 1
}
for arg; do
	shift
	case $arg in
	--now) now=yes ;;
	--quiet | -q) exec >/dev/null ;;
	--no-pager | --full | -l | --system | --no-block | --no-ask-password | --force | -f) ;;
	-*) refuse ;;
	*) set -- "$@" "$arg" ;;
	esac
done
verb=$1
[ $# -eq 0 ] || shift
case $verb in
daemon-reload) exit 0 ;;
start | stop | restart | reload | reload-or-restart | try-restart | force-reload | enable | disable)
	if [ "$(id -u)" -ne 0 ]; then
		echo "Failed to $verb $1: Access denied" >&2
		exit 4
	fi ;;
status | is-active | is-enabled | is-failed) ;;
*) refuse ;;
esac
if [ $# -eq 0 ]; then
	[ "$verb" != status ] || refuse
	echo "Too few arguments." >&2
	exit 1
fi
ran() { "$script" status >/dev/null 2>&1; }
starts() { for link in /etc/rc2.d/S??"$unit"; do [ -e "$link" ] && return; done; return 1; }
sets() { # how links in rcN.d begin
	rm -f /etc/rc[2-5].d/[SK]??"$unit"
	for level in 2 3 4 5; do ln -s "../init.d/$unit" "/etc/rc$level.d/$1$unit"; done
}
tells() { # init script's verb
	"$script" "$1" >/dev/null 2>&1 </dev/null && return
	echo "Job for $unit.service failed because the control process exited with error code." >&2
	return 1
}
one() {
	script=/etc/init.d/$unit
	case $unit in *[!A-Za-z0-9@._-]* | .*) script=/nonexistent ;; esac
	if [ ! -x "$script" ]; then
		case $verb in
		is-active | is-failed) echo inactive; return 4 ;;
		is-enabled) echo "Failed to get unit file state for $unit.service: No such file or directory" >&2; return 1 ;;
		status) echo "Unit $unit.service could not be found." >&2; return 4 ;;
		enable | disable) echo "Failed to $verb unit: Unit file $unit.service does not exist." >&2; return 1 ;;
		*) echo "Failed to $verb $unit.service: Unit $unit.service not found." >&2; return 5 ;;
		esac
	fi
	case $verb in
	start) ran || tells start ;;
	stop) ! ran || tells stop ;;
	restart | reload-or-restart) tells restart ;;
	try-restart) ! ran || tells restart ;;
	reload | force-reload)
		ran || { echo "$unit.service is not active, cannot reload." >&2; return 1; }
		tells "$verb" ;;
	enable) sets S01; [ -z "$now" ] || ran || tells start ;;
	disable) sets K01; [ -z "$now" ] || ! ran || tells stop ;;
	is-active) if ran; then echo active; else echo inactive; return 3; fi ;;
	is-failed) if ran; then echo active; else echo inactive; fi; return 1 ;;
	is-enabled) if starts; then echo enabled; else echo disabled; return 1; fi ;;
	status)
		about=$(sed -n 's/^# Short-Description:[[:space:]]*//p' "$script")
		starts && state=enabled || state=disabled
		ran && active='active (running)' || active='inactive (dead)'
		printf '%s %s.service - %s\n     Loaded: loaded (%s; %s)\n     Active: %s\n' \
			"$(ran && echo '●' || echo '○')" "$unit" "${about:-$unit}" "$script" "$state" "$active"
		ran || return 3 ;;
	esac
}
worst=0
for unit; do
	unit=${unit%.service}
	case $unit in sshd) unit=ssh ;; crond) unit=cron ;; esac
	one || worst=$?
done
exit "$worst"
EOF
cat >"$root/usr/local/bin/hostnamectl" <<'EOF'
#!/bin/sh
# Shows and sets the name of this machine, and nothing else of hostnamectl's.
case $1 in
set-hostname | hostname)
	[ -n "$2" ] || exec hostname
	hostname "$2" && echo "$2" >/etc/hostname ;;
'' | status) printf '   Static hostname: %s\n  Operating System: %s\n            Kernel: %s\n' \
	"$(hostname)" "$(. /etc/os-release && echo "$PRETTY_NAME")" "$(uname -sr)" ;;
*) echo "Unknown command verb $1." >&2; exit 1 ;;
esac
EOF
chmod 0755 "$root/usr/local/bin/systemctl" "$root/usr/local/bin/hostnamectl"

# Every interactive bash: a prompt that says who and where, and a history
# that is on disk after each command, because checks read it.
cat >"$root/etc/bash.bashrc" <<'EOF'
[ -z "$PS1" ] && return
shopt -s checkwinsize histappend
HISTFILE=~/.bash_history
HISTCONTROL=
HISTSIZE=10000
HISTFILESIZE=10000
PROMPT_COMMAND='history -a'
PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
alias ls='ls --color=auto' ll='ls -alF' grep='grep --color=auto'
_read_completions() {
	. /usr/share/bash-completion/bash_completion
	_completion_loader "$@"
}
[ -r /usr/share/bash-completion/bash_completion ] && complete -D -F _read_completions
EOF
# Completions are read at the first Tab that asks for some: reading them at
# every start was a third of what a learner waits for a prompt. The programs
# that Debian's profiles run, to learn what the shell knows, were more of it.
rm -f "$root/etc/profile.d/bash_completion.sh"
sed -i 's/"$(id -u)"/"${EUID:-$(id -u)}"/' "$root/etc/profile"
cat >"$root/root/.profile" <<'EOF'
[ -n "$BASH" ] && [ -f ~/.bashrc ] && . ~/.bashrc
true
EOF
cat >"$root/root/.bashrc" <<'EOF'
# Yours to change. What every shell here begins with is in /etc/bash.bashrc.
EOF
cp "$root/root/.bashrc" "$root/home/ubuntu/.bashrc"
inside chown ubuntu:ubuntu /home/ubuntu/.bashrc
touch "$root/root/.hushlogin"
printf 'LANG=C.UTF-8\n' >"$root/etc/default/locale"
printf 'Acquire::http::Timeout "3";\nAcquire::Retries "0";\n' >"$root/etc/apt/apt.conf.d/90offline"

# Nothing that two machines would share by mistake.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
	"$root"/var/log/*.log "$root"/var/log/apt
