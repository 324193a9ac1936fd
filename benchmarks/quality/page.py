"""docs/quality.md out of lines: the same lines give the same page."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.quality import forgetting, welcoming, words
from benchmarks.quality.markdown import both, count, lead, share, table
from benchmarks.quality.published import PUBLISHED
from benchmarks.quality.sets import SETS, SIMULATED, Level, Set

Line = dict[str, Any]
Lines = dict[str, Line]  # of one set, by what was measured

BASELINES = {
    "popularity": "popularity",
    "history": "own history",
    "biased_mf": "River `BiasedMF`",
    "als": "implicit ALS, refitted",
    "cosine": "implicit cosine, refitted",
    "bm25": "implicit BM25, refitted",
}
TITLES = {
    "twin": "its twin, by Adagrad",
    "average": "average of long and short",
    "maximum": "maximum of long and short",
    "history": "own history",
    "second_order": "second order",
    "long_term": "long term",
    "gru": "GRU",
}
FIRST = ("fusion", "twin", "served", "average", "maximum")


def page(lines: Sequence[Line]) -> str:
    """Everything that has been measured."""
    by_set: dict[str, Lines] = {}
    for line in lines:
        by_set.setdefault(line["workload"], {})[line["benchmark"].removeprefix("quality/")] = line
    there = {name: each for name, each in (SETS | {SIMULATED.name: SIMULATED}).items() if name in by_set}
    measured = {name: each for name, each in there.items() if "request" in by_set[name]}
    pieces = [words.TOP, _glance(measured, by_set), words.PROTOCOL, words.LOOKED_AT]
    pieces += [_section(each, by_set[name]) for name, each in measured.items()]
    pieces += [
        welcoming.section(measured, by_set),
        forgetting.section(measured, by_set),
        words.MEASURED_ON,
        _where(lines),
    ]
    return "\n".join(piece for piece in pieces if piece)


def _glance(measured: dict[str, Set], by_set: dict[str, Lines]) -> str:
    head = ("set", "n", "request clock", "published clock", "must", "aim", "reached", "ceiling", "events/s")
    rows = [_at_a_glance(each, by_set[name]) for name, each in measured.items()]
    missing = [each.title for name, each in SETS.items() if name not in measured]
    left_out = f"\nNot measured, because the data was not at hand: {', '.join(missing)}.\n" if missing else ""
    return f"## At a glance\n\n{table(head, rows)}{left_out}"


def _at_a_glance(each: Set, lines: Lines) -> list[str]:
    figures = lines["request"]["figures"]
    published = lines["published"]["figures"] if "published" in lines else {}
    return [
        each.title,
        count(figures["evaluated"]),
        f"**{both(figures)}**",
        both(published),
        _level(each.must),
        _level(each.aim),
        _reached(each, figures),
        share(figures["candidate_recall"]),
        count(figures["events_per_second"]),
    ]


def _level(level: Level | None) -> str:
    return f"{share(level.recall_at_20)} / {share(level.mrr_at_20)}" if level else ""


def _reached(each: Set, figures: dict[str, float]) -> str:
    for name, level in (("aim", each.aim), ("must", each.must)):
        if level and all(figures[figure] >= wanted for figure, wanted in level._asdict().items()):
            return name
    return "neither" if each.must else ""


def _section(each: Set, lines: Lines) -> str:
    pieces = [f"## {each.title}\n", _told(each, lines), _models(lines)]
    if "baselines" in lines:
        pieces += ["Others on the same events, request clock:\n", _baselines(lines["baselines"]["figures"])]
    return "\n".join([*pieces, _published(each)])


def _told(each: Set, lines: Lines) -> str:
    figures = lines["request"]["figures"]
    size = ", ".join(f"{count(figures[what])} {what}" for what in ("events", "users", "items"))
    refreshes = ", ".join(f"{count(figures[what])} {what}" for what in ("fitted", "promoted", "rejected"))
    told = f"{each.told} {size}; {count(figures['evaluated'])} predicted. Generations: {refreshes}"
    told += f", in {figures['refresh_seconds']:.0f} s. Looked at while choosing: {each.looked_at}.\n"
    plain = lines["unrefreshed"]["figures"] if "unrefreshed" in lines else {}
    if "lead/refresh/recall_at_20" in plain:
        gains = " / ".join(lead(plain, f"lead/refresh/{figure}") for figure in ("recall_at_20", "mrr_at_20"))
        told += f"Without refreshes {both(plain)}: they bring {gains}.\n"
    return told


def _models(lines: Lines) -> str:
    """The fusion, what could stand in for it, and the heads by their recall."""
    figures = lines["request"]["figures"]
    published = lines["published"]["figures"] if "published" in lines else {}
    names = {name.split("/")[1] for name in figures if name.startswith("model/")}
    heads = sorted(names - {*FIRST}, key=lambda name: (-figures[f"model/{name}/recall_at_20"], name))
    head = ("model", "R@1", "R@10", "request clock", "published clock", "fusion's lead, R@20", "and MRR@20")
    ordered = [*(name for name in FIRST if name in names), *heads]
    return table(head, [_model(name, figures, published) for name in ordered])


def _model(name: str, figures: dict[str, float], published: dict[str, float]) -> list[str]:
    at = f"model/{name}/"
    return [
        _title(name, figures),
        share(figures[f"{at}recall_at_1"]),
        share(figures[f"{at}recall_at_10"]),
        both(figures, at),
        both(published, at),
        lead(figures, f"lead/{name}/recall_at_20"),
        lead(figures, f"lead/{name}/mrr_at_20"),
    ]


def _title(name: str, figures: dict[str, float]) -> str:
    """With the number of its events where it was not asked for all."""
    if name == "fusion":
        return "**fusion**"
    title, events = TITLES.get(name, name), figures.get(f"lead/{name}/events", figures["evaluated"])
    return title if events == figures["evaluated"] else f"{title} ({count(events)} events)"


def _baselines(figures: dict[str, float]) -> str:
    head = ("baseline", "events", "it", "the fusion", "fusion's lead, R@20", "and MRR@20")
    rows = [
        [
            title,
            count(figures[f"{name}/events"]),
            both(figures, f"{name}/"),
            both(figures, f"{name}/fusion/"),
            lead(figures, f"{name}/lead/recall_at_20"),
            lead(figures, f"{name}/lead/mrr_at_20"),
        ]
        for name, title in BASELINES.items()
        if f"{name}/events" in figures
    ]
    return table(head, rows)


def _published(each: Set) -> str:
    others = PUBLISHED.get(each.name)
    if others is None:
        return "Published by the same protocol on this data: nothing that we know of.\n" if each.must else ""
    rows = [[value.model, value.recall_at_20, value.mrr_at_20, value.source] for value in others.values]
    told = "".join(f"- {source}: {difference}\n" for source, difference in others.told)
    shown = table(("published", "R@20", "MRR@20", "source"), rows)
    return f"Published, by other protocols, so not to be compared digit by digit:\n\n{shown}\n{told}"


def _where(lines: Sequence[Line]) -> str:
    return "\n".join(
        [
            table(("measurement", "settings", "revision", "on", "others' CPU", "s"), _runs(lines)),
            *_kits(lines),
        ]
    )


def _runs(lines: Sequence[Line]) -> Iterator[list[str]]:
    for line in sorted(lines, key=lambda line: (line["workload"], line["benchmark"])):
        figures, foreign = line["figures"], line["foreign_cpu"]
        seconds = figures.get("seconds", sum(v for name, v in figures.items() if name.endswith("/seconds")))
        name = f"{line['workload']}, {line['benchmark'].removeprefix('quality/')}"
        others = "" if foreign is None else f"{foreign:.0%}"
        yield [name, f"`{line['config']}`", line["revision"] or "", line["at"][:10], others, count(seconds)]


def _kits(lines: Sequence[Line]) -> list[str]:
    """Machines and versions, each once."""
    told = set()
    for line in lines:
        machine, versions = line["machine"], line["versions"]
        kit = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        on = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, {machine['system']}"
        told.add(f"{on}; {kit}.\n")
    return sorted(told)
