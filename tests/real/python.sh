#!/bin/bash
# Prints a Python of this version (3.9), from the path or from pyenv; else any python3.
version=$1
for python in "$(command -v "python$version")" "$HOME"/.pyenv/versions/"$version".*/bin/python3 "$(command -v python3)"; do
    if [ -x "$python" ] && "$python" -c 'import venv, ensurepip' 2>/dev/null; then echo "$python"; exit; fi
done
echo "python.sh: no Python with venv" >&2
exit 1
