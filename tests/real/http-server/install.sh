#!/bin/bash
# http-server 0.12.3 and 14.1.1, and one folder of files.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../npm.sh" "$APP_DIR/old" http-server 0.12.3
"$here/../npm.sh" "$APP_DIR/new" http-server 14.1.1
python3 "$here/data.py" "$APP_DIR/site"
