"""What a file is taken for, its items bit for bit, and its mistakes by file and line."""

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tableferry.errors import InvalidSpecError, NotFoundError, Problem
from tableferry.local.loading.keys import Key
from tableferry.local.loading.loading import MOST_PROBLEMS, check, source_of


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def items(path: Path, *keys: Key) -> list[dict[str, Any]]:
    entries = list(source_of(path, keys).entries())
    assert not [entry.problems for entry in entries if entry.problems]
    return [entry.item for entry in entries]


def problems(path: Path, *keys: Key) -> list[Problem]:
    with pytest.raises(InvalidSpecError) as raised:
        check(source_of(path, keys), keys)
    return list(raised.value.problems)


PLAIN = (
    '{"id": "a", "n": 0.1234567890123456789012345678901234567, "l": [1, null, true, {"x": ""}]}\n'
)
TYPED = '{"id": {"S": "a"}, "n": {"N": "0.10"}, "b": {"B": "AAE="}, "s": {"NS": ["1", "2"]}}\n'
OF_TYPED = {"id": {"S": "a"}, "n": {"N": "0.1"}, "b": {"B": "AAE="}, "s": {"NS": ["1", "2"]}}


def test_plain_json_keeps_every_digit(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", f"\ufeff{PLAIN}\n")
    assert "plain JSON" in source_of(path, ()).said[0]
    members = [{"N": "1"}, {"NULL": True}, {"BOOL": True}, {"M": {"x": {"S": ""}}}]
    expected = {"N": "0.1234567890123456789012345678901234567"}
    assert items(path) == [{"id": {"S": "a"}, "n": expected, "l": {"L": members}}]


@pytest.mark.parametrize("line", [TYPED, f'{{"Item": {TYPED.strip()}}}\n'])
def test_dynamodb_json_with_and_without_item(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "x.jsonl.gz", gzip.compress(line.encode()))
    said = source_of(path, ()).said[0]
    assert "DynamoDB JSON" in said
    assert ("Item" in said) == ("Item" in line)
    assert items(path) == [OF_TYPED]


def test_csv_is_text_or_numbers_by_column(tmp_path: Path) -> None:
    text = 'id,zip,n,note\r\n1,007,-1.50,"a, ""b""\nc"\r\n2,123,3e2,\r\n'
    path = written(tmp_path / "x.csv", text)
    assert "numbers: id, n;" in source_of(path, ()).said[1]
    note = {"S": 'a, "b"\nc'}
    first = {"id": {"N": "1"}, "zip": {"S": "007"}, "n": {"N": "-1.5"}, "note": note}
    second = {"id": {"N": "2"}, "zip": {"S": "123"}, "n": {"N": "300"}}
    assert items(path) == [first, second]
    assert items(path, Key("id", "S"))[0]["id"] == {"S": "1"}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('{"id": "x", "n": 1e999}', "range"),
        ('{"id": "x", "n": NaN}', "NaN"),
        ('{"id": "x", "n": 123456789012345678901234567890123456789}', "39 significant digits"),
        ('{"id": "x", "id": "y"}', "twice"),
        ('{"id": "x"', "not one JSON object"),
        ("[1]", "not an object"),
        ('{"id": ""}', "1 to 2,048 bytes"),
        ('{"id": 1}', "is N; the partition key is S"),
        ('{"other": "x"}', "is missing; it is the partition key"),
        ('{"id": "a1"}', "same key as x.jsonl:1"),
        ('{"id": "x", "t": "' + "t" * 410_000 + '"}', "DynamoDB takes 409,600"),
    ],
)
def test_broken_line_17003_is_named(tmp_path: Path, line: str, rule: str) -> None:
    good = [f'{{"id": "a{n}"}}' for n in range(1, 17_003)]
    path = written(tmp_path / "x.jsonl", "\n".join([*good, line, '{"id": "z"}']))
    (problem,) = problems(path, Key("id"))
    assert problem.path.startswith("x.jsonl:17003")
    assert rule in problem.rule


def test_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", b'{"id": "a"}\n{"id": "\xff"}\n')
    (problem,) = problems(path)
    assert (problem.path, problem.rule) == ("x.jsonl:2", "is not UTF-8")


def test_lines_of_another_form_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", TYPED + '{"id": "b"}\n')
    (problem,) = problems(path)
    assert problem.path == "x.jsonl:2"
    assert "as the first line is" in problem.rule


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", '{"id": 1}\n' + "{\n" * 50)
    with pytest.raises(InvalidSpecError) as raised:
        check(source_of(path, ()), ())
    assert len(raised.value.problems) == MOST_PROBLEMS
    assert "of 50" in raised.value.hint
    assert "nothing was loaded" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("a,b\n1\n", "x.csv:2", "has 1 cells"),
        ("a,b\n1,2,3\n", "x.csv:2", "has 3 cells"),
        ('a,b\n1,"x\n', "x.csv:2", "not CSV"),
        ("a,a\n1,2\n", "x.csv:1", "twice"),
        ("a,\n1,2\n", "x.csv:1", "no name"),
        ("", "x.csv:1", "no header"),
        ("a,b\n", "FILE", "no items"),
    ],
)
def test_broken_csv(tmp_path: Path, text: str, place: str, rule: str) -> None:
    (problem,) = problems(written(tmp_path / "x.csv", text))
    assert problem.path == place
    assert rule in problem.rule


def test_archive_that_breaks_off_and_file_that_is_not_there(tmp_path: Path) -> None:
    broken = gzip.compress(PLAIN.encode() * 100, mtime=0)[:-20]
    (problem,) = problems(written(tmp_path / "x.jsonl.gz", broken))
    assert "gzip" in problem.rule
    with pytest.raises(NotFoundError):
        source_of(tmp_path / "nothing", ())


def export(folder: Path, parts: list[list[dict[str, Any]]]) -> Path:
    """A folder as DynamoDB's export writes it."""
    manifest = []
    for number, part in enumerate(parts):
        lines = "".join(json.dumps({"Item": item}) + "\n" for item in part)
        path = written(folder / "data" / f"part{number}.json.gz", gzip.compress(lines.encode()))
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()
        listed = {
            "itemCount": len(part),
            "md5Checksum": base64.b64encode(digest).decode(),
            "dataFileS3Key": f"AWSDynamoDB/01-ab/data/{path.name}",
        }
        manifest.append(json.dumps(listed))
    written(folder / "manifest-files.json", "\n".join(manifest))
    summary = {
        "itemCount": sum(map(len, parts)),
        "outputFormat": "DYNAMODB_JSON",
        "tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Prefs",
    }
    written(folder / "manifest-summary.json", json.dumps(summary))
    return folder


def test_export_is_found_below_and_read_whole(tmp_path: Path) -> None:
    rows = [{"id": {"S": str(n)}} for n in range(5)]
    export(tmp_path / "AWSDynamoDB" / "01-ab", [rows[:3], rows[3:], []])
    assert items(tmp_path) == rows
    assert "of the table Prefs, 3 data files" in source_of(tmp_path, ()).said[0]


def test_export_with_files_lost_or_damaged_is_refused(tmp_path: Path) -> None:
    folder = export(tmp_path, [[{"id": {"S": "a"}}], [{"id": {"S": "b"}}]])
    folder.joinpath("data/part0.json.gz").unlink()
    folder.joinpath("data/part1.json.gz").write_bytes(gzip.compress(b""))
    first, second = problems(folder)
    assert (first.path, second.path) == ("data/part0.json.gz", "data/part1.json.gz")
    assert "not there" in first.rule
    assert "MD5" in second.rule


def test_export_that_is_incremental_is_refused(tmp_path: Path) -> None:
    folder = export(tmp_path, [[{"id": {"S": "a"}}]])
    written(folder / "manifest-summary.json", '{"exportType": "INCREMENTAL_EXPORT"}')
    (problem,) = problems(folder)
    assert "FULL_EXPORT" in problem.rule


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        ([{"n": 1, "userId": "a"}, {"n": 2, "userId": "b"}], ["userId (S)"]),
        ([{"x": 1, "y": "p"}, {"x": 2, "y": "p"}], ["x (N)"]),
        (
            [{"p": "a", "q": 1, "r": 0}, {"p": "a", "q": 2, "r": 0}, {"p": "b", "q": 1, "r": 0}],
            ["p (S)", "q (N)"],
        ),
        ([{"id": 1, "b": "x"}, {"id": "1", "b": "y"}], ["b (S)"]),
    ],
)
def test_keys_are_guessed(tmp_path: Path, rows: list[dict[str, Any]], keys: list[str]) -> None:
    path = written(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    assert list(map(str, check(source_of(path, ()), ()).keys)) == keys


def test_without_anything_unique_keys_must_be_given(tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path / "x.jsonl", '{"a": 1, "b": 2}\n' * 2))
    assert problem.path == "--key"


def test_key_may_hold_a_colon() -> None:
    assert Key.of_text("a:b:N") == Key("a:b", "N")
    assert Key.of_text("a:b") == Key("a:b")
