"""Dead letters for people: looked at, counted, and fed in again once their cause is gone."""
