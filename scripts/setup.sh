#!/usr/bin/env bash
# Make .venv with the packages of uv.lock. Needs Python 3.11+, nothing else: uv itself is brought when missing.
set -euo pipefail
cd "$(dirname "$0")/.."

python=""
for candidate in python3.13 python3.12 python3.11 python3 python; do
  if command -v "$candidate" >/dev/null 2>&1 \
    && "$candidate" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
    python=$(command -v "$candidate")
    break
  fi
done
if [ -z "$python" ]; then
  echo "setup: needs Python 3.11, 3.12 or 3.13 on the PATH, found none" >&2
  exit 1
fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  if [ ! -x .uv/bin/uv ]; then
    echo "setup: bringing uv into .uv/"
    "$python" -m venv .uv
    .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8"
  fi
  uv=.uv/bin/uv
fi

echo "setup: installing the locked packages into .venv (about 1.5 GB)"
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
"$uv" sync --frozen --quiet --python "$python"
