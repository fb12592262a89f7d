"""`python -m lockdeck`: the same as the command `lockdeck`."""

from lockdeck.tui.entry import main

if __name__ == "__main__":
    main()
