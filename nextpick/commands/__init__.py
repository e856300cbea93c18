"""The longer commands of the command line, one a file; nextpick/cli.py names them."""
