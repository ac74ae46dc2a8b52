#!/bin/bash
# npm.sh FOLDER NAME VERSION: one npm package in a folder of its own.
set -euo pipefail
if [ -d "$1/node_modules/$2" ]; then exit; fi
mkdir -p "$1"
# verdaccio asks for node-fetch by a tag that registries may have lost.
printf '{"private":true,"dependencies":{"%s":"%s"},"overrides":{"node-fetch":"2.6.7"}}\n' "$2" "$3" >"$1/package.json"
cd "$1"
npm install --no-audit --no-fund --loglevel=error
