"""WebSocket's wire: what it reads it can write, however the bytes are cut; and nothing but its own errors."""

import asyncio
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol, State
from websockets.uri import parse_uri

from exhibits.asgi import explain, wire
from exhibits.shared.fields import Malformed
from tests.explained import fault

MASK = bytes.fromhex("37fa213d")

# (message, the frame a server sends): the examples of RFC 6455 section 5.7, and every form of length.
MESSAGES = {
    "text": (wire.Message("Hello"), bytes.fromhex("810548656c6c6f")),
    "ping": (wire.Ping(b"Hello"), bytes.fromhex("890548656c6c6f")),
    "pong": (wire.Pong(b"Hello"), bytes.fromhex("8a0548656c6c6f")),
    "empty text": (wire.Message(""), bytes.fromhex("8100")),
    "125 bytes": (wire.Message(b"x" * 125), bytes.fromhex("827d") + b"x" * 125),
    "126 bytes": (wire.Message(b"x" * 126), bytes.fromhex("827e007e") + b"x" * 126),
    "256 bytes": (wire.Message(b"x" * 256), bytes.fromhex("827e0100") + b"x" * 256),
    "65536 bytes": (wire.Message(b"x" * 65536), bytes.fromhex("827f0000000000010000") + b"x" * 65536),
    "close": (wire.Close(1000, "bye"), bytes.fromhex("880503e8") + b"bye"),
    "close without a code": (wire.Close(1005, ""), bytes.fromhex("8800")),
}

# (bytes from a server, the error, where)
BROKEN = {
    "RSV1": ("c100", wire.ReservedBit, 0),
    "RSV3": ("9100", wire.ReservedBit, 0),
    "opcode 3": ("8300", wire.UnknownOpcode, 0),
    "opcode 11": ("8b00", wire.UnknownOpcode, 0),
    "ping of 126 bytes": ("897e007e", wire.LongControl, 1),
    "ping in fragments": ("0900", wire.FragmentedControl, 0),
    "masked by a server": ("818037fa213d", wire.WrongMasking, 1),
    "126 for a short length": ("817e007d", wire.LongLength, 2),
    "127 for a medium length": ("817f000000000000ffff", wire.LongLength, 2),
    "a length of 2^63": ("817f8000000000000000", wire.LongLength, 2),
    "a length of 2^62": ("817f4000000000000000", wire.MessageTooLong, 1),
    "a continuation of nothing": ("8000", wire.WrongContinuation, 0),
    "a message inside another": ("010161810162", wire.WrongContinuation, 3),
    "text that is not UTF-8": ("8102c328", wire.NotUTF8, 0),
    "close with half a code": ("880103", wire.BadClose, 0),
    "close with 1005": ("880203ed", wire.BadClose, 0),
    "close with 999": ("880203e7", wire.BadClose, 0),
    "close with 2999": ("88020bb7", wire.BadClose, 0),
    "a reason that is not UTF-8": ("880403e8c328", wire.NotUTF8, 0),
}


@pytest.mark.parametrize("trailing", [b"", b"\x89\x00"], ids=["alone", "before a ping"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", MESSAGES)
def test_frames_are_read(case, whole, trailing):
    message, frame = MESSAGES[case]
    reader, data = wire.Reader(from_client=False), frame + trailing
    pieces = [data] if whole or len(frame) > 1000 else [data[n : n + 1] for n in range(len(data))]
    found = [each for piece in pieces for each in reader.receive(piece)]
    assert found == [message] + ([wire.Ping(b"")] if trailing else [])
    assert fault(explain.explain_server(data), data) is None


@pytest.mark.parametrize("case", MESSAGES)
def test_frames_are_written(case):
    message, frame = MESSAGES[case]
    assert wire.build(message) == frame
    assert wire.Reader(from_client=True).receive(wire.build(message, MASK)) == [message]


def test_the_masked_example_of_the_rfc():
    assert wire.build(wire.Message("Hello"), MASK) == bytes.fromhex("818537fa213d7f9f4d5158")


def test_the_handshake_example_of_the_rfc():
    assert wire.accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
SHAKE = {b"upgrade": b"websocket", b"connection": b"Upgrade", b"sec-websocket-version": b"13",
         b"sec-websocket-key": KEY}  # fmt: skip


@pytest.mark.parametrize("fields", [
    {}, {b"upgrade": b"WebSocket"}, {b"connection": b"keep-alive, uPGRADE"}, {b"connection": b"upgrade ,close"},
    {b"content-length": b"0"},
])  # fmt: skip
def test_a_handshake_begins_a_websocket(fields):
    assert wire.handshake(b"GET", b"1.1", SHAKE | fields) == KEY


@pytest.mark.parametrize(("method", "version", "fields"), [
    (b"POST", b"1.1", {}), (b"HEAD", b"1.1", {}), (b"GET", b"1.0", {}), (b"GET", b"1.1", {b"upgrade": b"h2c"}),
    (b"GET", b"1.1", {b"upgrade": b""}), (b"GET", b"1.1", {b"content-length": b"10"}),
    (b"GET", b"1.1", {b"transfer-encoding": b"chunked"}),
])  # fmt: skip
def test_what_is_no_handshake_is_a_request_like_any_other(method, version, fields):
    assert wire.handshake(method, version, SHAKE | fields) is None
    assert wire.handshake(method, version, {**SHAKE, **fields, b"connection": b"", b"sec-websocket-key": b""}) is None


@pytest.mark.parametrize(("fields", "status"), [
    ({b"connection": b""}, 400), ({b"connection": b"keep-alive"}, 400), ({b"connection": b"upgrades"}, 400),
    ({b"connection": b"x-upgrade"}, 400), ({b"sec-websocket-key": b""}, 400),
    ({b"sec-websocket-key": KEY[:-4]}, 400),  # 15 bytes
    ({b"sec-websocket-key": b"A" + KEY}, 400), ({b"sec-websocket-key": KEY + KEY}, 400),
    ({b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZ*=="}, 400), ({b"sec-websocket-key": KEY + b", " + KEY}, 400),
    ({b"sec-websocket-version": b"8"}, 426), ({b"sec-websocket-version": b"13, 8"}, 426),
    ({b"sec-websocket-version": b""}, 426),
])  # fmt: skip
def test_a_bad_handshake_is_refused(fields, status):
    with pytest.raises(wire.BadHandshake) as refused:
        wire.handshake(b"GET", b"1.1", SHAKE | fields)
    assert refused.value.status == status
    if status == 426:  # RFC 6455 section 4.4
        assert (b"sec-websocket-version", b"13") in refused.value.fields


def test_control_frames_come_between_fragments():
    data = wire.build_frame(1, "Grü".encode()[:3], fin=False) + wire.build(wire.Ping(b"?"))
    data += wire.build_frame(0, "Grü".encode()[3:])
    assert wire.Reader(from_client=False).receive(data) == [wire.Ping(b"?"), wire.Message("Grü")]
    assert fault(explain.explain_server(data), data) is None


@pytest.mark.parametrize("case", BROKEN)
def test_broken_frames(case):
    data, error, offset = BROKEN[case]
    with pytest.raises(error) as raised:
        wire.Reader(from_client=False).receive(bytes.fromhex(data))
    assert type(raised.value) is error and raised.value.offset == offset
    assert raised.value.close_code in (1002, 1007, 1009)


def test_a_message_is_limited_over_all_its_fragments():
    reader = wire.Reader(from_client=False, limit=10)
    reader.receive(wire.build_frame(2, b"123456", fin=False))
    assert reader.receive(wire.build(wire.Ping(b"between"))) == [wire.Ping(b"between")]  # no part of it
    with pytest.raises(wire.MessageTooLong):
        reader.receive(wire.build_frame(0, b"123456"))


def test_a_message_may_have_as_many_fragments_as_it_likes():
    reader, fragments = wire.Reader(from_client=False), 20_000
    assert reader.receive(wire.build_frame(2, b"", fin=False) + wire.build_frame(0, b"x", fin=False) * fragments) == []
    tracemalloc.start()
    assert reader.receive(wire.build_frame(0, b"", fin=False) * fragments) == []
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000 and reader.receive(wire.build_frame(0, b"end")) == [wire.Message(b"x" * fragments + b"end")]


def test_a_client_has_to_mask():
    with pytest.raises(wire.WrongMasking):
        wire.Reader(from_client=True).receive(bytes.fromhex("8100"))


def test_a_frame_cut_off_is_not_explained():
    with pytest.raises(wire.CutOff):
        explain.explain_server(bytes.fromhex("810548"))


@given(st.lists(st.one_of(st.text().map(wire.Message), st.binary().map(wire.Message),
                          st.binary(max_size=125).map(wire.Ping), st.binary(max_size=125).map(wire.Pong))),
       st.one_of(st.none(), st.binary(min_size=4, max_size=4)))
def test_messages_there_and_back(messages, mask):
    data = b"".join(wire.build(message, mask) for message in messages)
    assert wire.Reader(from_client=mask is not None).receive(data) == messages
    fields = explain.explain_client(data) if mask else explain.explain_server(data)
    assert fault(fields, data) is None


def outcome(pieces, from_client=False):
    reader, found = wire.Reader(from_client, limit=1000), []
    try:
        for piece in pieces:
            found += reader.receive(piece)
        found += reader.receive(b"")
    except Malformed as error:
        return found, type(error), error.offset
    return found, None, None


@given(st.binary(), st.booleans())
def test_arbitrary_bytes_raise_nothing_but_our_errors(data, from_client):
    outcome([data], from_client)
    try:
        assert fault(explain.explain_frames(data, from_client), data) is None
    except Malformed as error:
        assert 0 <= error.offset <= len(data)


@given(st.binary())
def test_however_the_bytes_are_cut_the_same_messages_and_the_same_error_come(data):
    whole, piecewise = outcome([data]), outcome([data[n : n + 1] for n in range(len(data))])
    assert piecewise == whole


@given(st.text(max_size=300))
def test_against_another_implementation(text):
    """websockets reads what we write, in both roles, and writes what we read."""
    server = Protocol(SERVER, state=State.OPEN)
    client = ClientProtocol(parse_uri("ws://museum.test/"), state=State.OPEN)
    server.receive_data(wire.build(wire.Message(text), MASK))
    client.receive_data(wire.build(wire.Message(text)))
    assert [frame.data.decode() for frame in server.events_received() + client.events_received()] == [text, text]
    server.send_text(text.encode())
    client.send_text(text.encode())
    assert wire.Reader(from_client=False).receive(b"".join(server.data_to_send())) == [wire.Message(text)]
    assert wire.Reader(from_client=True).receive(b"".join(client.data_to_send())) == [wire.Message(text)]
    assert Frame(Opcode.TEXT, text.encode()).serialize(mask=False) == wire.build(wire.Message(text))


def test_a_trace_holds_every_event():
    async def program(scope, receive, send):
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        raise RuntimeError

    async def run(traced):
        async def receive():
            return {"type": "http.request", "body": b"x"}

        async def send(event):
            pass

        with pytest.raises(RuntimeError):
            await traced({"type": "http", "path": "/"}, receive, send)

    traced = wire.trace(program, now=iter(range(99)).__next__)
    asyncio.run(run(traced))
    assert json.loads(json.dumps(traced.traces[0])) == [
        {"by": "server", "call": "application", "began": 0, "raised": "RuntimeError", "ended": 5,
         "arguments": [{"type": "http", "path": "/"}, "<function>", "<function>"]},
        {"by": "program", "call": "receive", "arguments": [], "began": 1,
         "returned": {"type": "http.request", "body": "b'x'"}, "ended": 2},
        {"by": "program", "call": "send", "began": 3, "returned": None, "ended": 4,
         "arguments": [{"type": "http.response.start", "status": 200, "headers": [["b'a'", "b'b'"]]}]},
    ]


def test_a_receive_that_never_returned_looks_so():
    async def program(scope, receive, send):
        await receive()

    async def run():
        task = asyncio.create_task(traced({"type": "http"}, asyncio.Event().wait, None))
        await asyncio.sleep(0)
        assert [("ended" in call) for call in traced.traces[0]] == [False, False]
        task.cancel()
        await asyncio.wait([task])

    traced = wire.trace(program)
    asyncio.run(run())
    assert [call["raised"] for call in traced.traces[0]] == ["CancelledError", "CancelledError"]
