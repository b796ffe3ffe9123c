"""`python -m astakos.cli`: the command, where its script is not installed."""

from astakos.cli import main

if __name__ == "__main__":
    main()
