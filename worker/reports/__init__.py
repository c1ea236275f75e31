"""Reports the present state to people and monitors."""
