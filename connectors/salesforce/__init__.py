"""Reads and writes Salesforce as a system of record, by simple-salesforce with a login of our own."""
