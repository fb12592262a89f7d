"""What was written about one session, as it stands: lines of the log, records of the transcript."""
