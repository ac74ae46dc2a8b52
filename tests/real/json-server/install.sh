#!/bin/bash
# json-server 0.17.4 and 1.0.0-beta.3, and one database of four tables.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../npm.sh" "$APP_DIR/old" json-server 0.17.4
"$here/../npm.sh" "$APP_DIR/new" json-server 1.0.0-beta.3
python3 "$here/data.py" "$APP_DIR"
