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
