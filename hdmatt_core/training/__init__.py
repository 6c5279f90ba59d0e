"""Training of the network: composed pictures, losses and the loop behind `hdmatt train`."""
