"""What the page says in words, whatever the figures are."""

TOP = """# How good it is

Written by `python -m benchmarks quality` from `docs/quality.jsonl`; do not edit. The same command measures
it again: all sets, or the ones that are named (`python -m benchmarks quality deskdrop`). Figures are
recall@20 / MRR@20: how often the next item was among the twenty predicted ones, and the mean of 1 / its
place.
"""

PROTOCOL = """## How it is measured

- **Predict, then learn.** Every event whose user has an earlier one is predicted before it is learned, from
  the first event of the stream to the last, by a model that begins empty. No event is left out as a
  warm-up.
- **Full ranking, misses included.** Nothing is sampled. A target that was no candidate, or an item that
  nobody has met yet, is a miss; the ceiling is the share of the targets that were candidates.
- **New pairs** (ratings): only a user's first event with an item is predicted, and what the user has had is
  ranked nowhere.
- **Two clocks.** *Request* predicts as of the time of the event to come, as when a user asks for a slate;
  *published* as of the user's event before, as when a slate is written right after it and waits. Nothing
  else of the event is known.
- **Refreshes** as the running product has them, about one for every 25th of the stream: fitted on the
  events so far, tried in shadow, then promoted or rejected. The first as soon as there is enough to fit,
  and none while one is in shadow, so that a short stream has fewer. They cost the stream no time: a refresh
  is a process of its own.
- **Default settings everywhere.** Per set differ only `rules.exclude_seen` (new pairs) and what a session
  is.
- **Differences** are means over the same events, event by event, with a standard error that takes events as
  independent; bold is more than two of them away from zero. One seed.
- The files of DIGINETICA and YOOCHOOSE were filtered by their publishers, who looked ahead: sessions of one
  event and items with at most four in the whole data are missing.

Others, on the same events, run here: **popularity**, all events so far; **own history**, the user's items,
the newest first; **River's `BiasedMF`**, learning from each event (a 1, with a 0 for an item drawn evenly;
32 factors, rate .05, regularisation .01); and **implicit's** ALS (64 factors, alpha 10) and item-item
models (cosine and BM25, 100 neighbours), fitted anew on all events after every 25th of the stream and asked
with the user's newest 100 items up to the moment (all of them where what was had has to be left out). None
of them was tuned, and neither were ours for a set. Those that rank slowly are judged on at most 20,000
events, evenly spread, and so is the fusion beside them.
"""

LOOKED_AT = """## What had been looked at

Features and settings were chosen on ML-100K, Deskdrop, the first 40,000 to 200,000 events of Online Retail
and the first 60,000 to 250,000 of DIGINETICA. YOOCHOOSE, the MovieLens 1M sample and rsc15 were never used
for a choice. *Must* and *aim* are levels that were set beforehand for these sets.

The licences of most of the data sets do not allow us to pass their rows on, so none are part of the
project, only these figures. Put them into `../shared/data` to measure again.
"""

FORGETTING = """## Does it forget?

A model that learns from every event could lose what has not come up for long. By how many events ago
anybody took the target (*item*), and by how many events of all users ago this user took it (*own*), request
clock:
"""

RETURNING = """### Back to an old taste

In the simulated shop, {group} users with a planted taste get another one for the second third of the stream
and then the first one back; {group} others keep theirs, which shows what the shop itself changes. Recall@20
of the fusion over a user's first {soon} events of each third, and over the later ones; the model begins
empty, so the first third is the hardest:
"""

ARRIVING = """## Who and what is new

Over the first 40,000 events of each stream, from the 2,001st on: whether the first thing that a user ever
takes was on the slate that strangers got at that moment, and whether it was among the twenty items that were
most popular lately; and how many events passed from an item's first one until it was on the slate of
somebody who had never had it. Things that nobody has met yet are misses, also for strangers. Items whose
first event is one of the last 2,000 are left out.
"""

MEASURED_ON = """## Measured on
"""
