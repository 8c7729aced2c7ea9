"""THE HANDS: fetch, ask a pure function, record, act."""
