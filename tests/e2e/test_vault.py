"""The commands conn, var, secret, pool and user: what they keep, show and never show."""

import json
import os
import re
import sqlite3
import stat
import subprocess

import pytest

import oracle
from conftest import MILLRACE, start

PASSWORD = "p@ss/w:rd é"


@pytest.fixture(params=["sqlite", "postgres"])
def project(request, tmp_path):
    """A folder, and how its commands are told where the database is."""
    (tmp_path / "millrace.yaml").write_text("")
    if request.param == "sqlite":
        return Project(tmp_path, {})
    server = request.getfixturevalue("postgres")
    server.sql("DROP SCHEMA public CASCADE")
    server.sql("CREATE SCHEMA public")
    return Project(tmp_path, {"MILLRACE_FLOW_STORE": server.url})


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "millrace.yaml").write_text("")
    return Project(tmp_path, {})


class Project:
    def __init__(self, path, env):
        self.path, self.env = path, env

    def run(self, *words, stdin="", code=0, env=None):
        done = subprocess.run([MILLRACE, *words], cwd=self.path, env={**os.environ, **self.env, **(env or {})},
                              input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if code else done.stdout

    def rows(self, *words, **more):
        return [json.loads(line) for line in self.run(*words, "--json", **more).splitlines()]

    def names(self, kind):
        return [row["name"] for row in self.rows(kind, "list")]


def test_lists_are_empty_before_there_is_anything(project):
    for kind in ("conn", "var", "secret", "pool", "user"):
        assert project.rows(kind, "list") == []
    if not project.env:
        assert not (project.path / "data").exists(), "a list made the data folder"


def test_a_connection_comes_back_and_hides_its_password(project):
    project.run("conn", "add", "warehouse", "postgresql://ann:@db.example:5433/sales?sslmode=require&api_key=k3y",
                "--password-stdin", stdin=PASSWORD + "\n")
    shown = project.rows("conn", "get", "warehouse")[0]
    assert shown == {"name": "warehouse", "type": "postgres", "host": "db.example", "port": 5433, "login": "ann",
                     "password": "***", "schema": "sales", "extra": {"sslmode": "require", "api_key": "***"}}
    whole = project.rows("conn", "get", "warehouse", "--with-password")[0]
    assert (whole["password"], whole["extra"]["api_key"]) == (PASSWORD, "k3y")
    uri = project.run("conn", "get", "warehouse", "--with-password").strip()
    project.run("conn", "add", "copy", "-", stdin=uri)
    assert project.rows("conn", "get", "copy", "--with-password")[0] == {**whole, "name": "copy"}
    listed = project.run("conn", "list") + project.run("conn", "list", "--json") + project.run("conn", "get", "copy")
    assert PASSWORD not in listed and "k3y" not in listed
    project.run("conn", "delete", "copy")
    assert project.names("conn") == ["warehouse"]
    assert "Did you mean \"warehouse\"?" in project.run("conn", "get", "warehose", code=1)
    assert "no connection \"copy\"" in project.run("conn", "delete", "copy", code=1)


def test_what_is_secret_is_not_on_the_disk(plain):
    plain.run("secret", "set", "aws_key", stdin="AKIAVERYSECRET")
    plain.run("conn", "add", "db", "mysql://u:PLAINTEXTPW@h/x?token=TOKENTEXT")
    data = plain.path / "data"
    for file in data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        for text in (b"AKIAVERYSECRET", b"PLAINTEXTPW", b"TOKENTEXT"):
            assert text not in file.read_bytes(), file
    assert plain.rows("secret", "list")[0].keys() == {"name", "changed"}


def test_a_lost_or_wrong_key_is_told(plain):
    plain.run("conn", "add", "db", "mysql://u:pw@h/x")
    key = plain.path / "data" / "flow.key"
    text = key.read_text()
    key.unlink()
    assert "flow.key\", the key of the stored secrets, is gone" in plain.run("conn", "get", "db", code=1)
    assert "is gone" in plain.run("secret", "set", "x", stdin="y", code=1)
    assert "the key does not open" in plain.run("conn", "get", "db", code=1,
                                                env={"MILLRACE_SECRET_KEY": "ab" * 32})
    assert "neither 64 hexadecimal digits" in plain.run("conn", "get", "db", code=2,
                                                        env={"MILLRACE_SECRET_KEY": "secret"})
    assert "u:pw@h" in plain.run("conn", "get", "db", "--with-password", env={"MILLRACE_SECRET_KEY": text.strip()})
    # What was sealed with it is given up: then there may be a new key.
    plain.run("conn", "delete", "db")
    plain.run("secret", "set", "x", stdin="y")
    assert key.read_text() != text


def test_the_environment_wins(project):
    project.run("conn", "add", "my-db", "mysql://stored/x")
    given = {"MILLRACE_CONN_MY_DB": "postgres://given/x", "MILLRACE_CONN_ONLY": '{"type": "http", "host": "h", "port": 1}',
             "MILLRACE_VAR_A": "given"}
    assert project.rows("conn", "get", "my-db", env=given)[0]["host"] == "given"
    assert project.rows("conn", "get", "only", env=given)[0]["port"] == 1
    assert project.run("var", "get", "a", env=given) == "given\n"
    assert project.rows("conn", "get", "my-db")[0]["host"] == "stored"
    (project.path / ".env").write_text("MILLRACE_CONN_MY_DB=postgres://file/x\nMILLRACE_VAR_A=file\n")
    assert project.rows("conn", "get", "my-db")[0]["host"] == "file"
    assert project.rows("conn", "get", "my-db", env=given)[0]["host"] == "given"
    assert project.run("var", "get", "a") == "file\n"


EXPORT = {
    "pg": {"conn_type": "postgres", "description": "", "login": "u", "password": "p w", "host": "h", "port": 5432,
           "schema": "s", "extra": '{"sslmode": "require"}'},
    "docker_hub": {"conn_type": "docker", "login": None, "password": None, "host": "hub", "port": None,
                   "schema": "", "extra": {"email": "a@b", "reauth": True}},
}


@pytest.mark.parametrize("form", ["json", "yaml", "env"])
def test_airflows_exports_are_read(plain, form):
    file = plain.path / f"connections.{form}"
    if form == "json":
        file.write_text(json.dumps(EXPORT, indent=4))
    elif form == "yaml":
        file.write_text("".join(f"{name}:\n" + "".join(f"  {k}: {json.dumps(v)}\n" for k, v in of.items())
                                for name, of in EXPORT.items()))
    else:
        file.write_text("# made by airflow\npg=postgres://u:p+w@h:5432/s?sslmode=require\n\n"
                        "docker_hub=docker://hub/?__extra__=%7B%22email%22%3A+%22a%40b%22%2C+%22reauth%22%3A+true%7D\n")
        file.write_text(file.read_text().replace("p+w", "p%20w"))
    plain.run("conn", "import", file.name)
    assert plain.names("conn") == ["docker_hub", "pg"]
    assert plain.rows("conn", "get", "pg", "--with-password")[0] == {
        "name": "pg", "type": "postgres", "host": "h", "port": 5432, "login": "u", "password": "p w", "schema": "s",
        "extra": {"sslmode": "require"}}
    assert plain.rows("conn", "get", "docker_hub")[0] == {
        "name": "docker_hub", "type": "docker", "host": "hub", "extra": {"email": "a@b", "reauth": True}}


def test_a_bad_import_says_where_and_imports_nothing(plain):
    (plain.path / "bad.json").write_text('{"good": {"conn_type": "http", "host": "h"},\n "bad": {"host": "h"}}')
    said = plain.run("conn", "import", "bad.json", code=2)
    assert "connection \"bad\": its type is missing" in said and "bad.json:2:" in said
    (plain.path / "bad.env").write_text("good=http://h\nbad=http//h:x\n")
    said = plain.run("conn", "import", "bad.env", code=2)
    assert "does not begin with type://" in said and "bad.env:2" in said
    assert plain.names("conn") == []


def test_numbers_that_json_does_not_know_are_texts(plain):
    (plain.path / "c.yaml").write_text("a: {conn_type: x, password: 0123, login: +5, schema: .5, port: 5432, "
                                       "extra: {n: -1.5e3, big: 12345678901234567890, nan: NaN, t: true}}\n")
    plain.run("conn", "import", "c.yaml")
    assert plain.rows("conn", "get", "a", "--with-password")[0] == {
        "name": "a", "type": "x", "port": 5432, "login": "+5", "password": "0123", "schema": ".5",
        "extra": {"n": -1500.0, "big": 12345678901234567890, "nan": "NaN", "t": True}}


def test_a_bad_import_of_variables_imports_nothing(project):
    (project.path / "v.json").write_text('{"good": "1", "no name": "2"}')
    assert "no name" in project.run("var", "import", "v.json", code=2)
    assert project.names("var") == []


def test_variables(project):
    project.run("var", "set", "path", "data/a b")
    project.run("var", "set", "path", "-", stdin="two\nlines\n")
    assert project.rows("var", "get", "path") == [{"name": "path", "value": "two\nlines"}]
    (project.path / "v.json").write_text(json.dumps({"n": 3, "deep": {"a": [1, "x"]}, "new": {"value": "v", "description": ""}}))
    project.run("var", "import", "v.json")
    assert {row["name"]: row["value"] for row in project.rows("var", "list")} == {
        "path": "two\nlines", "n": "3", "deep": '{"a": [1, "x"]}', "new": "v"}
    project.run("var", "delete", "path", "n")
    assert project.names("var") == ["deep", "new"]


def test_pools_and_users(project):
    project.run("pool", "set", "spark", "2")
    project.run("pool", "set", "spark", "3")
    assert [(row["name"], row["slots"]) for row in project.rows("pool", "list")] == [("spark", 3)]
    assert "cannot have \"many\" slots" in project.run("pool", "set", "spark", "many", code=2)
    project.run("user", "add", "ann", "--role", "admin", "--password-stdin", stdin="long enough\n")
    assert "already" in project.run("user", "add", "ann", "--role", "op", "--password-stdin", stdin="12345678", code=1)
    assert "no role \"root\"" in project.run("user", "add", "bob", "--role", "root", "--password-stdin",
                                             stdin="12345678", code=2)
    assert "8 to 1024 bytes" in project.run("user", "add", "bob", "--role", "op", "--password-stdin", stdin="1234", code=2)
    assert "--password-stdin" in project.run("user", "add", "bob", "--role", "op", code=2)
    project.run("user", "role", "ann", "viewer")
    project.run("user", "password", "ann", "--password-stdin", stdin="another one")
    assert [(row["name"], row["role"]) for row in project.rows("user", "list")] == [("ann", "viewer")]
    project.run("user", "delete", "ann")
    assert project.names("user") == []


def test_it_works_beside_a_process_that_writes(plain):
    plain.run("var", "set", "a", "1")
    other = sqlite3.connect(plain.path / "data" / "flow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE variable SET value = 'half done'")
    assert plain.run("var", "get", "a") == "1\n"  # Readers wait for nobody.
    writer = start("var", "set", "b", "2", cwd=plain.path)
    with pytest.raises(subprocess.TimeoutExpired):
        writer.process.wait(0.5)
    other.execute("ROLLBACK")
    writer.wait(20).good()
    assert plain.names("var") == ["a", "b"]


def test_connections_are_tested(plain, postgres):
    plain.run("conn", "add", "pg", postgres.url)
    assert plain.rows("conn", "test", "pg")[0]["answer"].startswith("PostgreSQL 1")
    plain.run("conn", "add", "wrong", postgres.url.replace("a%20b", "a"))
    assert "password authentication failed" in plain.run("conn", "test", "wrong", code=1)
    plain.run("conn", "add", "port", f"generic://127.0.0.1:{postgres.port}")
    assert "takes connections" in plain.run("conn", "test", "port")
    plain.run("conn", "add", "nobody", "http://127.0.0.1:1/")
    assert "127.0.0.1:1" in plain.run("conn", "test", "nobody", code=1)
    plain.run("conn", "add", "secure", "https://127.0.0.1/")
    assert "127.0.0.1:443" in plain.run("conn", "test", "secure", code=1)
    plain.run("conn", "add", "nowhere", "generic://")
    assert "names no address" in plain.run("conn", "test", "nowhere", code=1)


def test_the_manual_tells_what_happens(tmp_path):
    with open(os.path.join(oracle.ROOT, "docs", "connections.md"), encoding="utf-8") as page:
        blocks = re.findall(r"```console\n(.*?)```", page.read(), re.S)
    steps = re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", "".join(blocks), re.M)
    assert len(steps) >= 10
    env = {"PATH": os.path.dirname(os.path.abspath(MILLRACE)) + ":/usr/bin:/bin"}
    for words, answer in steps:
        ran = subprocess.run(["/bin/sh", "-c", words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
                             check=False)
        assert ran.returncode == 0 and ran.stdout + ran.stderr == answer, (words, ran.stdout, ran.stderr)


def test_a_store_whose_url_cannot_be_read_is_not_shown(plain):
    for url in ("postgresql://u:s3cr%zzet@h/db", "postgresql://u:s3cr@[::1]x/db", "postgresql://u:s3cr/et@h/db"):
        said = plain.run("var", "list", code=2, env={"MILLRACE_FLOW_STORE": url})
        assert "its URL cannot be read" in said and "s3cr" not in said, said
