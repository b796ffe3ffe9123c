"""`python -m astakos.cli` runs the command where its script is not installed."""

from astakos.cli import main

if __name__ == "__main__":
    main()
