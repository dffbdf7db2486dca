#!/usr/bin/env bash
set -euo pipefail
groupadd -f web
for user in ana ben deploy mallory; do
	id "$user" >/dev/null 2>&1 || useradd -m -s /bin/bash "$user"
done
usermod -aG web ana
usermod -aG web ben

mkdir -p /srv/app
chown ana:ana /srv/app
chmod 755 /srv/app
echo "release 41" >/srv/app/VERSION
chown ana:ana /srv/app/VERSION
chmod 644 /srv/app/VERSION

mkdir -p /home/deploy/.ssh
chmod 755 /home/deploy/.ssh
rm -f /home/deploy/.ssh/id_ed25519 /home/deploy/.ssh/id_ed25519.pub
ssh-keygen -q -t ed25519 -N '' -C deploy -f /home/deploy/.ssh/id_ed25519
chown -R root:root /home/deploy/.ssh
chmod 644 /home/deploy/.ssh/id_ed25519

mkdir -p /srv/data
echo "customer,plan" >/srv/data/customers.csv
cat >/opt/backup.sh <<'SCRIPT'
#!/usr/bin/env bash
# Keeps /srv/data as $BACKUP_DIR/data.tgz. The folder to keep is $SOURCE_DIR, if it is set.
cd $BACKUP_DIR
rm -f data.tgz
tar czf data.tgz -C ${SOURCE_DIR:-/srv/data} . 2>/dev/null
echo "backup done"
SCRIPT
chmod 755 /opt/backup.sh
