"""Connects OpenProspect (https://dev.openprospect.io).

Orders and deliveries of companies with people, blacklists, searches.
"""
