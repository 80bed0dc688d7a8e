"""Batches that are done in part: what is answered as undone was not done, and the rest was."""

from typing import Any

from tableferry.local.faults import FaultProxy, Unprocessed
from tests.integration.faults.conftest import make_table
from tests.integration.faults.talking import inserts, item, names_in, put_names, puts

NAMES = [f"n{number:02}" for number in range(25)]


def test_unprocessed_puts_were_not_made_and_the_others_were(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Unprocessed(share=0.4), seed=3, first=1)
    undone = put_names(client.batch_write_item(**puts(table, NAMES))["UnprocessedItems"][table])
    assert 0 < len(undone) < len(NAMES)
    assert names_in(engine, table) == set(NAMES) - undone
    (call,) = proxy.calls.select("BatchWriteItem")
    assert (call.keys, call.unprocessed, call.status) == (25, len(undone), 200)


def test_exact_number_of_entries_is_held_back_over_several_tables(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    other = make_table(engine)
    proxy.add(Unprocessed(entries=7), seed=1)
    both = puts(table, NAMES[:10])["RequestItems"] | puts(other, NAMES[10:20])["RequestItems"]
    undone = client.batch_write_item(RequestItems=both)["UnprocessedItems"]
    assert sum(len(requests) for requests in undone.values()) == 7
    left = set().union(*(put_names(requests) for requests in undone.values()))
    assert names_in(engine, table) | names_in(engine, other) == set(NAMES[:20]) - left


def test_sending_again_what_was_unprocessed_ends_with_everything_there(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Unprocessed(share=0.5), seed=11, first=3)
    wanted = puts(table, NAMES)["RequestItems"]
    while wanted:
        wanted = client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]
    assert names_in(engine, table) == set(NAMES)


def test_unprocessed_deletes_are_still_there(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    engine.batch_write_item(**puts(table, NAMES))
    proxy.add(Unprocessed(entries=5))
    requests = [{"DeleteRequest": {"Key": item(name)}} for name in NAMES]
    undone = client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"][table]
    assert names_in(engine, table) == {each["DeleteRequest"]["Key"]["id"]["S"] for each in undone}
    assert len(undone) == 5


def test_unprocessed_keys_keep_the_settings_of_their_request(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    engine.batch_write_item(**puts(table, NAMES))
    proxy.add(Unprocessed(entries=10))
    asked = {"Keys": [item(name) for name in NAMES], "ConsistentRead": True}
    answer = client.batch_get_item(RequestItems={table: asked})
    undone = answer["UnprocessedKeys"][table]
    assert undone["ConsistentRead"] is True
    found = {each["id"]["S"] for each in answer["Responses"][table]}
    missing = {key["id"]["S"] for key in undone["Keys"]}
    assert (len(missing), found | missing, found & missing) == (10, set(NAMES), set())


def test_each_statements_own_answer_stays_at_its_place(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    engine.batch_write_item(**puts(table, NAMES[:12]))
    proxy.add(Unprocessed(share=0.3), seed=5)
    responses = client.batch_execute_statement(**inserts(table, NAMES))["Responses"]
    codes = [each.get("Error", {}).get("Code") for each in responses]
    assert set(codes[:12]) == {"DuplicateItem", "ThrottlingError"}
    assert set(codes[12:]) == {None, "ThrottlingError"}
    inserted = {name for name, code in zip(NAMES, codes, strict=True) if code is None}
    assert names_in(engine, table) == set(NAMES[:12]) | inserted
    assert all(each["TableName"] == table for each in responses)


def test_all_statements_throttled_is_still_an_answer_of_200(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Unprocessed(share=1.0, code="ProvisionedThroughputExceeded"))
    responses = client.batch_execute_statement(**inserts(table, NAMES))["Responses"]
    assert {each["Error"]["Code"] for each in responses} == {"ProvisionedThroughputExceeded"}
    assert names_in(engine, table) == set()
    assert not proxy.calls.select("BatchExecuteStatement", forwarded=True)
