cat > /opt/backup.sh <<'SCRIPT'
#!/usr/bin/env bash
# Keeps /srv/data as $BACKUP_DIR/data.tgz. The folder to keep is $SOURCE_DIR, if it is set.
set -euo pipefail
: "${BACKUP_DIR:?set BACKUP_DIR to where backups go}"

mkdir -p "$BACKUP_DIR"
dest="$BACKUP_DIR/data.tgz"
trap 'rm -f "$dest.tmp"' EXIT
tar czf "$dest.tmp" -C "${SOURCE_DIR:-/srv/data}" .
mv "$dest.tmp" "$dest"
echo "backup done"
SCRIPT
