"""A base that can call: trained on generated rows, measured, kept as a difference.

run      train on rows of toolcalling.general; its figures
bfcl     questions nobody here wrote
delta    what training changed, whole or of low rank
"""
