#!/bin/sh
# Nhật ký được chép ngay sang một máy thứ hai, nơi kẻ vào được máy chủ không sửa được / the log goes on at once to a second
# machine, where whoever gets into the first cannot change it. Debian 12, 13, Raspberry Pi OS:
#   sudo sh logs.sh receive                        ở máy nhận / on the machine that keeps it
#   sudo sh logs.sh send sender.tar 192.168.1.20   ở máy chủ: tệp do máy nhận làm, địa chỉ máy nhận
#                                                  on the service's: the file made there, and where that machine is
set -eu

say() { printf '%s\n' "$*"; }

ROOT=${CANHLO_ROOT:-}  # another root, for tests: nothing is installed there, and nothing is started
KEYS=/etc/canhlo-logs
DAYS=3650

usage() {
  say "Cần / wanted: sudo sh $0 receive    hoặc / or    sudo sh $0 send sender.tar HOST" >&2
  exit 2
}

run_openssl() {
  if ! openssl "$@" 2> openssl.log; then
    cat openssl.log >&2
    exit 1
  fi
  rm openssl.log
}

# NAME: một cặp khoá do máy nhận ký / a pair of keys that the receiver vouches for
sign() {
  run_openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  printf 'subjectAltName=DNS:%s\n' "$1" > "$1.ext"
  run_openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$DAYS" -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}

receive() {
  if [ ! -e canhlo-keeper.pem ]; then
    run_openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Canh Lo logs" -days "$DAYS" \
      -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
    sign canhlo-keeper
  fi
  sign canhlo-sender
  tar -cf sender.tar ca.pem canhlo-sender.pem canhlo-sender.key
  rm canhlo-sender.pem canhlo-sender.key
  cat > "$ROOT/etc/rsyslog.d/canhlo-receive.conf" <<END
module(load="imrelp")
template(name="canhlo-file" type="string" string="/var/log/canhlo/%FROMHOST-IP%.log")
ruleset(name="canhlo-logs") { action(type="omfile" dynaFile="canhlo-file" dirCreateMode="0750" fileCreateMode="0640") }
input(type="imrelp" port="6514" ruleset="canhlo-logs" tls="on"
      tls.caCert="$KEYS/ca.pem" tls.myCert="$KEYS/canhlo-keeper.pem" tls.myPrivKey="$KEYS/canhlo-keeper.key"
      tls.authMode="name" tls.permittedPeer=["canhlo-sender"])
END
  cat > "$ROOT/etc/logrotate.d/canhlo-logs" <<END
/var/log/canhlo/*.log {
  weekly
  rotate 53
  compress
  delaycompress
  missingok
  notifempty
  sharedscripts
  postrotate
    /usr/lib/rsyslog/rsyslog-rotate
  endscript
}
END
  restart
  say "Chép $KEYS/sender.tar sang máy chủ, ở đó chạy: sudo sh logs.sh send sender.tar ĐỊA_CHỈ_MÁY_NÀY, rồi xoá tệp ở cả hai máy."
  say "Copy $KEYS/sender.tar to the service's machine, run there: sudo sh logs.sh send sender.tar ADDRESS_OF_THIS, and"
  say "delete the file on both. The log will be in / nhật ký sẽ ở: /var/log/canhlo/"
}

send() {
  tar -xf "$1" --no-same-owner ca.pem canhlo-sender.pem canhlo-sender.key
  # Máy nhận tắt thì cái chưa gửi chờ trên đĩa, tới 200 MB / while the receiver is away up to 200 MB wait on the disk.
  # Hơn nữa thì bỏ, để nhật ký của chính máy này không phải chờ / what is more is left out: this machine's own log must not wait.
  cat > "$ROOT/etc/rsyslog.d/canhlo-send.conf" <<END
module(load="omrelp")
action(type="omrelp" target="$2" port="6514" template="RSYSLOG_SyslogProtocol23Format" tls="on"
       tls.caCert="$KEYS/ca.pem" tls.myCert="$KEYS/canhlo-sender.pem" tls.myPrivKey="$KEYS/canhlo-sender.key"
       tls.authMode="name" tls.permittedPeer=["canhlo-keeper"]
       queue.type="Disk" queue.filename="canhlo-logs" queue.maxDiskSpace="200m" queue.checkpointInterval="1" queue.dequeueBatchSize="1"
       queue.timeoutEnqueue="0"
       action.resumeRetryCount="-1" action.resumeInterval="10")
END
  restart
  say "Nhật ký được gửi sang $2 / the log goes to $2."
}

restart() {
  [ -n "$ROOT" ] || systemctl restart rsyslog
}

case $#:${1:-} in
1:receive) ;;
3:send)
  file=$(readlink -f "$2") && [ -r "$file" ] || usage
  case $3 in '' | *[!0-9A-Za-z.:-]*) usage ;; esac
  set -- send "$file" "$3"
  ;;
*) usage ;;
esac
if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
  say "Cần quyền root / root is needed: sudo sh $0 $*" >&2
  exit 2
fi
umask 077
[ -n "$ROOT" ] || apt-get install -y rsyslog rsyslog-relp logrotate openssl
mkdir -p "$ROOT$KEYS" "$ROOT/etc/rsyslog.d" "$ROOT/etc/logrotate.d"
cd "$ROOT$KEYS"
"$@"
