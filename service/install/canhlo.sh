#!/bin/sh
# The service's commands, as its own account and with its own settings.
if [ "$(id -u)" -ne 0 ]; then exec sudo env LANG="${LANG:-}" "$0" "$@"; fi
# What systemd keeps secret for the service, also while that is stopped.
KEPT=
for file in /etc/canhlo/*.cred; do
  [ -e "$file" ] || continue
  [ -n "$KEPT" ] || { KEPT=$(mktemp -d /run/canhlo-XXXXXX) && trap 'rm -rf "$KEPT"' EXIT && trap 'exit 130' INT TERM; }
  name=$(basename "$file" .cred)
  systemd-creds decrypt --quiet --name="$name" "$file" "$KEPT/$name" || exit 1
done
[ -z "$KEPT" ] || chown -R canhlo: "$KEPT"
set -- sh -c 'set -a; . /etc/canhlo/canhlo.env; set +a; exec /opt/canhlo/bin/canhlo "$@"' canhlo "$@"
runuser -u canhlo -- env LANG="${LANG:-}" ${KEPT:+CREDENTIALS_DIRECTORY="$KEPT"} "$@"
