"""Shows people where everything stands, and takes their word: the page at ``/`` of the web process."""
