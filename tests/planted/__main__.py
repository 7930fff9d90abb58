"""``python -m planted [LIVES [WORD]]``: hunt every planted bug anew (see ``scripts/hunt``)."""

import sys

from planted.hunting import main
from planted.plants import PLANTS

main(PLANTS, sys.argv[1:])
