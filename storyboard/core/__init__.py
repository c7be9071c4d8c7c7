"""Values and pure functions: no path, clock, environment or socket."""
