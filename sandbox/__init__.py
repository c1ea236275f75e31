"""Imitations of the five vendors over real HTTP, keeping books that tests assert on. Imports none of ours."""
