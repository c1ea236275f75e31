"""Spells Greek letters in Latin ones, by sound and letter by letter (ELOT 743 and the older English ones)."""

from __future__ import annotations

import unicodedata

from worker.decide.values.names.schemes.spelling import SpellingTable, spellings

TABLE = SpellingTable(
    spellings("""
    α:a αι:e|ai|ae αυ:av|af|au β:v|b γ:g|y|gh|j γγ:ng|g γκ:gk|g|nk|ng γχ:nch|nh|nx|nkh γι:gi|y|yi|ji|j|i
    γε:ge|ye|gie|je δ:d|dh ε:e ει:ei|i|e ευ:ev|ef|eu ζ:z η:i|e|h|y ηυ:iv|if θ:th|t ι:i|y|j ια:ia|ya|iya|ja
    ιω:io|yo|jo ^ιω:io|yio|yo|jo|ioa κ:k|c λ:l μ:m μπ:mp|b|mb ν:n ντ:nt|d|nd ξ:x|ks ο:o οι:oi|i|oe|e
    ^οικο:oiko|iko|eco|oeko|oeco|ico ου:ou|u|oo π:p ρ:r|rh σ:s τ:t τζ:tz|dj|j|dz τσ:ts|tch|ch|c υ:y|i|u υι:yi|i
    φ:f|ph χ:ch|h|kh|x χατζ:hatz|chatz|hadj|hadz|hadzi ψ:ps ω:o|w
    """)
)


def folded(native: str) -> str:
    """Returns a word without accents, each sigma alike.

    Two dots keep vowels apart, so they stay until vowels are cut.
    """
    plain = unicodedata.normalize("NFD", native.replace("ς", "σ")).replace("\u0308", "\x00")
    kept = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return kept.replace("\x00", "")
