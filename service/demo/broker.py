"""A real MQTT broker for the demo: Mosquitto if the machine has it, else amqtt from PyPI."""

import getpass
import shutil
import socket
import sys
from pathlib import Path

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_inflight_messages 0
max_queued_messages 0
user {user}
"""
_AMQTT = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


def broker_command(folder: Path, port: int) -> list[str]:
    """Return the command that runs a broker on 127.0.0.1:port, with whatever it must keep in the folder."""
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    config = folder / "broker.conf"
    if mosquitto is not None:
        config.write_text(_MOSQUITTO.format(port=port, folder=folder, user=getpass.getuser()))
        return [mosquitto, "-c", str(config)]
    config.write_text(_AMQTT.format(port=port))
    return [str(Path(sys.executable).with_name("amqtt")), "-c", str(config)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
