#!/bin/sh
# Backs up the installation into a new directory, and removes the oldest backups. Needs the settings of the server as
# environment variables. BACKUP_DIRECTORY: where backups are stored. BACKUP_KEEP: how many are kept (14 by default).
set -eu
umask 077
cd "$(dirname "$0")/.."
directory=${BACKUP_DIRECTORY:-/var/lib/devpilot-backups}
backup=$directory/$(date -u +%Y-%m-%dT%H%M%SZ)
rm -rf "$directory/unfinished"
trap 'rm -rf "$directory/unfinished"' EXIT
bin/node bin/devpilot.mjs backup "$directory/unfinished"
mv "$directory/unfinished" "$backup"
echo "$backup"
# The names of the directories sort by time.
ls -1d "$directory"/2*Z | head -n "-${BACKUP_KEEP:-14}" | while read -r old; do rm -rf "$old"; done
