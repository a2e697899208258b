"""The JavaScript client, served to the pages that use it: one file, from memory."""

import gzip
from functools import partial
from hashlib import sha256
from pathlib import Path

from growthbench.base.errors import NotFoundError
from growthbench.serving.http import Call, Reply, Route
from growthbench.serving.state import State

MEDIA_TYPE = "text/javascript"
_HERE = Path(__file__).resolve()
_PLACES = (
    _HERE.parents[3] / "sdk" / "javascript" / "growthbench.js",  # the repository, and a bento built from it
    _HERE.with_name("growthbench.js"),  # an installed package: the wheel puts the file beside this module
)


class Script:
    """The file, its gzip form and its tag."""

    def __init__(self, plain: bytes):
        self.plain, self.zipped = plain, gzip.compress(plain, 9, mtime=0)
        self.tag = f'"{sha256(plain).hexdigest()[:32]}"'


def find_script(places: tuple[Path, ...] = _PLACES) -> Script | None:
    """The client as it lies in the repository or in the installed package; None if it was left out."""
    found = next((place for place in places if place.is_file()), None)
    return None if found is None else Script(found.read_bytes())


async def get_script(call: Call, script: Script | None) -> Reply:
    """The file; 304 for who has it already.

    Raises
    ------
    NotFoundError
        This installation was made without it.
    """
    if script is None:
        raise NotFoundError("this installation was made without sdk/javascript/growthbench.js")
    zip_it = "gzip" in (call.header("accept-encoding") or "")
    # The tag is weak: the same text, plain or zipped. An hour in caches, then one short question.
    headers = [(b"etag", f"W/{script.tag}".encode()), (b"cache-control", b"public, max-age=3600"),
               (b"vary", b"accept-encoding"), (b"x-content-type-options", b"nosniff"),
               (b"cross-origin-resource-policy", b"cross-origin")]  # fmt: skip
    media_type = f"{MEDIA_TYPE}; charset=utf-8".encode()
    if _has(call.header("if-none-match"), script.tag):
        return Reply(b"", 304, headers, media_type)
    if zip_it:
        return Reply(script.zipped, 200, [*headers, (b"content-encoding", b"gzip")], media_type)
    return Reply(script.plain, 200, headers, media_type)


def _has(given: str | None, tag: str) -> bool:
    return given is not None and (given.strip() == "*" or tag in given)


def routes(state: State) -> list[Route]:
    """The route of the client."""
    return [
        Route("GET", "/sdk/growthbench.js", partial(get_script, script=find_script()), "The JavaScript client",
              permission=None, quota=None, statuses={304: "not changed", 404: "installed without it"}, tag="sdk",
              media_type=MEDIA_TYPE, cors=True)
    ]  # fmt: skip
