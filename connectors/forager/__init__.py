"""Forager (https://docs.forager.ai): people, companies and jobs by filters, contact data by LinkedIn slug.

``operations`` follows the order of the vendor's reference, ``read`` says what replies mean.
"""
