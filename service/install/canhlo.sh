#!/bin/sh
# The service's commands, as its own account and with its own settings.
set -- sh -c 'set -a; . /etc/canhlo/canhlo.env; set +a; exec /opt/canhlo/bin/canhlo "$@"' canhlo "$@"
if [ "$(id -u)" -eq 0 ]; then
  exec runuser -u canhlo -- env LANG="${LANG:-}" "$@"
fi
exec sudo -u canhlo env LANG="${LANG:-}" "$@"
