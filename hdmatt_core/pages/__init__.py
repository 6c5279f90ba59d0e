"""Pages of HTML that need nothing else: what they share, and the page about a run."""
