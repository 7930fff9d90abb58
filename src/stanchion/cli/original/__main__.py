"""``python -m stanchion.cli.original``: the command ``cluster`` where it is not installed."""

from stanchion.cli.original import main

if __name__ == "__main__":
    main()
