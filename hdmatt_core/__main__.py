"""``python -m hdmatt_core`` is ``hdmatt``."""

import sys

from hdmatt_core.cli import main

sys.exit(main())
