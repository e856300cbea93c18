"""`nextpick card` reads the file that the stage writes, without what it takes to write it."""

import subprocess
import sys


def test_to_read_a_card_no_learner_is_loaded() -> None:
    code = (
        "import sys, typer; from nextpick import registry; from nextpick.errors import RegistryError\n"
        "registry.card = lambda *_: exec('raise RegistryError(\"here\")', globals())\n"
        "from nextpick.commands.card import card\n"
        "try: card('1')\n"
        "except RegistryError: print('lightgbm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
