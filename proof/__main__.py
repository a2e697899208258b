"""Run the proof line by line: ``python -m proof [LINE ...]``; a line that holds for this source is not run again."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from growthbench.base.clock import now_us, to_iso
from growthbench.base.ids import digest, folder_digest
from growthbench.base.jsonio import read_json, write_json

ROOT = Path(__file__).parents[1]
HERE = ROOT / "proof"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="*", help="lines to run (default: all)")
    parser.add_argument("--list", action="store_true", help="only list the lines and what is known of them")
    parser.add_argument("--again", action="store_true", help="run lines that already hold, too")
    args = parser.parse_args()
    tests = _lines()
    if unknown := sorted(set(args.lines) - set(tests)):
        parser.error(f"unknown line {unknown[0]!r}; lines are {', '.join(sorted(tests))}")
    source, failed = _source(), []
    for line in args.lines or sorted(tests):
        known = _known(line)
        holds = known.get("holds") and known.get("source") == source
        if args.list or (holds and not args.again):
            print(f"{line:28s} {'holds' if holds else 'stale' if known else 'not run'}", flush=True)
            continue
        print(f"{line:28s} running {len(tests[line])} test(s)", flush=True)
        result = _prove(line, tests[line], source)
        write_json(result, HERE / f"{line}.json")
        failed += [] if result["holds"] else [line]
        print(f"{line:28s} {'holds' if result['holds'] else 'FAILS'} in {result['seconds']} s", flush=True)
    if failed:
        print(f"does not hold: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _lines() -> dict[str, list[str]]:
    # A name of its own: lines may be run side by side.
    return _pytest(f"lines-{os.getpid()}", "tests", "--collect-only", "-q")["lines"]


def _prove(line: str, tests: list[str], source: str) -> dict:
    started = time.perf_counter()
    results = _pytest(line, *tests, "-s")["results"]
    return {
        "line": line,
        "holds": bool(results) and all(r["outcome"] == "passed" for r in results),
        "seconds": round(time.perf_counter() - started, 1),
        "at": to_iso(now_us()),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no", "src", "tests", "params.yaml")),
        "source": source,
        "figures": [figure for r in results for figure in r["figures"]],
        "tests": [{k: v for k, v in r.items() if k != "figures"} for r in results],
    }


def _pytest(name: str, *args: str) -> dict:
    out = HERE / "work" / f"{name}.json"
    out.parent.mkdir(exist_ok=True)
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "proof.plugin", "--proof-out", str(out), "-m", "proof", *args]
    log = HERE / "work" / f"{name}.log"
    with log.open("w") as file:
        subprocess.call(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    if not out.is_file():
        sys.exit(f"pytest stopped before it could tell anything; see {log}")
    return json.loads(out.read_text())


def _source() -> str:
    return digest(folder_digest(ROOT / "src"), (ROOT / "params.yaml").read_text(), (ROOT / "uv.lock").read_text())[:16]


def _known(line: str) -> dict:
    path = HERE / f"{line}.json"
    return read_json(path) if path.is_file() else {}


def _git(*args: str) -> str:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
