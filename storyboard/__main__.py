"""``python -m storyboard``: the same as the console script."""

from storyboard.cli.entry import main

if __name__ == "__main__":
    main()
