from tests.integration.triggers.floor import floor

__all__ = ["floor"]
