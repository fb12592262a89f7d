"""The driver's output when the terminal is gone."""

from __future__ import annotations

import os

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from lockdeck.tui.terminal.driver import LostFile


def test_what_is_written_to_a_terminal_that_is_gone_keeps_nobody_waiting() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1) as file:
        thread = WriterThread(LostFile(file))  # type: ignore[arg-type]
        thread.start()
        for _ in range(3 * MAX_QUEUED_WRITES):
            thread.write("a frame\n")
        thread.stop()
        assert not thread.is_alive()
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), writer
        )  # for what the file still wants to write when it closes
