"""Sends short messages to people: Slack, Teams, e-mail, or a signed post to a program of their own."""
