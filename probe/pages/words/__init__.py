"""The vocabularies, as data: how a phrase is written stands in probe/pages/vocabulary.py."""
