"""Moving in: what other programs have, read into ``Arrivals``, checked and stored."""
