#!/bin/sh
# Cài máy đọc can Canh Lò trên Debian hoặc Raspberry Pi OS / install the Canh Lò bridge on Debian or Raspberry Pi OS:
#   sudo sh install.sh canhlo-0.1.0-py3-none-any.whl [SERVER [CODE]]
# Chạy lại để nâng cấp; cài đặt và số đo được giữ / run it again to upgrade; settings and readings are kept.
set -eu

WHEEL=${1:?"cần tệp .whl / wanted the wheel: sudo sh install.sh canhlo-*.whl [SERVER [CODE]]"}
SERVER=${2:-}
CODE=${3:-}
ROOT=${CANHLO_ROOT:-}  # another root, for images and tests: nothing is started there and no account is made
PYTHON=${PYTHON:-python3}
HOME_DIR=$ROOT/opt/canhlo-bridge
CONFIG=$ROOT/etc/canhlo-bridge/bridge.toml
STATE=$ROOT/var/lib/canhlo-bridge
USER_NAME=canhlo-bridge

say() { printf '%s\n' "$*"; }
from_wheel() { "$PYTHON" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$WHEEL" "firmware_bridge/$1"; }

if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
  say "Cần quyền root / root is needed: sudo sh $0 $*" >&2
  exit 2
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "Cần Python 3.11 trở lên / Python 3.11 or newer is needed (Debian 12, Raspberry Pi OS bookworm)" >&2
  exit 2
fi
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || apt-get install -y python3-venv

if [ -z "$ROOT" ]; then
  id "$USER_NAME" >/dev/null 2>&1 || useradd --system --home-dir "$STATE" --shell /usr/sbin/nologin "$USER_NAME"
  usermod -aG dialout "$USER_NAME"
  if getent group gpio >/dev/null; then usermod -aG gpio "$USER_NAME"; fi
fi

mkdir -p "$(dirname "$CONFIG")" "$STATE" "$ROOT/etc/systemd/system" "$ROOT/etc/udev/rules.d" "$ROOT/usr/local/bin"
# Debian lên bản mới thì Python cũ không còn / an upgrade of Debian takes the Python away that all was installed for
"$HOME_DIR/bin/python" -c 'import pip' 2>/dev/null || "$PYTHON" -m venv --clear "$HOME_DIR"
from_wheel install/bridge.txt > "$HOME_DIR/bridge.txt"
# Một thư mục wheels/ bên cạnh tệp .whl thì cài không cần mạng / a folder wheels/ beside the wheel: no network is needed
WHEELS=$(dirname "$WHEEL")/wheels
if [ -d "$WHEELS" ]; then set -- --no-index --find-links "$WHEELS"; else set --; fi
"$HOME_DIR/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes "$@" -r "$HOME_DIR/bridge.txt"
"$HOME_DIR/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$WHEEL"

if [ ! -e "$CONFIG" ]; then
  from_wheel example.toml | sed \
    -e 's|^token_file = .*|token_file = "/var/lib/canhlo-bridge/bridge.token"|' \
    -e 's|^data_dir = .*|data_dir = "/var/lib/canhlo-bridge/data"|' > "$CONFIG"
fi
if [ -n "$SERVER" ]; then
  sed -i "s|^server = .*|server = \"$SERVER\"|" "$CONFIG"
fi
from_wheel install/canhlo-bridge.service > "$ROOT/etc/systemd/system/canhlo-bridge.service"
from_wheel install/70-canhlo-bridge.rules > "$ROOT/etc/udev/rules.d/70-canhlo-bridge.rules"
from_wheel install/canhlo-bridge.sh > "$ROOT/usr/local/bin/canhlo-bridge"
chmod 755 "$ROOT/usr/local/bin/canhlo-bridge"

if [ -z "$ROOT" ]; then
  chown -R "$USER_NAME:$USER_NAME" "$STATE"
  chmod 750 "$STATE"
  udevadm control --reload || true
  systemctl daemon-reload
  systemctl enable --quiet canhlo-bridge.service
  if [ -n "$CODE" ]; then canhlo-bridge pair "$CODE"; fi
  systemctl try-restart canhlo-bridge.service
fi

say "Đã cài. Tiếp theo / installed. Next:"
say "  1. canhlo-bridge scan                    tìm thiết bị đo / find the instruments"
say "  2. sudo nano /etc/canhlo-bridge/bridge.toml"
if [ -z "$CODE" ]; then say "  3. canhlo-bridge pair CODE               mã trên trang / the code on the page"; fi
say "  4. canhlo-bridge --check"
say "  5. sudo systemctl restart canhlo-bridge  rồi / then: canhlo-bridge watch"
