from tests.integration.deliveries.desk import crm, desk, open_desk

__all__ = ["crm", "desk", "open_desk"]
