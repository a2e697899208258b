"""Entry of the bento: makes ``src`` importable where it was built in, and serves the bundled models by default.

With ``GROWTHBENCH_HOME`` set, models that are not deployed there yet are installed into it first.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if (_HERE / "src" / "growthbench").is_dir():
    sys.path.insert(0, str(_HERE / "src"))

_bundled = _HERE / "bundle"
if _bundled.is_dir():
    if "GROWTHBENCH_HOME" in os.environ:
        from growthbench.base.settings import Settings
        from growthbench.serving.bundle import unpack

        unpack(_bundled, Settings.read())
    else:
        os.environ["GROWTHBENCH_HOME"] = str(_bundled)

from growthbench.serving.door import Door  # noqa: E402

__all__ = ["Door"]
