"""Project state on disk: blobs, records, lockfile, journal, ledger, locks and a disposable digest cache."""
