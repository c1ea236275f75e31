from tests.integration.deliveries.desk import crm, desk, hub, open_desk, org, watching

__all__ = ["crm", "desk", "hub", "open_desk", "org", "watching"]
