"""Entry of the bento: makes ``src`` importable where it was built in, and serves the bundled models by default.

With ``GROWTHBENCH_HOME`` set, models that are not deployed there yet are installed into it first. The Desk is kept
beside the Door unless ``GROWTHBENCH_DESK_BESIDE=0``, or ``GROWTHBENCH_DESK_URL`` names one elsewhere.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if (_HERE / "src" / "growthbench").is_dir():
    sys.path.insert(0, str(_HERE / "src"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_HERE / "src"), os.environ.get("PYTHONPATH"))))

_bundled = _HERE / "bundle"
if _bundled.is_dir():
    if "GROWTHBENCH_HOME" in os.environ:
        from growthbench.base.settings import Settings
        from growthbench.serving.bundle import unpack

        unpack(_bundled, Settings.read())
    else:
        os.environ["GROWTHBENCH_HOME"] = str(_bundled)

if not os.environ.get("GROWTHBENCH_DESK_URL", "unix:").startswith("http"):
    os.environ.setdefault("GROWTHBENCH_DESK_BESIDE", "1")

from growthbench.serving.door import Door  # noqa: E402

__all__ = ["Door"]
