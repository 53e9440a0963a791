"""Scrapes shot charts of basketball games and writes each shot to a topic, as JSON, keyed by its game.

The start page links to games and, where there are more, to the next page (rel="next"). On a game's page each shot is a
mark on the court: where it is says from where the ball was thrown, its tip says who, when and how it went.

    KAFKA_BROKERS    addresses of brokers; without it, KAFKA_BOOTSTRAP_SERVERS
    KAFKA_TOPIC      the topic: shot_charts
    START_URL        the page to begin with
    SINCE            games before this date (2025-11-02) are left out
    DELAY            seconds between two requests to the site: 1
"""

import datetime
import html.parser
import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request

from kafka import KafkaProducer

TIP = re.compile(r"(?P<quarter>\d)\w\w (?P<period>quarter|overtime), (?P<remaining>\d+:\d\d\.\d) remaining<br>"
                 r"(?P<player>.+) (?P<result>made|missed) (?P<points>[23])-pointer from (?P<distance>\d+) ft")


class Page(html.parser.HTMLParser):
    """Links of any page; the game and the shots of a game's page."""

    def __init__(self, text):
        super().__init__()
        self.links = []  # (address, rel, date of the game or None)
        self.game = None
        self.shots = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        have = dict(attrs)
        names = (have.get("class") or "").split()
        if tag == "a" and have.get("href"):
            self.links.append((have["href"], have.get("rel"), have.get("data-date")))
        elif "shot-chart" in names:
            self.game = {"game_id": have["data-game"], "season": int(have["data-season"]), "game_date": have["data-date"]}
        elif "shot" in names:
            self.shots.append(have)


def pixels(style, side):
    return int(re.search(rf"(?:^|;)\s*{side}:\s*(-?\d+)px", style).group(1))


def shot_of(game, mark):
    """A mark on the court as what is written; ValueError says what is not as it should be."""
    tip = TIP.match(mark["tip"])
    if tip is None:
        raise ValueError(f"a tip that cannot be read: {mark['tip']}")
    return {**game, "shot_id": int(mark["id"].removeprefix("shot-")), "team": mark["data-team"],
            "player": tip["player"], "quarter": int(tip["quarter"]) + (4 if tip["period"] == "overtime" else 0),
            "remaining": tip["remaining"], "points": int(tip["points"]), "made": tip["result"] == "made",
            "distance_ft": int(tip["distance"]), "left_px": pixels(mark["style"], "left"),
            "top_px": pixels(mark["style"], "top")}


def fetch(url, tries=3):
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return Page(answer.read().decode("utf-8"))
        except OSError as error:
            if left == 0 or getattr(error, "code", 500) < 500:  # What is not there now is not there in a second.
                raise
            time.sleep(1)
    raise AssertionError


def pages(start, since, delay):
    """The games' pages, each once."""
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop(0)
        page = fetch(here)
        yield page
        for href, rel, date in page.links:
            url = urllib.parse.urljoin(here, href)
            wanted = rel == "next" or (date is not None and date >= since)
            if wanted and url not in seen:
                seen.add(url)
                waiting.append(url)
        time.sleep(delay if waiting else 0)


def main():
    servers = os.environ.get("KAFKA_BROKERS") or os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    topic = os.environ.get("KAFKA_TOPIC", "shot_charts")
    producer = KafkaProducer(bootstrap_servers=servers.split(","), acks="all", enable_idempotence=True)
    counts = {"games": 0, "shots": 0}
    sent = []
    for page in pages(os.environ["START_URL"], os.environ.get("SINCE", ""), float(os.environ.get("DELAY", "1"))):
        if page.game is None:
            continue
        game = page.game["game_id"]
        moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
        for mark in page.shots:
            value = json.dumps({**shot_of(page.game, mark), "scraped_at": moment})
            sent.append(producer.send(topic, key=game.encode(), value=value.encode()))
        counts["games"] += 1
        counts["shots"] += len(page.shots)
        print(f"{game}: {len(page.shots)} shots", flush=True)
    producer.flush()
    for one in sent:
        one.get(timeout=60)  # Raises what went wrong with it.
    producer.close()
    print(f"{counts['shots']} shots of {counts['games']} games to {topic}")
    if os.environ.get("MILLRACE_OUTPUT"):
        with open(os.environ["MILLRACE_OUTPUT"], "a", encoding="utf-8") as out:
            out.writelines(f"{name}={count}\n" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
