"""The lab starts programs of this tree; they find it also where it is not installed."""

import os
from pathlib import Path

SOURCE = str(Path(__file__).parents[2] / "src")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))
