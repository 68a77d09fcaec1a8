#!/bin/sh
# The bridge's commands, as the account of its service: it sees what the service sees, and no file changes owner.
set -- /opt/canhlo-bridge/bin/canhlo-bridge --config /etc/canhlo-bridge/bridge.toml "$@"
if [ "$(id -u)" -eq 0 ]; then
  exec runuser -u canhlo-bridge -- env LANG="${LANG:-}" "$@"
fi
exec sudo -u canhlo-bridge env LANG="${LANG:-}" "$@"
