"""OpenProspect (https://dev.openprospect.io): orders and deliveries of companies with people, blacklists, searches."""
