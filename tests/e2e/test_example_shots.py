"""examples/shots: the scraper's own program, in a container engine of the tests, over a site made here; what the table
holds is compared with DuckDB's answer over what the site was made from."""

import functools
import http.server
import json
import math
import os
import random
import subprocess
import sys
import threading
import urllib.request

import duckdb
import pytest
import yaml

from broker_server import Broker
from conftest import EXAMPLES, MILLRACE, same_rows, wait_until
from example_project import ExampleProject, new_database, outputs, records, states
from image_engine import ImageEngine
from kafka_server import free_ports

SCRAPER = f"{EXAMPLES}/shots/scraper"


class Site:
    """Pages of games, as those of the example; its shots by game are what it is made from."""

    def __init__(self, folder):
        self.folder, self.games = folder, {}
        (folder / "games").mkdir(parents=True)
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def add(self, day, pick, count):
        game = f"2025{day:04}0AAA"
        shots = []
        for number in range(1, count + 1):
            x, y, quarter = pick.randrange(-240, 240), pick.randrange(-40, 300), pick.randrange(1, 7)
            tenths = pick.randrange(7200)
            shots.append({
                "game_id": game, "shot_id": number, "season": 2025 + (day > 1100), "quarter": quarter,
                "game_date": f"2025-{day // 100:02}-{day % 100:02}", "team": pick.choice(["AAA", "BBB"]),
                "player": pick.choice(["A. Ö", "B & C", 'D "E" F']), "points": pick.choice([2, 3]), "made": pick.random() < 0.5,
                "remaining": f"{tenths // 600}:{tenths % 600 // 10:02}.{tenths % 10}",
                "distance_ft": round(math.hypot(x, y) / 10), "left_px": 250 + x, "top_px": 50 + y})
        self.games[game] = shots

    def write(self):
        """An index of two games a page, each page naming the next."""
        names = sorted(self.games)
        pages = [names[i:i + 2] for i in range(0, len(names), 2)]
        for number, page in enumerate(pages):
            links = "".join(f'<a href="games/{g}.html" data-date="{self.games[g][0]["game_date"]}">game</a>' for g in page)
            more = f'<a rel="next" href="page{number + 1}.html">more</a>' if number + 1 < len(pages) else ""
            (self.folder / (f"page{number}.html" if number else "index.html")).write_text(f"<p>{links}{more}", encoding="utf-8")
        for name, shots in self.games.items():
            head = shots[0]
            (self.folder / "games" / f"{name}.html").write_text(
                f'<div class="shot-chart" data-game="{name}" data-season="{head["season"]}" data-date="{head["game_date"]}">'
                + "".join(map(mark, shots)), encoding="utf-8")

    def shots(self):
        return [shot for shots in self.games.values() for shot in shots]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def mark(shot):
    player = shot["player"].replace("&", "&amp;").replace('"', "&quot;")
    nth = {1: "1st", 2: "2nd", 3: "3rd"}
    period = (f"{nth.get(shot['quarter'], '4th')} quarter" if shot["quarter"] <= 4
              else f"{nth.get(shot['quarter'] - 4, '4th')} overtime")
    return (f'<div class="shot" id="shot-{shot["shot_id"]}" data-team="{shot["team"]}" '
            f'style="left:{shot["left_px"]}px;top:{shot["top_px"]}px" tip="{period}, {shot["remaining"]} remaining&lt;br&gt;'
            f'{player} {"made" if shot["made"] else "missed"} {shot["points"]}-pointer from {shot["distance_ft"]} ft"></div>')


# What the table must hold, from what the site was made from.
WANT = """SELECT game_id, shot_id, season, game_date::date, team, player, quarter,
                 round(60 * regexp_extract(remaining, '^(\\d+):', 1)::int + regexp_extract(remaining, ':(.*)$', 1)::double, 6),
                 made, points, made::int * points, distance_ft, round(left_px / 10.0 - 25, 6), round(top_px / 10.0 - 5, 6),
                 CASE points WHEN 3 THEN if(top_px < 140, 'corner three', 'above the break')
                      ELSE if(distance_ft < 5, 'at the rim', if(distance_ft < 15, 'paint and short', 'mid-range')) END
          FROM read_json_auto('{file}')"""
FOUND = """SELECT game_id, shot_id, season::bigint, game_date, team, player, quarter, round(remaining_s, 6), made, points, scored,
                  distance_ft, round(x_ft, 6), round(y_ft, 6), zone FROM read_parquet('{files}', hive_partitioning = true)"""


def check(project, shots, folder):
    """The table shots holds these, each once, for whoever reads its files and for `millrace sql`."""
    file = folder / "source.jsonl"
    file.write_text("\n".join(map(json.dumps, shots)), encoding="utf-8")
    want = duckdb.sql(WANT.format(file=file)).fetchall()
    same_rows("shots", want, duckdb.sql(FOUND.format(files=project.rows("shots"))).fetchall())
    said = project.call("sql", "SELECT count(*) AS n, sum(scored) AS s FROM shots", "--format", "json").stdout
    assert json.loads(said) == {"n": len(want), "s": sum(row[10] for row in want)}


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "site")
    yield site
    site.close()


@pytest.fixture(params=["sqlite", "postgres"])
def shots(request, tmp_path):
    """The example, up, with an engine that has its image."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with ImageEngine("shots-scraper", SCRAPER, tmp_path / "engine.sock") as engine:
        project = ExampleProject("shots", tmp_path, url=new_database(server) if server else None,
                                 env={"DOCKER_HOST": engine.url})
        project.engine = engine
        yield project.up()
        project.close()


def scrape(project, site, **more):
    words = [word for name, value in {"site": site.url, "delay": 0, **more}.items() for word in ("--param", f"{name}={value}")]
    return project.run("scrapper_dag", *words)


def test_what_is_on_the_site_is_in_the_table(shots, site, tmp_path):
    pick = random.Random(9)
    for day in (1030, 1101, 1103, 1105, 1231):
        site.add(day, pick, 40)
    site.write()
    first = scrape(shots, site)
    assert set(states(first).values()) == {"success"} and len(first["tasks"]) == 3
    assert outputs(first, "docker_stream_to_kafka_topic") == {"games": 5, "shots": 200}
    assert "200 shots of 5 games to shot_charts" in shots.log(first["run"], "docker_stream_to_kafka_topic")
    got = outputs(first, "run_merge_job")
    assert (got["inserted"], got["updated"], got["deleted"]) == (200, 0, 0)
    check(shots, site.shots(), tmp_path)
    if shots.url is not None:
        return  # Of PostgreSQL one week is enough.
    # A week later: a shot is judged anew, a game has one more, a game is new; the rest is as it was.
    oldest, one, two = sorted(site.games)[:3]
    for game in (oldest, one):
        site.games[game][3]["made"] = not site.games[game][3]["made"]
    site.games[two].append({**site.games[two][0], "shot_id": 41, "remaining": "0:00.1"})
    site.add(1108, pick, 25)
    site.write()
    second = scrape(shots, site, since="2025-10-31")  # Without the oldest game, which stays in the table as it was.
    assert outputs(second, "docker_stream_to_kafka_topic") == {"games": 5, "shots": 186}
    got = outputs(second, "run_merge_job")
    assert (got["inserted"], got["updated"], got["deleted"]) == (26, 1, 0)
    site.games[oldest][3]["made"] = not site.games[oldest][3]["made"]
    check(shots, site.shots(), tmp_path)
    site.games[oldest][3]["made"] = not site.games[oldest][3]["made"]
    third = scrape(shots, site)
    got = outputs(third, "run_merge_job")
    assert (got["inserted"], got["updated"], got["deleted"]) == (0, 1, 0)
    check(shots, site.shots(), tmp_path)
    # Each scrape is in the topic, keyed by its game; no container is left.
    values = records(shots.address(), "shot_charts")
    assert len(values) == 200 + 186 + 226 and all(key == value["game_id"] for key, value in values)
    assert shots.engine.containers == {} and len(shots.engine.all) == 3
    asked = shots.engine.all[0].body
    assert asked["Image"].removesuffix(":latest") == "shots-scraper" and asked["HostConfig"]["NetworkMode"] == "host"
    assert f"KAFKA_BROKERS={shots.address()}" in asked["asked"] and "KAFKA_TOPIC=shot_charts" in asked["asked"]


def scraper(site, address):
    return subprocess.run([sys.executable, f"{SCRAPER}/scrape.py"], capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"], "KAFKA_BROKERS": address, "START_URL": site.url, "DELAY": "0"})


def test_a_page_that_cannot_be_read_is_no_success(site):
    site.add(1101, random.Random(1), 5)
    shot = site.games["202511010AAA"][2]
    with Broker() as broker:
        shot["points"] = 4
        site.write()
        run = scraper(site, broker.address)
        assert run.returncode != 0 and "a tip that cannot be read" in run.stderr and "4-pointer" in run.stderr
        shot["points"] = 3
        site.write()
        (site.folder / "games" / "202511010AAA.html").unlink()
        run = scraper(site, broker.address)
        assert run.returncode != 0 and "404" in run.stderr


def test_the_examples_own_site(tmp_path):
    """What `up` serves is what its page says; the DAG runs by itself on Sundays."""
    port = free_ports(1)[0]
    with ImageEngine("shots-scraper", SCRAPER, tmp_path / "engine.sock") as engine:
        with open(f"{EXAMPLES}/shots/millrace.yaml", encoding="utf-8") as file:
            services = yaml.safe_load(file)["services"]
        project = ExampleProject("shots", tmp_path, services=services, env={
            "DOCKER_HOST": engine.url, "SITE_PORT": str(port),
            "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"})
        try:
            project.up()
            wait_until(lambda: answers(port), 20, "the site")
            shown = project.run("scrapper_dag", "--param", f"site=http://127.0.0.1:{port}/", "--param", "delay=0")
            assert outputs(shown, "docker_stream_to_kafka_topic") == {"games": 3, "shots": 36}
            said = project.call("sql", "SELECT count(*) AS n, count(DISTINCT game_id) AS games FROM shots", "--format", "json")
            assert json.loads(said.stdout) == {"n": 36, "games": 3}
            ticks = project.call("dag", "next", f"{EXAMPLES}/shots/dags/scrapper_dag.yaml", "--from", "2025-11-01",
                                 "--count", "2", "--json").stdout
            assert [json.loads(line)["runs_at"] for line in ticks.splitlines()] == [
                "2025-11-02T04:05:00+00:00", "2025-11-09T04:05:00+00:00"]
        finally:
            project.close()


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_its_cases_pass():
    ran = subprocess.run([MILLRACE, "test"], cwd=f"{EXAMPLES}/shots", capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0 and "1 passed, 0 failed" in ran.stdout, ran.stdout + ran.stderr
