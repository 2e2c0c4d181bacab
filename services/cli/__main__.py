"""`python -m services.cli` is the `plait` command."""

from services.cli.main import main

main()
