import sys

from hdmatt_core.hooks import hookimpl


@hookimpl
def hdmatt_stages():
    sys.exit("goodbye")
