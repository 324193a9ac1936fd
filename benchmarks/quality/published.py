"""What others have published on the same or related data, as it stands in the source that is named.

Only values that were read in the source itself. None of them was measured by the protocol of this page;
`told` says where they differ.
"""

from typing import NamedTuple

from benchmarks.sources import YOOCHOOSE

ADER = "ADER poster, RecSys 2020"
ADER_TOLD = (
    "SASRec as the backbone. Trained on a period, tested on the next one ({period}), mean over 16 periods; "
    "events with items that were not in the training data are left out of the test. Nothing is learned "
    "inside a period; here every event is learned as soon as it has been predicted, and unseen items are "
    "misses."
)
GRU4REC = "README of hidasib/GRU4Rec_PyTorch_Official"
GRU4REC_TOLD = (
    "Trained for many epochs on the past, tested once on the last days, next item in the session, full "
    "ranking. Here every event of the whole stream counts, the first ones of an empty model included."
)
ISGD = "notebooks of joaoms/streamRec, the library of ISGD's authors"
ISGD_TOLD = (
    "Predict, then learn, as here, and new pairs only; but on the whole of MovieLens 1M with rating 5, only "
    "a few events are evaluated, drawn at random (n and standard error are given), unknown users count as "
    "misses, and all known items are ranked."
)
RECBOLE = "RecBole-GNN's table of results"
RECBOLE_TOLD = (
    "Leave one out, full ranking: events later than a target may have been trained on. R@10 and MRR@10, not "
    "20."
)


class Published(NamedTuple):
    """One value of a source."""

    model: str
    recall_at_20: str  # as published
    mrr_at_20: str
    source: str


class Others(NamedTuple):
    """All that is known for a set."""

    values: tuple[Published, ...]
    told: tuple[tuple[str, str], ...]  # source and how its protocol differs


PUBLISHED = {
    "diginetica": Others(
        (
            Published("ADER", ".5021", ".1732", ADER),
            Published("trained on all data", ".5003", ".1731", ADER),
            Published("fine-tuned", ".4728", ".1601", ADER),
            Published("GRU4Rec", ".4995", ".1542", GRU4REC),
            Published("GCE-GNN", "R@10 .428", "MRR@10 .196", RECBOLE),
            Published("SASRec", "R@10 .414", "MRR@10 .186", RECBOLE),
            Published("GRU4Rec", "R@10 .369", "MRR@10 .163", RECBOLE),
        ),
        ((ADER, ADER_TOLD.format(period="weeks")), (GRU4REC, GRU4REC_TOLD), (RECBOLE, RECBOLE_TOLD)),
    ),
    YOOCHOOSE: Others(
        (
            Published("ADER", ".7238", ".3671", ADER),
            Published("trained on all data", ".7222", ".3665", ADER),
            Published("fine-tuned", ".7186", ".3649", ADER),
            Published("GRU4Rec", ".6789", ".3024", GRU4REC),
        ),
        (
            (ADER, ADER_TOLD.format(period="days") + " Theirs are all 17 days, ours the first million."),
            (GRU4REC, GRU4REC_TOLD),
        ),
    ),
    "rsc15-100k": Others(
        (Published("GRU4Rec on RSC15", ".7283", ".3205", GRU4REC),),
        ((GRU4REC, GRU4REC_TOLD + " Theirs is the whole set, this is a sample of one week."),),
    ),
    "ml-1m-sample": Others(
        (
            Published("ISGD", ".047 (n=235, s.e. .014)", "", ISGD),
            Published("BISGD, 8 bags", ".056 (n=2,264, s.e. .005)", "", ISGD),
            Published("UBISGD", ".063 (n=2,264, s.e. .005)", "", ISGD),
            Published("LUBISGD", ".103 (n=253, s.e. .019)", "", ISGD),
        ),
        ((ISGD, ISGD_TOLD),),
    ),
}  # fmt: skip
