"""Pure values and functions: no path, clock, environment or socket."""
