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
