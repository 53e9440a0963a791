"""The unit tests of the store on a real PostgreSQL: make unit runs them on SQLite alone."""

import os
import subprocess

import pytest

from conftest import ROOT

UNIT = os.path.join(ROOT, os.environ.get("BUILD", "build"), "unit")


def unit(filter_, url):
    if not os.access(UNIT, os.X_OK):
        pytest.fail(f"no program {UNIT}: run make unit")
    done = subprocess.run([UNIT, f"T={filter_}"], env={**os.environ, "MILLRACE_TEST_POSTGRES": url},
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("suite", ["db", "record"])
def test_a_suite_passes_on_postgresql(postgres, suite):
    assert "passed, 0 failed" in unit(f"{suite}.", postgres.url)


def test_the_suites_would_notice_a_database_that_is_not_there(postgres):
    words = postgres.url_of("nothing")
    done = subprocess.run([UNIT, "T=db.values"], env={**os.environ, "MILLRACE_TEST_POSTGRES": words},
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
