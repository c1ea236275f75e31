"""Shows people the present state, and takes their decisions: the page at ``/`` of the web process."""
