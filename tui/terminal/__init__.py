"""The terminal itself: driver, mouse, clipboard, notifications, signals, crashes."""
