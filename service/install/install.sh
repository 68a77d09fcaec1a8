#!/bin/sh
# Cài máy chủ Canh Lò trên Debian hoặc Raspberry Pi OS / install the Canh Lò service on Debian or Raspberry Pi OS:
#   sudo sh install.sh canhlo-0.1.0-py3-none-any.whl [https://ADDRESS]
# Chạy lại để nâng cấp; cài đặt và số đo được giữ / run it again to upgrade; settings and readings are kept.
set -eu

say() { printf '%s\n' "$*"; }

WHEEL=${1:?"cần tệp .whl / wanted the wheel: sudo sh install.sh canhlo-*.whl [https://ADDRESS]"}
ADDRESS=${2:-}
case $#:$ADDRESS in
1: | 2: | 2:http://* | 2:https://*) ;;
*)
  say "Cần một tệp .whl, rồi địa chỉ http(s)://...; đã ghi: $*. Trong thư mục có nhiều tệp .whl thì ghi rõ một tệp." >&2
  say "Wanted one wheel, then an address http(s)://...; given: $*. If the folder has several wheels, name one." >&2
  exit 2
  ;;
esac
ROOT=${CANHLO_ROOT:-}  # another root, for images and tests: no account is made there, and nothing is started
SYSTEMCTL=${CANHLO_SYSTEMCTL:-$([ -n "$ROOT" ] && echo false || echo systemctl)}  # tests have one of their own
PYTHON=${PYTHON:-python3}
HOME_DIR=$ROOT/opt/canhlo
CONFIG=$ROOT/etc/canhlo/canhlo.env
UNITS=$ROOT/etc/systemd/system
LIBRARY=$ROOT/usr/local/lib/canhlo

from_wheel() { "$PYTHON" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$WHEEL" "service/install/$1"; }

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
  id canhlo >/dev/null 2>&1 || useradd --system --home-dir /var/lib/canhlo --shell /usr/sbin/nologin canhlo
fi

if [ -e "$UNITS/canhlo-backup.service" ] && "$SYSTEMCTL" is-active --quiet canhlo.service 'canhlo@*.service'; then
  say "Sao lưu trước khi nâng cấp / a backup before the upgrade"
  if ! "$SYSTEMCTL" start canhlo-backup.service; then
    say "Không sao lưu được nên chưa thay gì: xem journalctl -u canhlo-backup. Vẫn muốn nâng cấp thì dừng máy chủ trước." >&2
    say "No backup, so nothing was changed: see journalctl -u canhlo-backup. To upgrade all the same, stop the service." >&2
    exit 1
  fi
fi

mkdir -p "$(dirname "$CONFIG")" "$UNITS" "$LIBRARY" "$ROOT/usr/local/bin" "$ROOT/var/lib/canhlo" "$ROOT/var/backups/canhlo"
# Debian lên bản mới thì Python cũ không còn / an upgrade of Debian takes the Python away that all was installed for
"$HOME_DIR/bin/python" -c 'import pip' 2>/dev/null || "$PYTHON" -m venv --clear "$HOME_DIR"
from_wheel run.txt > "$HOME_DIR/run.txt"
"$HOME_DIR/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$HOME_DIR/run.txt"
"$HOME_DIR/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$WHEEL"

test -e "$CONFIG" || from_wheel canhlo.env > "$CONFIG"
sed -i '/^CANHLO_PUSH_CONTACT=mailto:canhlo@localhost$/d' "$CONFIG"  # iPhone không nhận / iPhones take none from there
if [ -n "$ADDRESS" ]; then
  sed -i "s|^CANHLO_PUBLIC_URL=.*|CANHLO_PUBLIC_URL=$ADDRESS|" "$CONFIG"
fi
chmod 640 "$CONFIG"
for unit in canhlo.service canhlo-backup.service canhlo-backup.timer; do
  from_wheel "$unit" > "$UNITS/$unit"
done
if [ -e "$UNITS/canhlo@.service" ]; then  # nhiều tiến trình / several processes, as docs/install.md has it
  sed 's#canhlo serve#& --port %i#' "$UNITS/canhlo.service" > "$UNITS/canhlo@.service"
fi
from_wheel backup.sh > "$LIBRARY/backup"
from_wheel canhlo.sh > "$ROOT/usr/local/bin/canhlo"
chmod 755 "$LIBRARY/backup" "$ROOT/usr/local/bin/canhlo"

if [ -z "$ROOT" ]; then
  chown root:canhlo "$CONFIG"
  chown -R canhlo:canhlo /var/lib/canhlo /var/backups/canhlo
  chmod 750 /var/lib/canhlo /var/backups/canhlo
fi

if [ "$SYSTEMCTL" != false ]; then
  "$SYSTEMCTL" daemon-reload
  "$SYSTEMCTL" enable --quiet --now canhlo-backup.timer
  if [ -e "$UNITS/canhlo@.service" ]; then
    "$SYSTEMCTL" try-restart canhlo.service 'canhlo@*.service'
  else
    "$SYSTEMCTL" enable --quiet canhlo.service
    "$SYSTEMCTL" restart canhlo.service
    # Cài đặt sai thì máy dừng ngay trong giây đầu / with a wrong setting it ends within its first seconds
    for _ in 1 2 3 4 5; do
      sleep "${CANHLO_LOOKS_EVERY_S:-1}"
      if ! "$SYSTEMCTL" is-active --quiet canhlo.service; then
        say "Máy chủ KHÔNG chạy, lò không được trông: xem lý do bằng journalctl -u canhlo -n 20, sửa $CONFIG, rồi systemctl restart canhlo." >&2
        say "The service does NOT run, and kilns are not watched: journalctl -u canhlo -n 20 says why. Mend $CONFIG, then systemctl restart canhlo." >&2
        exit 1
      fi
    done
  fi
fi

say "Đã cài / installed."
say "  journalctl -u canhlo                     liên kết tạo tài khoản đầu tiên ở đây / the link for the first account is here"
say "  sudo nano /etc/canhlo/canhlo.env         cài đặt / settings"
say "  canhlo verify                            đọc lại mọi số đo / reads everything back"
