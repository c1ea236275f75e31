"""Scripts for maintainers. Nothing of the product imports them and no wheel carries them."""
