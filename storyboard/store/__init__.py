"""What is on disk: blobs, records, the lockfile, and a memory that can be thrown away."""
