"""What the tests of clusters of hosts share: the bench for etcd's processes lies with the store's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
