raise RuntimeError("no licence found\nsecond line")
