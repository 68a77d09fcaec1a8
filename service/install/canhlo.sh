#!/bin/sh
# The service's commands, as its own account and with its own settings.
# What systemd keeps secret for it can be read while it runs.
set -- sh -c 'set -a; . /etc/canhlo/canhlo.env; set +a
  test ! -d /run/credentials/canhlo.service || export CREDENTIALS_DIRECTORY=/run/credentials/canhlo.service
  exec /opt/canhlo/bin/canhlo "$@"' canhlo "$@"
if [ "$(id -u)" -eq 0 ]; then
  exec runuser -u canhlo -- env LANG="${LANG:-}" "$@"
fi
exec sudo -u canhlo env LANG="${LANG:-}" "$@"
