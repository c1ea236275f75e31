from tests.integration.scenery import scene, stage

__all__ = ["scene", "stage"]
