#!/bin/bash
# serve.sh VERSION SIDE PORT: one instance with its own data, in the foreground.
set -euo pipefail
export PUBLIC=$APP_DIR/public NODE_ENV=production
exec node "$APP_DIR/$1/shop.js" "$3"
