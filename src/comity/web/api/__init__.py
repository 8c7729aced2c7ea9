"""The JSON API: what pages show and do, for programs that act as an account."""
