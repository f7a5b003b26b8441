"""``python -m reconciler``."""

import sys

from reconciler.cli.start import main

sys.exit(main())
