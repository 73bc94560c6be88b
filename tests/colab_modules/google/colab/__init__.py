"""A stand-in for google.colab: its real names, signatures and errors, no browser.

On the path of tests that play Colab. `google` has no __init__.py: other packages
(protobuf) live in it too.
"""
