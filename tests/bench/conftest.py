"""The modules of this folder for its tests; they stand last, so that they hide nobody's."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
