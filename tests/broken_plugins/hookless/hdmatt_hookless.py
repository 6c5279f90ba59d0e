def hdmatt_stages():
    """Not decorated with hookimpl, so no hook."""
    return []
