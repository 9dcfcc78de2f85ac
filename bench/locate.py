"""Where the fault is, on a synthetic fleet: how often the culprit is named first, and how often the whole set is right
with a broken vantage beside it, against three rivals on the very same results.

Fifteen vantages in five networks ask, over IPv4 and IPv6: each of two name servers of two operators, two names at each
of three resolvers, and two hosts in two regions by TLS and HTTP, through one of six sites. That is 450 results a round
over 49 places, of which a fault's share fails, and any result fails by noise. Simulated throughout. Prints one line of
JSON.

    python -m bench.locate [ROUNDS]
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from collector.locate import Place, aggregate, locate

VANTAGES, NETWORKS, SITES, ROUNDS, SEED = 15, 5, 6, 980, 6
Results = list[tuple[frozenset[Place], bool]]
Rival = Callable[[Results], list[Place]]


def matrix() -> list[frozenset[Place]]:
    """The places of each result of a round."""
    found = []
    for n in range(VANTAGES):
        own = [Place("vantage", f"v{n:02}"), Place("network", f"AS{64496 + n % NETWORKS}")]
        site = Place("site", f"pop{n * 7 // 3 % SITES}")
        zone = Place("zone", "vendor.example")
        for operator in "ab":
            for server in (1, 2):
                for family in ("IPv4", "IPv6"):
                    at = [Place("operator", f"dns-{operator}"), Place("name_server", f"ns{server}.dns-{operator}")]
                    found.append([*own, zone, Place("family", family), *at])
        for resolver in (1, 2, 3):
            found += [[*own, zone, Place("family", "IPv4"), Place("resolver", f"r{resolver}")] for _ in range(2)]
        for host in ("api", "accounts"):
            for region in ("us", "eu"):
                for family in ("IPv4", "IPv6"):
                    at = [Place("region", region), Place("address", f"{region} {family}"), Place("family", family)]
                    at += [site, Place("endpoint", host), Place("certificate", "vendor")]
                    found += [[*own, *at], [*own, *at, Place("application", f"{host} http")]]
    return [frozenset(places) for places in found]


def play(rows: Sequence[frozenset[Place]], faults: dict[Place, float], noise: float, chance: random.Random) -> Results:
    """A round in which these places fail by their severities."""
    found = []
    for places in rows:
        well = 1 - noise
        for place, severity in faults.items():
            if place in places:
                well *= 1 - severity
        found.append((places, chance.random() >= well))
    return found


# ---- rivals
def votes(results: Results) -> list[Place]:
    """As 007 (NSDI 2018) votes for links, for places: each failure gives each of its places an equal part of a vote."""
    score: Counter[Place] = Counter()
    for places, failed in results:
        if failed:
            for place in sorted(places):
                score[place] += 1 / len(places)  # type: ignore[assignment]
    return [place for place, _ in score.most_common(1)]


def hit_ratio(results: Results) -> list[Place]:
    """The place with the greatest share of failures; of several, the one with most."""
    failed, total = _counts(results)
    return sorted(failed, key=lambda place: (-failed[place] / total[place], -failed[place], place))[:1]


COVERS, LEAST = 0.6, 5


def cover(results: Results) -> list[Place]:
    """As SCORE (NSDI 2005): of the places of which 60 % fail, again and again the one that covers most failures that
    are not covered yet, until it would be fewer than five."""
    failed, total = _counts(results)
    able = sorted(place for place in failed if failed[place] >= COVERS * total[place])
    left, chosen = [places for places, bad in results if bad], []
    while able and left:
        counts = Counter(place for places in left for place in places if place in able)
        best = max(able, key=lambda place: counts[place])
        if counts[best] < LEAST:
            break
        chosen.append(best)
        left = [places for places in left if best not in places]
    return chosen


def ours(results: Results) -> list[Place]:
    return [cause.place for cause in locate(aggregate(results), certain=True).causes]


def _counts(results: Results) -> tuple[Counter[Place], Counter[Place]]:
    failed: Counter[Place] = Counter()
    total: Counter[Place] = Counter()
    for places, bad in results:
        total.update(places)
        failed.update(places if bad else ())
    return failed, total


RIVALS: dict[str, Rival] = {"parallax": ours, "votes_007": votes, "hit_ratio": hit_ratio, "greedy_cover": cover}


def right(rival: Rival, severity: float, noise: float, rounds: int, *, broken: bool) -> float:
    """Percent of rounds in which the culprit is named first; with a broken vantage beside it, in which exactly the two
    are named."""
    rows, chance, hits = matrix(), random.Random(SEED), 0
    places = sorted({place for row in rows for place in row})
    for n in range(rounds):
        culprit = places[n % len(places)]
        faults = {culprit: severity}
        if broken:
            others = [p for p in places if p.kind == "vantage" and p != culprit]
            faults[chance.choice(others)] = 1.0
        said = rival(play(rows, faults, noise, chance))
        hits += set(said) == faults.keys() if broken else said[:1] == [culprit]
    return round(100 * hits / rounds, 1)


def round_ms(rounds: int) -> dict[str, float]:
    """CPU time of an inference over fresh rows, counting them included."""
    rows, chance, took = matrix(), random.Random(SEED), []
    places = sorted({place for row in rows for place in row})
    for n in range(rounds):
        results = play(rows, {places[n % len(places)]: 0.98, Place("vantage", "v00"): 0.98}, 0.03, chance)
        began = time.process_time()
        locate(aggregate(results))
        took.append((time.process_time() - began) * 1e3)
    took.sort()
    return {"p50": round(took[len(took) // 2], 2), "p99": round(took[len(took) * 99 // 100], 2)}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    rows = matrix()
    figures: dict[str, object] = {
        "bench": "Where the fault is (simulated)",
        "results a round": len(rows),
        "places": len({place for row in rows for place in row}),
        "rounds of each": rounds,
    }
    cases = {
        "hard": (0.98, 0.005),
        "hard_noise_3": (0.98, 0.03),
        "half_noise_3": (0.5, 0.03),
        "third_noise_3": (0.3, 0.03),
    }
    for name, rival in RIVALS.items():
        first = {f"{case}_pct": right(rival, *how, rounds, broken=False) for case, how in cases.items()}
        whole = {
            f"{case}_pct": right(rival, *cases[case], rounds, broken=True) for case in ("hard_noise_3", "third_noise_3")
        }
        figures[name] = {"right_first": first, "right_set_with_broken_vantage": whole}
    figures["cpu ms a round"] = round_ms(min(rounds, 300))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
