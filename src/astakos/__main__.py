"""`python -m astakos` runs the command where its script is not installed."""

from astakos.command import main

if __name__ == "__main__":
    main()
